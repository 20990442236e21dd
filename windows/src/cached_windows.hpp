// SPDX-License-Identifier: Apache-2.0
#pragma once

// What stands between a caching_window_store and its caching_store: the window store below as a
// byte_store, scans as plans over the cache's keys, changes with the store key. The key of the
// cache is Kafka's: segment id || store key (key_schema.hpp), so that the order of the cache is the
// order of scans. Threads: the store's owner, which outlives them.

#include <lentic/store/touching_store.hpp>
#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <optional>
#include <span>
#include <vector>

namespace lentic::windows {

// The window key in a key of the cache; errc::damaged when it holds none.
window_key window_of(bytes_view cache_row_key);

// A window_store by keys of the cache. Stores no order of its own: scans go through rows_plan.
class caching_window_store::below final : public byte_store, public touching_store {
 public:
  explicit below(window_store& inner) noexcept;

  maybe_ready<std::optional<value_view>> get(bytes_view key) override;
  // What the inner store refuses as expired is about to be dropped: nobody misses it.
  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;
  cursor range(const key_range& range, direction order) override;
  // Not offered by window stores: errc::invalid_argument.
  maybe_ready<void> clear() override;
  std::uint64_t approximate_count() const override { return 0; }
  std::uint64_t size_bytes() const override { return 0; }

  // Of a segmented_window_store whose segments do. The store key is part of the cache's key, so
  // that it is not built again.
  touching_store* touching() noexcept override { return segments_ != nullptr ? this : nullptr; }
  touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) override;
  touch_answer erase_touching(bytes_view key, const touch_call& call) override;
  task<void> make_room(bytes_view key, std::uint64_t value_bytes) override;

 private:
  window_store& inner_;
  segmented_window_store* segments_;  // the same, or null
};

// Tells changes with the store key.
class caching_window_store::listener_of_windows final : public change_listener {
 public:
  explicit listener_of_windows(change_listener& to) noexcept : to_(to) {}
  maybe_ready<void> on_change(const change& told) override;

 private:
  change_listener& to_;
  std::optional<change> told_;  // one at a time; lives until the next
};

// One scan: some keys over some time, as a walk over the cache's keys that leaps over what cannot
// match: in each segment only [lower, upper) of the store keys.
class caching_window_store::rows_plan final : public scan_plan {
 public:
  // `starts` is what the reader may see. Precondition: it is not empty.
  rows_plan(window_store& inner, key_selection keys, time_range starts, direction order);

  direction order() const override { return order_; }
  std::optional<bytes_view> start() const override { return start_; }
  cursor below(const std::optional<bytes_view>& after) override;
  verdict judge(bytes_view key, bytes& to) override;

 private:
  verdict leap(segment_id segment, const std::optional<bytes>& bound, bytes& to) const;

  window_store& inner_;
  key_selection keys_;
  time_range starts_;
  direction order_;
  scan_bounds bounds_;  // of store keys, the upper one excluded
  segment_id first_;
  segment_id last_;
  std::optional<bytes> start_;
};

// Rows of the store below as they are, which in fused mode are the newest.
class caching_window_store::direct_source final : public window_cursor_source {
 public:
  direct_source(caching_window_store& store, window_cursor rows);
  direct_source(const direct_source&) = delete;
  direct_source& operator=(const direct_source&) = delete;
  ~direct_source() override;

  maybe_ready<std::span<const window_row>> next() override { return rows_.next(); }

 private:
  caching_window_store& store_;
  window_cursor rows_;
};

class caching_window_store::scan_source final : public window_cursor_source {
 public:
  scan_source(caching_window_store& store, std::optional<cursor> rows);
  scan_source(const scan_source&) = delete;
  scan_source& operator=(const scan_source&) = delete;
  ~scan_source() override;

  maybe_ready<std::span<const window_row>> next() override;

 private:
  std::span<const window_row> decode(std::span<const row> block);
  task<std::span<const window_row>> next_cold(maybe_ready<std::span<const row>> pending);

  caching_window_store& store_;
  std::optional<cursor> rows_;  // none: nothing to read
  std::vector<window_row> block_;
};

}  // namespace lentic::windows
