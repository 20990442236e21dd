// SPDX-License-Identifier: Apache-2.0
#include "segmented_window_cursor.hpp"
#include "window_probes.hpp"

#include <lentic/errc.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>
#include <utility>

namespace lentic::windows {

namespace {

constexpr std::int64_t interval_ms_min = 60'000;
// A window lives `retention` long, so this bounds the live segments.
constexpr std::int64_t segments_per_retention = 32;
constexpr std::int64_t advances_per_segment_min = 4;

const window_store_options& checked(const window_store_options& options) {
  if (options.window_size_ms <= 0) fail(errc::invalid_argument, "the window size must be positive");
  if (options.advance_ms < 0) fail(errc::invalid_argument, "the advance must not be negative");
  if (options.retention_ms < options.window_size_ms)
    fail(errc::invalid_argument, "the retention must not be smaller than the window size");
  if (options.start_alignment_ms < 0)
    fail(errc::invalid_argument, "the alignment of starts must not be negative");
  if (options.segment_interval_ms < 0)
    fail(errc::invalid_argument, "the segment interval must not be negative");
  return options;
}

std::int64_t interval_of(const window_store_options& options) noexcept {
  if (options.segment_interval_ms != 0) return options.segment_interval_ms;
  const std::int64_t advance_ms =
      options.advance_ms != 0 ? options.advance_ms : options.window_size_ms;
  const std::int64_t advances_ms = advance_ms > time_max / advances_per_segment_min
                                     ? time_max
                                     : advance_ms * advances_per_segment_min;
  return std::max({options.retention_ms / segments_per_retention, advances_ms, interval_ms_min});
}

// The operations below have handed a view of `key` to a store whose answer is not ready: these
// frames keep the bytes until it is.
task<bool> stored([[maybe_unused]] bytes key, maybe_ready<void> pending) {
  co_await std::move(pending);
  co_return true;
}

template <class Answer>
task<Answer> answered([[maybe_unused]] bytes key, maybe_ready<Answer> pending) {
  co_return co_await std::move(pending);
}

}  // namespace

segmented_window_store::segmented_window_store(segmented_store& segments,
                                               const window_store_options& options)
    : segments_(segments),
      window_size_ms_(checked(options).window_size_ms),
      retention_ms_(options.retention_ms),
      segment_interval_ms_(interval_of(options)),
      start_alignment_ms_(options.start_alignment_ms),
      segment_of_start_(segment_interval_ms_),
      segment_of_floor_(segment_interval_ms_) {}

segmented_window_store::~segmented_window_store() {
  assert(open_cursors_ == 0 && "a window_cursor outlives its store");
}

segment_id segmented_window_store::segment_of(std::int64_t start_ms) const noexcept {
  return segment_of_start_(start_ms);
}

segment_id segmented_window_store::live_floor() const noexcept {
  return segment_of_floor_(saturating_sub(state_.observed_stream_time_ms, retention_ms_));
}

std::int64_t segmented_window_store::oldest_visible_ms() const noexcept {
  return std::max<std::int64_t>(0, state_.observed_stream_time_ms - retention_ms_ + 1);
}

void segmented_window_store::encode_key(bytes_view key, std::int64_t start_ms) {
  key_.clear();
  window_key whole;
  whole.key = key;
  whole.start_ms = start_ms;
  const result<void> done = append(key_, whole);
  if (!done)
    fail(errc::invalid_argument, "window start " + std::to_string(start_ms) + " is negative");
}

// Raises stream time, then answers the segment to write to: null, and one more in the count, when
// it has expired. Stream time goes first: Kafka counts a put that expires itself.
byte_store* segmented_window_store::segment_to_write(std::int64_t start_ms) {
  state_.observed_stream_time_ms = std::max(state_.observed_stream_time_ms, start_ms);
  const segment_id id = segment_of(start_ms);
  if (id < live_floor() || id < segments_.drop_floor()) {
    ++state_.expired_dropped;
    return nullptr;
  }
  return &segments_.segment(id);
}

maybe_ready<bool> segmented_window_store::put(bytes_view key, std::int64_t start_ms,
                                              bytes_view value) {
  encode_key(key, start_ms);
  check_alignment(start_ms);
  byte_store* const segment = segment_to_write(start_ms);
  if (segment == nullptr) return false;
  maybe_ready<void> done = segment->put(key_, value);
  if (!done.ready()) return stored(std::move(key_), std::move(done));
  return true;
}

maybe_ready<bool> segmented_window_store::erase(bytes_view key, std::int64_t start_ms) {
  encode_key(key, start_ms);
  check_alignment(start_ms);
  byte_store* const segment = segment_to_write(start_ms);
  if (segment == nullptr) return false;
  maybe_ready<bool> done = segment->erase(key_);
  if (!done.ready()) return answered(std::move(key_), std::move(done));
  return done;
}

maybe_ready<std::optional<value_view>> segmented_window_store::fetch(bytes_view key,
                                                                     std::int64_t start_ms) {
  if (start_ms >= 0 && start_ms < oldest_visible_ms()) return std::optional<value_view>();
  return fetch_expiring(key, start_ms);
}

maybe_ready<std::optional<value_view>> segmented_window_store::fetch_expiring(
    bytes_view key, std::int64_t start_ms) {
  encode_key(key, start_ms);
  byte_store* const segment = segments_.find_segment(segment_of(start_ms));
  if (segment == nullptr) return std::optional<value_view>();
  maybe_ready<std::optional<value_view>> answer = segment->get(key_);
  if (!answer.ready()) return answered(std::move(key_), std::move(answer));
  return answer;
}

window_cursor segmented_window_store::scan(key_selection keys, time_range starts, direction order) {
  const time_range visible{std::max(starts.from_ms, oldest_visible_ms()), starts.to_ms};
  const std::optional<bytes_view> one = keys.is_one_key() ? keys.lo() : std::nullopt;
  const std::optional<time_range> few =
      one ? probe_source::few_starts(*this, visible) : std::nullopt;
  if (few) return window_cursor(std::make_unique<probe_source>(*this, *one, *few, order));
  return window_cursor(std::make_unique<scan_source>(*this, std::move(keys), visible, order));
}

// A segment has no open window left once the first start that is still open lies in a later one.
// Segments that expire() is about to drop need no hint.
void segmented_window_store::closed_below(std::int64_t first_open_start_ms) {
  const segment_id floor = segment_of(first_open_start_ms);
  if (floor <= sealed_below_) return;
  for (const segment_id id : segments_.segments(std::max(sealed_below_, live_floor()), floor))
    segments_.seal_hint(id);
  sealed_below_ = floor;
}

void segmented_window_store::restore(const window_store_state& state) noexcept {
  state_ = state;
  sealed_below_ = 0;
}

maybe_ready<void> segmented_window_store::expire() {
  const segment_id floor = live_floor();
  if (open_cursors_ != 0 || floor <= segments_.drop_floor()) return {};
  return segments_.drop_below(floor);
}

}  // namespace lentic::windows
