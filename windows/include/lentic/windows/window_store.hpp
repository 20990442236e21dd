// SPDX-License-Identifier: Apache-2.0
#pragma once

// window_store: values by (key, window start), with retention. Operators speak this interface;
// segmented_window_store and caching_window_store implement it.
//
//   const std::vector<window_entry> entries = co_await store.fetch(key, from_ms, to_ms);
//
// Stream time here is the greatest window start that a put or erase has named, before any test
// (Kafka's observedStreamTime). Reads answer starts >= stream time - retention + 1. Writes are
// refused, and counted, one segment at a time: a start that reads no longer show may still be
// accepted (as in Kafka's persistent stores). The segment of a start is start /
// segment_interval_ms. Old segments go only when expire() is called, so that an owner can read
// closing windows first.
//
// Threads: one owner. Lifetime: the store outlives its tasks and cursors. Views: as
// byte_store::get. Suspension: an answer from memory is ready, without a frame or an allocation.
// Errors: errc::invalid_argument for a negative start, errc::damaged for a stored key that is no
// window key, and what the store below throws. Cancellation: none; reads have no effect.
// Durability: that of the store below; store what state() answers in the same commit.
// Not promised: order between segments other than by id; see scan().

#include <lentic/bytes.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/task.hpp>
#include <lentic/windows/key_ranges.hpp>
#include <lentic/windows/time_range.hpp>
#include <lentic/windows/window_cursor.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace lentic::windows {

struct window_store_options {
  std::int64_t window_size_ms = 0;
  std::int64_t advance_ms = 0;           // 0: the window size; only for the default interval
  std::int64_t retention_ms = 0;         // at least the window size
  std::int64_t segment_interval_ms = 0;  // 0: max(retention / 32, 4 advances, 1 minute)
  // A promise, checked at each write (errc::invalid_argument): starts are multiples of it. Then one
  // key over up to 64 such starts is looked up start by start. 0: any start, as joins need.
  std::int64_t start_alignment_ms = 0;
};

// What a window_store must find again after a restart.
struct window_store_state {
  std::int64_t observed_stream_time_ms = -1;
  std::uint64_t expired_dropped = 0;

  static constexpr std::size_t encoded_bytes = 17;

  void append_to(bytes& to) const;
  // errc::newer_format for another version, errc::damaged for a wrong length or a time below -1.
  static result<window_store_state> decode(bytes_view raw) noexcept;
  bool operator==(const window_store_state&) const noexcept = default;
};

class window_store {
 public:
  window_store() = default;
  window_store(const window_store&) = delete;
  window_store& operator=(const window_store&) = delete;
  virtual ~window_store() = default;

  // Sets the value of `key` in the window that starts at `start_ms`. False when the window's
  // segment has expired: nothing is stored, and expired_dropped() counts it. Raises stream time in
  // both cases. O(log segments + log rows). `value` outlives the await.
  virtual maybe_ready<bool> put(bytes_view key, std::int64_t start_ms, bytes_view value) = 0;
  // Removes it; true when it was there. Raises stream time and counts as put does.
  virtual maybe_ready<bool> erase(bytes_view key, std::int64_t start_ms) = 0;

  // The value of `key` in the window that starts at `start_ms`; none when there is none or the
  // window is past its retention. O(log segments + log rows).
  virtual maybe_ready<std::optional<value_view>> fetch(bytes_view key, std::int64_t start_ms) = 0;
  // The same for any window whose segment is still there, past its retention or not: what an
  // operator needs to emit a window that the current record has pushed out of sight.
  virtual maybe_ready<std::optional<value_view>> fetch_expiring(bytes_view key,
                                                                std::int64_t start_ms) = 0;

  // Any keys over time. Rows come by segment, then in store key order within it (key, then start,
  // for keys of equal length), not in global key order: as Kafka's segmented stores answer.
  // Backward is the exact reverse. Copies `keys`.
  virtual window_cursor scan(key_selection keys, time_range starts,
                             direction order = direction::forward) = 0;
  // One key over time: owned entries with from_ms <= start <= to_ms, by ascending start. The two
  // times are plain integers, like Kafka's fetch: the reading order says which is which.
  task<std::vector<window_entry>> fetch(bytes_view key, std::int64_t from_ms, std::int64_t to_ms);
  // The same as a cursor; backward is by descending start.
  window_cursor fetch_rows(bytes_view key, time_range starts, direction order = direction::forward);
  // All keys over time. Examines every row of the segments that `starts` touches.
  window_cursor fetch_all(time_range starts, direction order = direction::forward);

  // A hint that no window which starts before `first_open_start_ms` takes records any more, so
  // that whole segments below it may be written out. Puts into them stay correct.
  virtual void closed_below(std::int64_t first_open_start_ms) = 0;
  // Drops the segments that are older than the one of stream time - retention. Does nothing while a
  // cursor is open: its rows stay, and the next call drops more. O(dropped segments).
  virtual maybe_ready<void> expire() = 0;

  virtual std::int64_t window_size_ms() const noexcept = 0;
  virtual std::int64_t retention_ms() const noexcept = 0;
  virtual std::int64_t segment_interval_ms() const noexcept = 0;
  // See window_store_options.
  virtual std::int64_t start_alignment_ms() const noexcept = 0;
  virtual std::int64_t observed_stream_time_ms() const noexcept = 0;
  // Writes refused because their segment had expired.
  virtual std::uint64_t expired_dropped() const noexcept = 0;

  virtual window_store_state state() const noexcept = 0;
  // Takes over the state of an earlier run over the same segments. Before the first operation.
  virtual void restore(const window_store_state& state) noexcept = 0;

 protected:
  // Throws unless the start is aligned. Called before stream time is raised: what is refused leaves
  // no trace.
  void check_alignment(std::int64_t start_ms) const;

 private:
  mutable std::int64_t aligned_ms_ = 0;  // the start that was found aligned last: most come again
};

}  // namespace lentic::windows
