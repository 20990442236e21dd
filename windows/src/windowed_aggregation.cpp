// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <cassert>
#include <span>

namespace lentic::windows {

namespace {

constexpr std::byte state_version{1};
constexpr std::size_t store_state_offset =
    aggregation_state::encoded_bytes - window_store_state::encoded_bytes;

}  // namespace

// Aggregation state, 50 bytes.
//
//   0         1                   9                  17               25                 33
//   +---------+-------------------+------------------+----------------+------------------+-------+
//   | version | stream_time_ms BE | last_close_ms BE | late_drop'd BE | windows_clos'd BE| store |
//   +---------+-------------------+------------------+----------------+------------------+-------+
//
// (stream time 9, last close 7, 1 late, 2 closed, store (5, 0)) -> 01 | 00 x7 09 | 00 x7 07 |
// 00 x7 01 | 00 x7 02 | 01 00 x7 05 00 x8. On disk: the version is never reused.
bytes aggregation_state::encode() const {
  bytes raw;
  raw.reserve(encoded_bytes);
  raw.push_back(state_version);
  append_be(raw, stream_time_ms);
  append_be(raw, last_close_ms);
  append_be(raw, late_dropped);
  append_be(raw, windows_closed);
  store.append_to(raw);
  return raw;
}

result<aggregation_state> aggregation_state::decode(bytes_view raw) noexcept {
  if (raw.size() != encoded_bytes) return make_error_code(errc::damaged);
  if (raw[0] != state_version) return make_error_code(errc::newer_format);
  const result<window_store_state> store =
      window_store_state::decode(raw.subspan(store_state_offset));
  if (!store) return store.error();
  aggregation_state state;
  state.stream_time_ms = load_be<std::int64_t>(raw.data() + 1);
  state.last_close_ms = load_be<std::int64_t>(raw.data() + 9);
  state.late_dropped = load_be<std::uint64_t>(raw.data() + 17);
  state.windows_closed = load_be<std::uint64_t>(raw.data() + 25);
  state.store = *store;
  if (state.stream_time_ms < -1 || state.last_close_ms > state.stream_time_ms)
    return make_error_code(errc::damaged);
  return state;
}

windowed_aggregation::windowed_aggregation(window_store& store, const time_windows& windows,
                                           emit_strategy emit)
    : store_(store), windows_(windows), emit_(emit), index_(windows) {
  if (store.window_size_ms() != windows.size_ms())
    fail(errc::invalid_argument, "the store has another window size");
  if (store.retention_ms() < saturating_add(windows.size_ms(), windows.grace_ms()))
    fail(errc::invalid_argument, "the retention is smaller than window size + grace");
}

record_plan windowed_aggregation::plan(std::int64_t timestamp_ms) const noexcept {
  record_plan planned;
  planned.stream_time_ms = std::max(state_.stream_time_ms, timestamp_ms);
  planned.close_ms = windows_.close_ms(planned.stream_time_ms);
  const window_starts starts = windows_.starts_of(timestamp_ms);
  const std::size_t closed = windows_.closed_count(starts, planned.close_ms);
  planned.accepted = starts.without_first(closed);
  planned.rejected = closed;
  return planned;
}

result<void> windowed_aggregation::check(bytes_view key, std::int64_t timestamp_ms) const noexcept {
  if (timestamp_ms < 0) return make_error_code(errc::invalid_argument);
  if (key.size() + window_key_suffix_bytes > key_bytes_max) return make_error_code(errc::too_large);
  return {};
}

windowed_aggregation::stored_window windowed_aggregation::decode_stored(
    const std::optional<value_view>& raw) {
  stored_window window;
  if (!raw) return window;
  const result<timestamped_value> stored = decode_timestamped_value(*raw);
  if (!stored) fail(errc::damaged, "window value " + to_hex(*raw) + " has no timestamp");
  window.value = stored->value;
  window.timestamp_ms = stored->timestamp_ms;
  return window;
}

// Keeps the accumulator for apply() as it will be stored.
result<void> windowed_aggregation::keep(std::size_t index, std::int64_t timestamp_ms,
                                        bool opens_window) {
  if (timestamp_bytes + accumulator_.size() > value_bytes_max)
    return make_error_code(errc::too_large);
  if (index == new_values_.size()) new_values_.emplace_back();
  new_value& value = new_values_[index];
  value.encoded.clear();
  append(value.encoded, timestamped_value{timestamp_ms, accumulator_});
  value.opens_window = opens_window;
  return {};
}

// Windows that close are set aside before a put can raise the store's own time.
aggregation_outcome windowed_aggregation::raise(const record_plan& plan) {
  aggregation_outcome outcome;
  outcome.accepted = plan.accepted.size();
  outcome.rejected = plan.rejected;
  state_.late_dropped += plan.rejected;
  if (plan.stream_time_ms > state_.stream_time_ms) {
    state_.stream_time_ms = plan.stream_time_ms;
    state_.last_close_ms = std::max(state_.last_close_ms, plan.close_ms);
    outcome.closed_now = index_.take_closed(plan.close_ms, closed_);
  }
  return outcome;
}

void windowed_aggregation::landed(bytes_view key, std::int64_t start_ms, std::size_t index,
                                  bool stored) {
  if (!stored) fail(errc::invalid_argument, "the store dropped a window that is open");
  if (new_values_[index].opens_window && emit_ == emit_strategy::on_close)
    index_.add(key, start_ms);
}

task<result<aggregation_outcome>> windowed_aggregation::process_cold(
    bytes_view key, std::int64_t timestamp_ms, detail::update_ref update, record_plan plan,
    std::size_t index, maybe_ready<std::optional<value_view>> pending) {
  for (;;) {
    const std::optional<value_view> stored = co_await std::move(pending);
    const result<void> done = compute(index, timestamp_ms, stored, update);
    if (!done) co_return result<aggregation_outcome>(done.error());
    if (++index == plan.accepted.size()) break;
    pending = store_.fetch(key, plan.accepted[index]);
  }
  co_return co_await apply(key, plan);
}

maybe_ready<result<aggregation_outcome>> windowed_aggregation::apply(bytes_view key,
                                                                     const record_plan& plan) {
  const aggregation_outcome outcome = raise(plan);
  updated_ = plan.accepted;
  for (std::size_t i = 0; i < plan.accepted.size(); ++i) {
    maybe_ready<bool> done = store_.put(key, plan.accepted[i], new_values_[i].encoded);
    if (!done.ready()) return apply_cold(key, plan, i, std::move(done), outcome);
    landed(key, plan.accepted[i], i, done.take());
  }
  return result<aggregation_outcome>(outcome);
}

task<result<aggregation_outcome>> windowed_aggregation::apply_cold(bytes_view key, record_plan plan,
                                                                   std::size_t index,
                                                                   maybe_ready<bool> pending,
                                                                   aggregation_outcome outcome) {
  for (;;) {
    const bool stored = co_await std::move(pending);
    landed(key, plan.accepted[index], index, stored);
    if (++index == plan.accepted.size()) break;
    pending = store_.put(key, plan.accepted[index], new_values_[index].encoded);
  }
  co_return result<aggregation_outcome>(outcome);
}

maybe_ready<std::optional<value_view>> windowed_aggregation::fetch_next_closed() {
  return store_.fetch_expiring(closed_.keys(next_start_)[next_key_], closed_.start_ms(next_start_));
}

task<void> windowed_aggregation::for_each_closed_cold(
    detail::visit_ref visit, maybe_ready<std::optional<value_view>> pending) {
  for (;;) {
    const std::optional<value_view> stored = co_await std::move(pending);
    const std::optional<window_result> row = next_result(stored);
    if (row) co_await visit(*row);
    shown(row.has_value());
    if (!closed_left()) break;
    pending = fetch_next_closed();
  }
}

// `pending` is the visitor's answer for the next closed window.
task<void> windowed_aggregation::for_each_closed_after(detail::visit_ref visit,
                                                       maybe_ready<void> pending) {
  co_await std::move(pending);
  shown(true);
  if (!closed_left()) co_return;
  maybe_ready<std::optional<value_view>> next = fetch_next_closed();
  co_await for_each_closed_cold(visit, std::move(next));
}

task<void> windowed_aggregation::for_each_open_row(detail::visit_ref visit) {
  const std::vector<std::int64_t> starts = index_.open_starts();
  for (const std::int64_t start_ms : starts) {
    const window_keys& keys = index_.open_keys(start_ms);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const bytes_view key = keys[i];
      const std::optional<value_view> stored = co_await store_.fetch(key, start_ms);
      const std::optional<window_result> row = result_of(key, start_ms, stored);
      if (row) co_await visit(*row);
    }
  }
}

// The next closed window has been handed out, unless its value was erased.
void windowed_aggregation::shown(bool had_value) noexcept {
  if (had_value) ++state_.windows_closed;
  if (++next_key_ != closed_.keys(next_start_).size()) return;
  next_key_ = 0;
  ++next_start_;
}

std::optional<window_result> windowed_aggregation::next_result(
    const std::optional<value_view>& raw) const {
  return result_of(closed_.keys(next_start_)[next_key_], closed_.start_ms(next_start_), raw);
}

std::optional<window_result> windowed_aggregation::result_of(
    bytes_view key, std::int64_t start_ms, const std::optional<value_view>& raw) const {
  const stored_window stored = decode_stored(raw);
  if (!stored.value) return std::nullopt;
  window_result row;
  row.key = key;
  row.start_ms = start_ms;
  row.end_ms = windows_.end_ms(start_ms);
  row.timestamp_ms = stored.timestamp_ms;
  row.value = *stored.value;
  return row;
}

maybe_ready<void> windowed_aggregation::expire() {
  assert(!closed_left() && "closed windows expire before they are handed out");
  index_.recycle(closed_);
  next_start_ = 0;
  next_key_ = 0;
  tell_closed();
  return store_.expire();
}

void windowed_aggregation::tell_closed() {
  const std::int64_t last_closed_ms = saturating_sub(state_.last_close_ms, windows_.size_ms());
  if (last_closed_ms < 0) return;
  const std::int64_t advance_ms = windows_.advance_ms();
  store_.closed_below(saturating_add(last_closed_ms / advance_ms * advance_ms, advance_ms));
}

aggregation_state windowed_aggregation::state() const noexcept {
  assert(!closed_left() && "state without windows that have closed and were not handed out");
  aggregation_state whole = state_;
  whole.store = store_.state();
  return whole;
}

task<void> windowed_aggregation::restore(aggregation_state state) {
  state_ = state;
  store_.restore(state.store);
  index_.clear();
  if (emit_ == emit_strategy::on_update) co_return;
  time_range can_be_open;
  can_be_open.from_ms = saturating_sub(state.last_close_ms, windows_.size_ms());
  window_cursor rows = store_.fetch_all(can_be_open);
  for (;;) {
    const std::span<const window_row> block = co_await rows.next();
    if (block.empty()) break;
    for (const window_row& found : block)
      if (!windows_.closed_at(found.start_ms, state.last_close_ms))
        index_.add(found.key, found.start_ms);
  }
}

}  // namespace lentic::windows
