// SPDX-License-Identifier: Apache-2.0
#pragma once

// byte_store: an ordered map of byte strings (memcmp order). Everything above it (windows, caches,
// processors) speaks this interface; memory_store and the stores of an environment implement it,
// and one conformance suite runs over all of them.
//
// Threads: one owner thread; see environment.
// Views: what get() answers is valid until the next non-const call on the same store or the
// caller's next suspension, whichever is first. pin(), get_into() and get_copy() outlive both.
// Suspension: an answer from memory is ready: no frame, no allocation.
// Cancellation: get and cursors have no effect; a put is applied or not, never in part.
// Durability: none until environment::commit(); a memory_store has none at all.
// Errors: errc::too_large (key over 64 KiB, value over 64 MiB), errc::closed, errc::read_only,
// errc::damaged for a run block that fails its checksum (see damaged_block.hpp). A miss is a value,
// not an error.

#include <lentic/bytes.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/store/cursor.hpp>
#include <lentic/store/write_batch.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lentic {

inline constexpr std::size_t key_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t value_bytes_max = std::size_t{64} << 20;

// A value inside a store; see "Views" above.
class value_view {
 public:
  value_view() = default;
  explicit value_view(bytes_view raw) noexcept : raw_(raw) {}
  operator bytes_view() const noexcept { return raw_; }
  const std::byte* data() const noexcept { return raw_.data(); }
  std::size_t size() const noexcept { return raw_.size(); }

 private:
  bytes_view raw_;
};

}  // namespace lentic

template <>
inline constexpr bool lentic::coro::is_borrowed<lentic::value_view> = true;

namespace lentic {

class touching_store;

// A value that stays as it was, whatever happens to its store, for as long as this object lives. It
// may keep the file of a run mapped, also after that file is gone from its directory.
// Threads: the store's. Lifetime: it may outlive the store, not the store's runtime.
class pinned_value {
 public:
  // A copy.
  explicit pinned_value(bytes_view raw) : copy_(to_bytes(raw)), raw_(copy_) {}
  // `raw` lies in what `holder` keeps.
  pinned_value(bytes_view raw, std::shared_ptr<const void> holder) noexcept
      : holder_(std::move(holder)), raw_(raw) {}
  pinned_value(pinned_value&& other) noexcept = default;  // a vector's bytes stay where they are
  pinned_value& operator=(pinned_value&& other) noexcept = default;

  operator bytes_view() const noexcept { return raw_; }
  const std::byte* data() const noexcept { return raw_.data(); }
  std::size_t size() const noexcept { return raw_.size(); }
  bool is_copy() const noexcept { return holder_ == nullptr; }

 private:
  std::shared_ptr<const void> holder_;
  bytes copy_;
  bytes_view raw_;
};

// The rows of a store at one moment, as owned copies in key order.
class store_snapshot {
 public:
  void append(bytes_view key, bytes_view value) { batch_.put(key, value); }
  const write_batch& rows() const noexcept { return batch_; }
  std::size_t count() const noexcept { return batch_.entries().size(); }

 private:
  write_batch batch_;
};

class byte_store {
 public:
  byte_store() = default;
  byte_store(const byte_store&) = delete;
  byte_store& operator=(const byte_store&) = delete;
  virtual ~byte_store() = default;

  // The value of `key`; none when there is none. O(log n) in stored keys.
  virtual maybe_ready<std::optional<value_view>> get(bytes_view key) = 0;
  // Sets `key`. O(log n).
  virtual maybe_ready<void> put(bytes_view key, bytes_view value) = 0;
  // Removes `key`; answers whether it was there. O(log n).
  virtual maybe_ready<bool> erase(bytes_view key) = 0;
  // Rows with a key in `range`. The bounds are copied. O(log n) to start, O(rows) to read.
  virtual cursor range(const key_range& range, direction order = direction::forward) = 0;
  // Removes every row. O(1) or O(n), as the store says.
  virtual maybe_ready<void> clear() = 0;
  // Rows stored. May count a key twice while it is both in memory and in a file.
  virtual std::uint64_t approximate_count() const = 0;
  // Bytes of keys and values stored; approximate in the same way.
  virtual std::uint64_t size_bytes() const = 0;
  // This store for a cache that keeps no copy of its rows; null when it offers that to none.
  virtual touching_store* touching() noexcept { return nullptr; }

  // Copies, one for each key, in order. What has to be read for them is read side by side. Await it
  // before the keys go away.
  virtual task<std::vector<std::optional<bytes>>> multi_get(std::span<const bytes_view> keys);
  // Begins to bring into memory what get() of these keys would have to read, and returns at once. A
  // hint: it may do nothing, and what fails of it is told by the get. Keys are not kept.
  virtual void prefetch(std::span<const bytes_view> keys) { static_cast<void>(keys); }
  // As get(), but what it answers outlives the next change and suspension. Rows in memory are
  // copied; rows of a run are not.
  virtual maybe_ready<std::optional<pinned_value>> pin(bytes_view key);
  // Copies the value into `to`, whose memory is used again; false, and `to` empty, when there is
  // none. `to` outlives the task; the key is copied where it suspends.
  maybe_ready<bool> get_into(bytes_view key, bytes& to);
  task<std::optional<bytes>> get_copy(bytes_view key);
  // True when it was put; false leaves the stored value as it is.
  maybe_ready<bool> put_if_absent(bytes_view key, bytes_view value);
  maybe_ready<bool> contains(bytes_view key);
  // Applies the entries in order. Between two commits of an environment, all or none are durable;
  // where it throws, a part may have been put, and a commit would keep that.
  task<void> write(const write_batch& batch);
  // Rows whose key starts with `prefix`.
  cursor prefix(bytes_view prefix, direction order = direction::forward);
  cursor scan(direction order = direction::forward) { return range(everything(), order); }
  // An owned copy of all rows. O(n) time and memory.
  task<store_snapshot> snapshot();
  // Replaces all rows by those of the snapshot. O(n).
  task<void> restore(const store_snapshot& image);
};

}  // namespace lentic
