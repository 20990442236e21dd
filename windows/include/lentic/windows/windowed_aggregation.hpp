// SPDX-License-Identifier: Apache-2.0
#pragma once

// windowed_aggregation: one accumulator a key and window, after Kafka's KStreamWindowAggregate.
// With emit_strategy::on_close, a caller's loop:
//
//   const result<aggregation_outcome> done = co_await agg.process(key, timestamp_ms, update);
//   if (!done) ...                                 // a bad record: nothing has changed
//   if (done->closed_now != 0) {
//     co_await agg.for_each_closed(print);         // each window once, in (start, key) order
//     co_await agg.expire();
//   }
//
// With on_update nothing is set aside and no index is kept: what has changed is told by the store
// (see caching_window_store) or read back by the caller. expire() is then called now and then.
//
// Stream time is the greatest timestamp processed, raised by a record before its own test. A window
// takes the record iff end > stream time - grace; the others are counted as late. Stored values are
// timestamped: the greatest timestamp of the window's records, then the accumulator.
//
// Threads: one owner, the store's. One operation at a time. Lifetime: the store outlives this, this
// outlives its tasks; keys and functors outlive the await. Suspension: what is in memory is ready,
// without a frame, and without an allocation once buffers have grown.
// Errors: process() answers what is wrong with a record; a failed read or write of the store
// throws, and after a failed write the record may be applied in part: go back to the last commit.
// Durability: the store's; put state() into the same commit, after for_each_closed.
// Not promised: a memory bound on open windows; their keys are indexed in memory.

#include <lentic/bytes.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/task.hpp>
#include <lentic/timestamped_value.hpp>
#include <lentic/windows/close_index.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/time_windows.hpp>
#include <lentic/windows/window_store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace lentic::windows {

// What a record with some timestamp would do.
struct record_plan {
  window_starts accepted;
  std::uint64_t rejected = 0;       // windows that have closed: late
  std::int64_t stream_time_ms = 0;  // after the record
  std::int64_t close_ms = 0;        // windows that end at or before it are closed
};

struct aggregation_outcome {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t closed_now = 0;  // for for_each_closed to hand out; 0 with on_update
};

enum class emit_strategy {
  on_close,   // each window once, when it has closed
  on_update,  // whenever it changes, as its store says
};

// One window's result. The views live until the visitor returns.
struct window_result {
  bytes_view key;
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;        // exclusive
  std::int64_t timestamp_ms = 0;  // the greatest of its records
  bytes_view value;
};

// What a windowed_aggregation and its store must find again after a restart.
struct aggregation_state {
  std::int64_t stream_time_ms = -1;
  std::int64_t last_close_ms = time_min;
  std::uint64_t late_dropped = 0;
  std::uint64_t windows_closed = 0;
  window_store_state store;

  static constexpr std::size_t encoded_bytes = 33 + window_store_state::encoded_bytes;

  bytes encode() const;
  // errc::newer_format for another version, errc::damaged for a wrong length or impossible times.
  static result<aggregation_state> decode(bytes_view raw) noexcept;
  bool operator==(const aggregation_state&) const noexcept = default;
};

namespace detail {

// References to an updater and a visitor, for the coroutines behind the ready path: they are
// compiled once, and no type of a caller becomes part of their frames.
class update_ref {
 public:
  template <class Update>
  explicit update_ref(Update& update) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(&update))), call_(&call<Update>) {}
  result<void> operator()(std::optional<bytes_view> old, bytes& out) const {
    return call_(object_, old, out);
  }

 private:
  template <class Update>
  static result<void> call(void* object, std::optional<bytes_view> old, bytes& out) {
    return (*static_cast<Update*>(object))(old, out);
  }

  void* object_;
  result<void> (*call_)(void*, std::optional<bytes_view>, bytes&);
};

template <class Visit>
maybe_ready<void> show(const window_result& row, Visit& visit) {
  if constexpr (std::is_void_v<decltype(visit(row))>) {
    visit(row);
    return {};
  } else {
    return visit(row);
  }
}

class visit_ref {
 public:
  template <class Visit>
  explicit visit_ref(Visit& visit) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(&visit))), call_(&call<Visit>) {}
  maybe_ready<void> operator()(const window_result& row) const { return call_(object_, row); }

 private:
  template <class Visit>
  static maybe_ready<void> call(void* object, const window_result& row) {
    return show(row, *static_cast<Visit*>(object));
  }

  void* object_;
  maybe_ready<void> (*call_)(void*, const window_result&);
};

}  // namespace detail

class windowed_aggregation {
 public:
  // Throws errc::invalid_argument when the store has another window size, or a retention smaller
  // than size + grace: windows would expire before they close.
  windowed_aggregation(window_store& store, const time_windows& windows,
                       emit_strategy emit = emit_strategy::on_close);
  windowed_aggregation(const windowed_aggregation&) = delete;
  windowed_aggregation& operator=(const windowed_aggregation&) = delete;

  // Changes nothing. A negative timestamp has no windows and leaves stream time as it is. O(1).
  record_plan plan(std::int64_t timestamp_ms) const noexcept;

  // Adds a record to its windows. `update` is called as
  //   result<void> update(std::optional<bytes_view> old, bytes& out)
  // once for every accepted window, in start order, before anything changes: `out` is empty and
  // takes the new accumulator. If one call fails, its error is the answer and nothing has changed,
  // not even stream time. Then stream time is raised, the windows that close are set aside, and all
  // new values are put.
  // Answers also errc::invalid_argument for a negative timestamp and errc::too_large for a key or
  // value over the store's limit. O(windows of the record x log), and O(log) for each that closes.
  template <class Update>
  maybe_ready<result<aggregation_outcome>> process(bytes_view key, std::int64_t timestamp_ms,
                                                   Update& update);

  // Calls visit(const window_result&) for each window that has closed since the last call, in
  // (start, key) order, each exactly once; none with on_update. A window whose value was erased is
  // left out. If `visit` throws, its window comes again. `visit` may answer a maybe_ready<void>,
  // which is awaited; the views of its window live only until it suspends.
  template <class Visit>
  maybe_ready<void> for_each_closed(Visit& visit);
  // The same for the windows that are open, which stay open. `visit` must not call process(). None
  // with on_update.
  template <class Visit>
  task<void> for_each_open(Visit& visit) {
    return for_each_open_row(detail::visit_ref(visit));
  }

  // What the last process() has put: starts, and the value and timestamp of each. The views live
  // until the next call of process().
  const window_starts& updated() const noexcept { return updated_; }
  timestamped_value updated_value(std::size_t index) const noexcept {
    return *decode_timestamped_value(new_values_[index].encoded);
  }

  // Tells the store which windows have closed and lets it drop those past the retention.
  // Precondition: for_each_closed has visited all.
  maybe_ready<void> expire();

  std::int64_t stream_time_ms() const noexcept { return state_.stream_time_ms; }
  std::uint64_t late_dropped() const noexcept { return state_.late_dropped; }
  // Windows handed out by for_each_closed.
  std::uint64_t windows_closed() const noexcept { return state_.windows_closed; }
  // 0 with on_update.
  std::uint64_t windows_open() const noexcept { return index_.size(); }
  const time_windows& windows() const noexcept { return windows_; }

  // Precondition: for_each_closed has visited all; what it has not is lost after a restart.
  aggregation_state state() const noexcept;
  // Takes over the state of an earlier run over the same segments. With on_close it finds the open
  // windows by one scan of the segments that can hold them. Before the first record.
  task<void> restore(aggregation_state state);

 private:
  struct stored_window {
    std::optional<bytes_view> value;
    std::int64_t timestamp_ms = time_min;
  };
  struct new_value {
    bytes encoded;
    bool opens_window = false;
  };

  static stored_window decode_stored(const std::optional<value_view>& raw);
  result<void> check(bytes_view key, std::int64_t timestamp_ms) const noexcept;
  template <class Update>
  result<void> compute(std::size_t index, std::int64_t timestamp_ms,
                       const std::optional<value_view>& stored, Update& update);
  result<void> keep(std::size_t index, std::int64_t timestamp_ms, bool opens_window);
  task<result<aggregation_outcome>> process_cold(bytes_view key, std::int64_t timestamp_ms,
                                                 detail::update_ref update, record_plan plan,
                                                 std::size_t index,
                                                 maybe_ready<std::optional<value_view>> pending);
  maybe_ready<result<aggregation_outcome>> apply(bytes_view key, const record_plan& plan);
  task<result<aggregation_outcome>> apply_cold(bytes_view key, record_plan plan, std::size_t index,
                                               maybe_ready<bool> pending,
                                               aggregation_outcome outcome);
  aggregation_outcome raise(const record_plan& plan);
  void landed(bytes_view key, std::int64_t start_ms, std::size_t index, bool stored);

  bool closed_left() const noexcept { return next_start_ != closed_.size(); }
  maybe_ready<std::optional<value_view>> fetch_next_closed();
  void shown(bool had_value) noexcept;
  task<void> for_each_closed_cold(detail::visit_ref visit,
                                  maybe_ready<std::optional<value_view>> pending);
  task<void> for_each_closed_after(detail::visit_ref visit, maybe_ready<void> pending);
  task<void> for_each_open_row(detail::visit_ref visit);
  std::optional<window_result> result_of(bytes_view key, std::int64_t start_ms,
                                         const std::optional<value_view>& raw) const;
  std::optional<window_result> next_result(const std::optional<value_view>& raw) const;
  void tell_closed();

  window_store& store_;
  time_windows windows_;
  emit_strategy emit_;
  close_index index_;
  aggregation_state state_;  // without state_.store, which the store keeps
  std::vector<new_value> new_values_;
  window_starts updated_;
  bytes accumulator_;
  close_index::closed_starts closed_;
  std::size_t next_start_ = 0;  // of closed_, and the key in it: the next window to hand out
  std::size_t next_key_ = 0;
};

template <class Update>
result<void> windowed_aggregation::compute(std::size_t index, std::int64_t timestamp_ms,
                                           const std::optional<value_view>& stored,
                                           Update& update) {
  const stored_window old = decode_stored(stored);
  accumulator_.clear();
  const result<void> done = update(old.value, accumulator_);
  if (!done) return done;
  return keep(index, std::max(timestamp_ms, old.timestamp_ms), !old.value.has_value());
}

template <class Update>
maybe_ready<result<aggregation_outcome>> windowed_aggregation::process(bytes_view key,
                                                                       std::int64_t timestamp_ms,
                                                                       Update& update) {
  const result<void> good = check(key, timestamp_ms);
  if (!good) return result<aggregation_outcome>(good.error());
  const record_plan planned = plan(timestamp_ms);
  for (std::size_t i = 0; i < planned.accepted.size(); ++i) {
    maybe_ready<std::optional<value_view>> stored = store_.fetch(key, planned.accepted[i]);
    if (!stored.ready())
      return process_cold(key, timestamp_ms, detail::update_ref(update), planned, i,
                          std::move(stored));
    const result<void> done = compute(i, timestamp_ms, stored.take(), update);
    if (!done) return result<aggregation_outcome>(done.error());
  }
  return apply(key, planned);
}

template <class Visit>
maybe_ready<void> windowed_aggregation::for_each_closed(Visit& visit) {
  while (closed_left()) {
    maybe_ready<std::optional<value_view>> stored = fetch_next_closed();
    if (!stored.ready()) return for_each_closed_cold(detail::visit_ref(visit), std::move(stored));
    const std::optional<window_result> row = next_result(stored.take());
    if (row) {
      maybe_ready<void> seen = detail::show(*row, visit);
      if (!seen.ready()) return for_each_closed_after(detail::visit_ref(visit), std::move(seen));
    }
    shown(row.has_value());
  }
  return {};
}

}  // namespace lentic::windows
