// SPDX-License-Identifier: Apache-2.0
#include "cached_windows.hpp"

#include <lentic/endian.hpp>
#include <lentic/errc.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace lentic::windows {

namespace {

constexpr std::size_t id_bytes = sizeof(segment_id);

std::int64_t first_start(segment_id segment, std::int64_t interval_ms) noexcept {
  const auto limit = static_cast<segment_id>(time_max / interval_ms);
  return segment > limit ? time_max : static_cast<std::int64_t>(segment) * interval_ms;
}

void assign_key(bytes& to, segment_id segment, bytes_view store_key) {
  to.clear();
  append(to, cache_key{segment, store_key});
}

// Of a key that the caching_window_store has built, and checked.
std::int64_t start_of(bytes_view key) noexcept {
  return load_be<std::int64_t>(key.data() + key.size() - window_key_suffix_bytes);
}

task<void> stored(maybe_ready<bool> pending) {
  co_await std::move(pending);
}

// Rows of the window store below under the keys of the cache, without those up to `skip_to`.
class cache_rows final : public cursor_source {
 public:
  cache_rows(window_cursor rows, std::int64_t interval_ms, direction order)
      : rows_(std::move(rows)), interval_ms_(interval_ms), order_(order) {}
  void skip_to(bytes_view key) { skip_to_ = to_bytes(key); }

  maybe_ready<std::span<const row>> next() override {
    for (;;) {
      maybe_ready<std::span<const window_row>> pulled = rows_.next();
      if (!pulled.ready()) return next_cold(std::move(pulled));
      const std::span<const window_row> block = pulled.take();
      const std::span<const row> encoded = encode_block(block);
      if (block.empty() || !encoded.empty()) return encoded;
    }
  }

 private:
  task<std::span<const row>> next_cold(maybe_ready<std::span<const window_row>> pending) {
    for (;;) {
      const std::span<const window_row> block = co_await std::move(pending);
      const std::span<const row> encoded = encode_block(block);
      if (block.empty() || !encoded.empty()) co_return encoded;
      pending = rows_.next();
    }
  }

  std::span<const row> encode_block(std::span<const window_row> block) {
    rows_out_.clear();
    keys_.resize(std::max(keys_.size(), block.size()));
    for (std::size_t i = 0; i < block.size(); ++i) {
      const window_row& from = block[i];
      store_key_.clear();
      append(store_key_, window_key{from.key, from.start_ms, 0}).value();
      assign_key(keys_[i], segment_of(from.start_ms, interval_ms_), store_key_);
      if (!skipped(keys_[i])) rows_out_.push_back(row{keys_[i], from.value});
    }
    return rows_out_;
  }

  bool skipped(bytes_view key) {
    if (!skip_to_) return false;
    const auto order = compare(key, *skip_to_);
    if (order_ == direction::forward ? order <= 0 : order >= 0) return true;
    skip_to_.reset();
    return false;
  }

  window_cursor rows_;
  std::int64_t interval_ms_;
  direction order_;
  std::optional<bytes> skip_to_;
  bytes store_key_;
  std::vector<bytes> keys_;
  std::vector<row> rows_out_;
};

}  // namespace

window_key window_of(bytes_view cache_row_key) {
  const result<cache_key> outer = decode_cache_key(cache_row_key);
  if (!outer) fail(errc::damaged, "cache key " + to_hex(cache_row_key));
  const result<window_key> key = decode_window_key(outer->store_key);
  if (!key) fail(errc::damaged, "window store key " + to_hex(outer->store_key));
  return *key;
}

caching_window_store::below::below(window_store& inner) noexcept
    : inner_(inner), segments_(dynamic_cast<segmented_window_store*>(&inner)) {
  if (segments_ != nullptr && !segments_->segments().segments_touch()) segments_ = nullptr;
}

maybe_ready<std::optional<value_view>> caching_window_store::below::get(bytes_view key) {
  const window_key window = window_of(key);
  return inner_.fetch_expiring(window.key, window.start_ms);
}

maybe_ready<void> caching_window_store::below::put(bytes_view key, bytes_view value) {
  const window_key window = window_of(key);
  maybe_ready<bool> done = inner_.put(window.key, window.start_ms, value);
  if (!done.ready()) return stored(std::move(done));
  return {};
}

maybe_ready<bool> caching_window_store::below::erase(bytes_view key) {
  const window_key window = window_of(key);
  return inner_.erase(window.key, window.start_ms);
}

touch_answer caching_window_store::below::put_touching(bytes_view key, bytes_view value,
                                                       const touch_call& call) {
  byte_store* const segment = segments_->segment_to_write(start_of(key));
  if (segment == nullptr) return {};
  touch_call inner = call;
  inner.prefix = key.first(id_bytes);
  return segment->touching()->put_touching(key.subspan(id_bytes), value, inner);
}

touch_answer caching_window_store::below::erase_touching(bytes_view key, const touch_call& call) {
  byte_store* const segment = segments_->segment_to_write(start_of(key));
  if (segment == nullptr) return {};
  touch_call inner = call;
  inner.prefix = key.first(id_bytes);
  return segment->touching()->erase_touching(key.subspan(id_bytes), inner);
}

task<void> caching_window_store::below::make_room(bytes_view key, std::uint64_t value_bytes) {
  byte_store* const segment = segments_->segment_to_write(start_of(key));
  if (segment == nullptr) co_return;
  touching_store* const rows = segment->touching();
  const bytes_view row_key = key.subspan(id_bytes);
  co_await rows->make_room(row_key, value_bytes);
}

cursor caching_window_store::below::range(const key_range&, direction) {
  fail(errc::invalid_argument, "a window store is scanned by keys and starts");
}

maybe_ready<void> caching_window_store::below::clear() {
  fail(errc::invalid_argument, "a window store is not cleared");
}

maybe_ready<void> caching_window_store::listener_of_windows::on_change(const change& told) {
  told_.emplace(told.key.subspan(id_bytes), told.old_value, told.new_value, *told.context);
  return to_.on_change(*told_);
}

caching_window_store::rows_plan::rows_plan(window_store& inner, key_selection keys,
                                           time_range starts, direction order)
    : inner_(inner),
      keys_(std::move(keys)),
      starts_(starts),
      order_(order),
      bounds_(store_key_bounds(keys_, starts)),
      first_(windows::segment_of(starts.from_ms, inner.segment_interval_ms())),
      last_(windows::segment_of(starts.to_ms, inner.segment_interval_ms())) {
  if (bounds_.upper) bounds_.upper->push_back(std::byte{0});
  if (order == direction::forward) {
    assign_key(start_.emplace(), first_, bounds_.lower ? bytes_view(*bounds_.lower) : bytes_view());
  } else if (bounds_.upper) {
    assign_key(start_.emplace(), last_, *bounds_.upper);
  } else if (last_ != std::numeric_limits<segment_id>::max()) {
    assign_key(start_.emplace(), last_ + 1, bytes_view());
  }
}

// Rows below come by segment: all of an earlier one are skipped without a look.
cursor caching_window_store::rows_plan::below(const std::optional<bytes_view>& after) {
  const std::int64_t interval_ms = inner_.segment_interval_ms();
  time_range starts = starts_;
  if (after) {
    const segment_id reached = decode_cache_key(*after).value().segment;
    if (order_ == direction::forward) {
      starts.from_ms = std::max(starts.from_ms, first_start(reached, interval_ms));
    } else {
      const std::int64_t next_ms = first_start(reached + 1, interval_ms);
      starts.to_ms = std::min(starts.to_ms, next_ms == time_max ? time_max : next_ms - 1);
    }
  }
  auto rows = std::make_unique<cache_rows>(inner_.scan(keys_, starts, order_), interval_ms, order_);
  if (after) rows->skip_to(*after);
  return cursor(std::move(rows));
}

scan_plan::verdict caching_window_store::rows_plan::leap(segment_id segment,
                                                         const std::optional<bytes>& bound,
                                                         bytes& to) const {
  assign_key(to, segment, bound ? bytes_view(*bound) : bytes_view());
  return verdict::seek;
}

scan_plan::verdict caching_window_store::rows_plan::judge(bytes_view key, bytes& to) {
  const cache_key outer = decode_cache_key(key).value();
  if (outer.segment < first_ || outer.segment > last_) return verdict::end;
  const bool too_low = bounds_.lower && compare(outer.store_key, *bounds_.lower) < 0;
  const bool too_high = bounds_.upper && compare(outer.store_key, *bounds_.upper) >= 0;
  if (order_ == direction::forward) {
    if (too_low) return leap(outer.segment, bounds_.lower, to);
    if (too_high && outer.segment == last_) return verdict::end;
    if (too_high) return leap(outer.segment + 1, bounds_.lower, to);
  } else {
    if (too_high) return leap(outer.segment, bounds_.upper, to);
    if (too_low && outer.segment == first_) return verdict::end;
    if (too_low && !bounds_.upper) return leap(outer.segment, std::nullopt, to);
    if (too_low) return leap(outer.segment - 1, bounds_.upper, to);
  }
  return selected(window_of(key), keys_, starts_) ? verdict::wanted : verdict::unwanted;
}

caching_window_store::direct_source::direct_source(caching_window_store& store, window_cursor rows)
    : store_(store), rows_(std::move(rows)) {
  ++store_.open_cursors_;
}

caching_window_store::direct_source::~direct_source() {
  --store_.open_cursors_;
}

caching_window_store::scan_source::scan_source(caching_window_store& store,
                                               std::optional<cursor> rows)
    : store_(store), rows_(std::move(rows)) {
  ++store_.open_cursors_;
}

caching_window_store::scan_source::~scan_source() {
  --store_.open_cursors_;
}

maybe_ready<std::span<const window_row>> caching_window_store::scan_source::next() {
  if (!rows_) return std::span<const window_row>();
  maybe_ready<std::span<const row>> pulled = rows_->next();
  if (!pulled.ready()) return next_cold(std::move(pulled));
  return decode(pulled.take());
}

task<std::span<const window_row>> caching_window_store::scan_source::next_cold(
    maybe_ready<std::span<const row>> pending) {
  const std::span<const row> block = co_await std::move(pending);
  co_return decode(block);
}

std::span<const window_row> caching_window_store::scan_source::decode(std::span<const row> block) {
  block_.clear();
  for (const row& each : block) {
    const window_key key = window_of(each.key);
    block_.push_back(window_row{key.key, key.start_ms, each.value});
  }
  return block_;
}

}  // namespace lentic::windows
