// SPDX-License-Identifier: Apache-2.0
#pragma once

// segmented_window_store: a window_store over a segmented_store.
//
// A segment holds the starts of one segment_interval_ms; the inner key is the whole store key,
// seqnum 0. Expiry drops segments whole.
//
// Threads: one owner, the segments' own. Lifetime: the segments outlive the store. Views,
// suspension, errors: window_store's, and what the segments throw. Cancellation: none.
// Durability: that of the segments.
// Not promised: an order of rows across segments other than by id.

#include <lentic/bytes.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/window_store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace lentic::windows {

class segmented_window_store final : public window_store {
 public:
  // Throws errc::invalid_argument for a size that is not positive, a negative advance, interval or
  // alignment, or a retention smaller than the window size.
  segmented_window_store(segmented_store& segments, const window_store_options& options);
  ~segmented_window_store() override;

  using window_store::fetch;
  maybe_ready<bool> put(bytes_view key, std::int64_t start_ms, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key, std::int64_t start_ms) override;
  maybe_ready<std::optional<value_view>> fetch(bytes_view key, std::int64_t start_ms) override;
  maybe_ready<std::optional<value_view>> fetch_expiring(bytes_view key,
                                                        std::int64_t start_ms) override;
  window_cursor scan(key_selection keys, time_range starts,
                     direction order = direction::forward) override;

  // Gives each segment whose last window has closed a seal hint, once a run. O(segments hinted).
  void closed_below(std::int64_t first_open_start_ms) override;
  maybe_ready<void> expire() override;

  std::int64_t window_size_ms() const noexcept override { return window_size_ms_; }
  std::int64_t retention_ms() const noexcept override { return retention_ms_; }
  std::int64_t segment_interval_ms() const noexcept override { return segment_interval_ms_; }
  std::int64_t start_alignment_ms() const noexcept override { return start_alignment_ms_; }
  std::int64_t observed_stream_time_ms() const noexcept override {
    return state_.observed_stream_time_ms;
  }
  std::uint64_t expired_dropped() const noexcept override { return state_.expired_dropped; }
  window_store_state state() const noexcept override { return state_; }
  void restore(const window_store_state& state) noexcept override;

  // The segment of stream time - retention: the oldest one that takes writes.
  segment_id live_floor() const noexcept;
  segment_id segment_of(std::int64_t start_ms) const noexcept;
  segmented_store& segments() noexcept { return segments_; }
  // What put() does with a start that it has checked: raises stream time, then answers the segment
  // to write to; null, and one more in the count, when it has expired. For a cache that has the
  // whole store key already.
  byte_store* segment_to_write(std::int64_t start_ms);

 private:
  class scan_source;
  class probe_source;

  std::int64_t oldest_visible_ms() const noexcept;
  void encode_key(bytes_view key, std::int64_t start_ms);

  segmented_store& segments_;
  std::int64_t window_size_ms_;
  std::int64_t retention_ms_;
  std::int64_t segment_interval_ms_;
  std::int64_t start_alignment_ms_;  // 0: any start
  mutable segment_finder segment_of_start_;
  mutable segment_finder segment_of_floor_;
  window_store_state state_;
  segment_id sealed_below_ = 0;
  bytes key_;  // of the operation under way; moves into its task when that suspends
  std::size_t open_cursors_ = 0;
};

}  // namespace lentic::windows
