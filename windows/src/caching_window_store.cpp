// SPDX-License-Identifier: Apache-2.0
#include "cached_windows.hpp"

#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/windows/caching_window_store.hpp>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace lentic::windows {

namespace {

// These frames keep the key of an operation that the cache has not answered yet.
task<bool> stored([[maybe_unused]] bytes key, maybe_ready<void> pending) {
  co_await std::move(pending);
  co_return true;
}

template <class Answer>
task<Answer> answered([[maybe_unused]] bytes key, maybe_ready<Answer> pending) {
  co_return co_await std::move(pending);
}

}  // namespace

caching_window_store::caching_window_store(caching mode, window_store& inner, thread_cache& cache,
                                           std::string_view name, const caching_options& options)
    : mode_(mode),
      inner_(inner),
      listener_(options.listener != nullptr
                    ? std::make_unique<listener_of_windows>(*options.listener)
                    : nullptr),
      below_(std::make_unique<below>(inner)),
      state_(inner.state()),
      segment_of_start_(inner.segment_interval_ms()),
      segment_of_floor_(inner.segment_interval_ms()) {
  caching_options chosen = options;
  chosen.listener = listener_.get();
  chosen.keep_what_was_read = false;
  cache_ = make_caching_store(mode, *below_, cache, name, chosen);
}

caching_window_store::~caching_window_store() {
  assert(open_cursors_ == 0 && "a window_cursor outlives its store");
}

segment_id caching_window_store::segment_of(std::int64_t start_ms) const noexcept {
  return segment_of_start_(start_ms);
}

segment_id caching_window_store::live_floor() const noexcept {
  return segment_of_floor_(saturating_sub(state_.observed_stream_time_ms, retention_ms()));
}

std::int64_t caching_window_store::oldest_visible_ms() const noexcept {
  return std::max<std::int64_t>(0, state_.observed_stream_time_ms - retention_ms() + 1);
}

// Segment and store key behind each other, in one buffer.
void caching_window_store::encode_key(bytes_view key, std::int64_t start_ms) {
  key_.clear();
  append_be(key_, segment_of(start_ms));
  const result<void> done = append(key_, window_key{key, start_ms, 0});
  if (!done)
    fail(errc::invalid_argument, "window start " + std::to_string(start_ms) + " is negative");
}

// Before admit(): what is refused leaves no trace in stream time and counter.
void caching_window_store::check_limits(bytes_view value) const {
  if (key_.size() > key_bytes_max)
    fail(errc::too_large, "key of the cache of " + std::to_string(key_.size()) + " bytes");
  if (value.size() > value_bytes_max)
    fail(errc::too_large, "value of " + std::to_string(value.size()) + " bytes");
}

// Raises stream time, then tells whether the window still takes writes, as the store below would.
bool caching_window_store::admit(std::int64_t start_ms) {
  state_.observed_stream_time_ms = std::max(state_.observed_stream_time_ms, start_ms);
  if (segment_of(start_ms) >= std::max(live_floor(), dropped_below_)) return true;
  ++state_.expired_dropped;
  return false;
}

maybe_ready<bool> caching_window_store::put(bytes_view key, std::int64_t start_ms,
                                            bytes_view value) {
  encode_key(key, start_ms);
  check_alignment(start_ms);
  check_limits(value);
  if (!admit(start_ms)) return false;
  maybe_ready<void> done = cache_->put(key_, value);
  if (!done.ready()) return stored(std::move(key_), std::move(done));
  return true;
}

maybe_ready<bool> caching_window_store::erase(bytes_view key, std::int64_t start_ms) {
  encode_key(key, start_ms);
  check_alignment(start_ms);
  check_limits(bytes_view());
  if (!admit(start_ms)) return false;
  maybe_ready<bool> done = cache_->erase(key_);
  if (!done.ready()) return answered(std::move(key_), std::move(done));
  return done;
}

maybe_ready<std::optional<value_view>> caching_window_store::fetch(bytes_view key,
                                                                   std::int64_t start_ms) {
  if (start_ms >= 0 && start_ms < oldest_visible_ms()) return std::optional<value_view>();
  return fetch_expiring(key, start_ms);
}

maybe_ready<std::optional<value_view>> caching_window_store::fetch_expiring(bytes_view key,
                                                                            std::int64_t start_ms) {
  if (mode_ == caching::fused) {  // what is below is the newest
    if (start_ms >= 0 && segment_of(start_ms) < dropped_below_) return std::optional<value_view>();
    return inner_.fetch_expiring(key, start_ms);
  }
  encode_key(key, start_ms);
  if (segment_of(start_ms) < dropped_below_) return std::optional<value_view>();
  maybe_ready<std::optional<value_view>> answer = cache_->get(key_);
  if (!answer.ready()) return answered(std::move(key_), std::move(answer));
  return answer;
}

// No window starts behind the stream time, which so bounds the walk over the cache.
window_cursor caching_window_store::scan(key_selection keys, time_range starts, direction order) {
  const time_range visible{std::max(starts.from_ms, oldest_visible_ms()),
                           std::min(starts.to_ms, state_.observed_stream_time_ms)};
  if (mode_ == caching::fused && !visible.empty())
    return window_cursor(
        std::make_unique<direct_source>(*this, inner_.scan(std::move(keys), visible, order)));
  std::optional<cursor> rows;
  if (!visible.empty())
    rows = cache_->merged(std::make_unique<rows_plan>(inner_, std::move(keys), visible, order));
  return window_cursor(std::make_unique<scan_source>(*this, std::move(rows)));
}

void caching_window_store::closed_below(std::int64_t first_open_start_ms) {
  closed_below_ms_ = std::max(closed_below_ms_, first_open_start_ms);
  pass_closed();
}

void caching_window_store::pass_closed() {
  if (closed_below_ms_ == 0) return;
  if (mode_ == caching::kafka && dirty_count() != 0) return;
  inner_.closed_below(closed_below_ms_);
}

maybe_ready<std::uint64_t> caching_window_store::flush(coro::stop_token stop) {
  maybe_ready<std::uint64_t> done = cache_->flush(stop);
  if (!done.ready()) return flush_cold(std::move(done));
  pass_closed();
  return done;
}

task<std::uint64_t> caching_window_store::flush_cold(maybe_ready<std::uint64_t> pending) {
  const std::uint64_t count = co_await std::move(pending);
  pass_closed();
  co_return count;
}

task<std::vector<owned_change>> caching_window_store::flush_with_old(coro::stop_token stop) {
  std::vector<owned_change> changes = co_await cache_->flush_with_old(stop);
  pulled_.reserve(pulled_.size() + changes.size());
  for (owned_change& each : changes) {
    each.key.erase(each.key.begin(), each.key.begin() + sizeof(segment_id));
    pulled_.push_back(std::move(each));
  }
  pass_closed();  // may throw: then the next call hands out what was pulled
  co_return std::exchange(pulled_, std::vector<owned_change>());
}

// What is about to go is told before it goes.
maybe_ready<void> caching_window_store::expire() {
  if (open_cursors_ != 0) return {};
  const segment_id floor = live_floor();
  if (floor <= dropped_below_) return inner_.expire();
  bytes end;
  append_be(end, floor);
  maybe_ready<std::uint64_t> retired = cache_->retire_below(end);
  if (!retired.ready()) return expire_cold(std::move(end), floor, std::move(retired));
  return drop_below(floor);
}

task<void> caching_window_store::expire_cold([[maybe_unused]] bytes end, segment_id floor,
                                             maybe_ready<std::uint64_t> pending) {
  co_await std::move(pending);
  co_await drop_below(floor);
}

maybe_ready<void> caching_window_store::drop_below(segment_id floor) {
  dropped_below_ = std::max(dropped_below_, floor);
  return inner_.expire();
}

void caching_window_store::restore(const window_store_state& state) noexcept {
  state_ = state;
  inner_.restore(state);
}

std::uint64_t caching_window_store::dirty_count() const noexcept {
  return cache_->dirty_count();
}
std::uint64_t caching_window_store::dirty_bytes() const noexcept {
  return cache_->dirty_bytes();
}
caching_statistics caching_window_store::statistics() const noexcept {
  return cache_->statistics();
}

}  // namespace lentic::windows
