// SPDX-License-Identifier: Apache-2.0
#include "window_probes.hpp"

#include <lentic/endian.hpp>
#include <lentic/windows/key_schema.hpp>

#include <algorithm>
#include <utility>

namespace lentic::windows {

namespace {

// A block ends behind the row that passes this.
constexpr std::size_t block_bytes = std::size_t{64} << 10;

}  // namespace

std::optional<time_range> segmented_window_store::probe_source::few_starts(
    const segmented_window_store& store, time_range visible) noexcept {
  const std::int64_t step_ms = store.start_alignment_ms_;
  if (step_ms == 0) return std::nullopt;
  const std::int64_t from_ms = std::max<std::int64_t>(visible.from_ms, 0);
  const std::int64_t to_ms = std::min(visible.to_ms, store.state_.observed_stream_time_ms);
  if (from_ms > to_ms) return time_range{1, 0};
  const std::int64_t first = from_ms / step_ms + (from_ms % step_ms != 0 ? 1 : 0);
  const std::int64_t last = to_ms / step_ms;
  if (first > last) return time_range{1, 0};
  if (last - first >= starts_max) return std::nullopt;
  return time_range{first * step_ms, last * step_ms};
}

segmented_window_store::probe_source::probe_source(segmented_window_store& store, bytes_view key,
                                                   time_range starts, direction order)
    : store_(store),
      store_key_(encode(window_key{key, 0, 0}).value()),
      key_bytes_(key.size()),
      at_ms_(order == direction::forward ? starts.from_ms : starts.to_ms),
      step_ms_(order == direction::forward ? store.start_alignment_ms_
                                           : -store.start_alignment_ms_),
      left_(starts.empty() ? 0 : (starts.to_ms - starts.from_ms) / store.start_alignment_ms_ + 1) {
  ++store.open_cursors_;
}

segmented_window_store::probe_source::~probe_source() {
  --store_.open_cursors_;
}

std::optional<maybe_ready<std::optional<value_view>>>
segmented_window_store::probe_source::look_up() {
  while (left_ != 0 && values_.size() < block_bytes) {
    byte_store* const segment = store_.segments_.find_segment(store_.segment_of(at_ms_));
    if (segment != nullptr) {
      store_be(at_ms_, store_key_.data() + key_bytes_);
      return segment->get(store_key_);
    }
    at_ms_ += step_ms_;
    --left_;
  }
  return std::nullopt;
}

void segmented_window_store::probe_source::take(const std::optional<value_view>& value) {
  if (value) {
    found_.push_back({at_ms_, values_.size(), value->size()});
    const bytes_view raw = *value;
    values_.insert(values_.end(), raw.begin(), raw.end());
  }
  at_ms_ += step_ms_;
  --left_;
}

maybe_ready<std::span<const window_row>> segmented_window_store::probe_source::next() {
  values_.clear();
  found_.clear();
  while (auto answer = look_up()) {
    if (!answer->ready()) return next_cold(std::move(*answer));
    take(answer->take());
  }
  return block();
}

task<std::span<const window_row>> segmented_window_store::probe_source::next_cold(
    maybe_ready<std::optional<value_view>> pending) {
  prefetch_rest();
  const std::optional<value_view> first = co_await std::move(pending);
  take(first);
  while (auto answer = look_up()) {
    maybe_ready<std::optional<value_view>> asked = std::move(*answer);
    const std::optional<value_view> value = co_await std::move(asked);
    take(value);
  }
  co_return block();
}

// Where one start has to be read the others most likely have to be as well: side by side then.
void segmented_window_store::probe_source::prefetch_rest() {
  bytes store_key = store_key_;
  const bytes_view keys[] = {store_key};
  std::int64_t start_ms = at_ms_;
  for (std::int64_t left = left_ - 1; left > 0; --left) {
    start_ms += step_ms_;
    byte_store* const segment = store_.segments_.find_segment(store_.segment_of(start_ms));
    store_be(start_ms, store_key.data() + key_bytes_);
    if (segment != nullptr) segment->prefetch(keys);
  }
}

std::span<const window_row> segmented_window_store::probe_source::block() {
  block_.clear();
  const bytes_view key = bytes_view(store_key_).first(key_bytes_);
  for (const found_value& each : found_)
    block_.push_back({key, each.start_ms, bytes_view(values_).subspan(each.offset, each.bytes)});
  return block_;
}

}  // namespace lentic::windows
