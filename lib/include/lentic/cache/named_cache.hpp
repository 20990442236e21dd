// SPDX-License-Identifier: Apache-2.0
#pragma once

// named_cache: the entries of one cache in memory, after Kafka's NamedCache: a least-recently-used
// list, a dirty order in which a key that is put again moves to the END, and byte accounting. It
// does no I/O: caching_store takes the dirty entries out through the flush protocol at the end of
// the class, one at a time, and may suspend between its steps.
//
//   size of an entry = key + 24 + 1 + value + 8 + 8 + 4 + topic + headers
//
// which is 47 bytes for a key and value of one byte each and an empty topic. (Kafka's figure for
// its own objects, kept so that budgets mean the same; ours take about 220 bytes and more.)
//
// Threads: one owner. Lifetime: the thread_cache outlives it. Views: until the next non-const call.
// Errors: std::bad_alloc, with nothing changed.
// Not promised: resistance to keys that were chosen to collide in the hash.

#include <lentic/bytes.hpp>
#include <lentic/cache/record_context.hpp>
#include <lentic/cache/thread_cache.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace lentic {

enum class entry_state { clean, dirty };

struct cached_entry {
  bytes_view key;
  std::optional<bytes_view> value;  // none: a tombstone, which hides what the store below holds
  const record_context* context = nullptr;
  bool dirty = false;
};

struct named_cache_figures {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t overwrites = 0;
  std::uint64_t flushes = 0;
  std::uint64_t evictions = 0;
};

class named_cache final : private memory_donor {
 public:
  named_cache(thread_cache& owner, std::string_view name);
  named_cache(const named_cache&) = delete;
  named_cache& operator=(const named_cache&) = delete;
  ~named_cache();

  // Sets the entry and makes it the most recent. A dirty one goes to the end of the dirty order,
  // except while a flush that began earlier has yet to take it: then it keeps its place.
  // Precondition: a clean entry is not put over a dirty one. O(1) on average; without an allocation
  // when the entry exists and the value fits into its room.
  void put(bytes_view key, std::optional<bytes_view> value, entry_state state,
           const record_context& context);
  // Puts when there is no entry, or one without a value; answers the value that was there.
  std::optional<bytes_view> put_if_absent(bytes_view key, bytes_view value,
                                          const record_context& context);
  // The entry, which becomes the most recent; none counts as a miss. O(1) on average.
  std::optional<cached_entry> get(bytes_view key);
  // Removes the entry, dirty or not; nobody is told. True when it was there.
  bool erase(bytes_view key);
  // Removes all entries; nobody is told.
  void clear() noexcept;

  // Ordered reads for ranges: the first entry at or after `key` (behind it when `exclusive`), and
  // the last one before it (the very last without a key). Each entry found becomes the most recent,
  // as Kafka's iterators do. O(log n), and once O(log n) for each entry that came since.
  std::optional<cached_entry> at_or_after(bytes_view key, bool exclusive);
  std::optional<cached_entry> before(const std::optional<bytes_view>& key);
  // The same as at_or_after() for the cache's own upkeep: nothing becomes recent.
  std::optional<cached_entry> peek_from(bytes_view key, bool exclusive);
  // The least recent entry. O(1).
  std::optional<cached_entry> oldest() const;

  std::size_t size() const noexcept;
  std::uint64_t bytes() const noexcept { return account_.bytes(); }
  // Entries that have not landed: dirty, or in flight.
  std::uint64_t dirty_count() const noexcept;
  // Their keys and values.
  std::uint64_t dirty_bytes() const noexcept;
  thread_cache& owner() const noexcept { return account_.owner(); }
  const named_cache_figures& figures() const noexcept { return figures_; }

  // The flush protocol: begin, then for each entry start() and landed() or failed(), then end.
  // next_dirty() answers what was dirty at begin_flush(), in order, as long as any is left.
  void begin_flush() noexcept;
  std::optional<cached_entry> next_dirty() const;
  // The entry leaves the dirty order and is in flight; a put makes it dirty again. False when it is
  // not there or not dirty.
  bool start(bytes_view key) noexcept;
  // Its value was stored: the entry is clean, or gone when it was a tombstone, unless it was put
  // again meanwhile.
  void landed(bytes_view key) noexcept;
  // It was not: the entry is the first to be flushed again.
  void failed(bytes_view key) noexcept;
  void end_flush() noexcept;
  // Removes the least recent entry, if it is clean; counts as an eviction.
  bool drop_oldest_clean() noexcept;

 private:
  struct index;

  std::uint64_t give_up(std::uint64_t wanted) noexcept override;

  cache_account account_;
  named_cache_figures figures_;
  std::unique_ptr<index> index_;
};

}  // namespace lentic
