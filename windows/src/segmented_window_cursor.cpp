// SPDX-License-Identifier: Apache-2.0
#include "segmented_window_cursor.hpp"

#include <lentic/errc.hpp>
#include <lentic/windows/key_schema.hpp>

#include <algorithm>
#include <utility>

namespace lentic::windows {

segmented_window_store::scan_source::scan_source(segmented_window_store& store, key_selection keys,
                                                 time_range starts, direction order)
    : store_(store), keys_(std::move(keys)), starts_(starts), order_(order) {
  ++store.open_cursors_;
  if (starts.empty()) return;
  bounds_ = store_key_bounds(keys_, starts);
  // Stores take an exclusive end: the next byte string after an included bound is the bound || 00.
  if (bounds_.upper) bounds_.upper->push_back(std::byte{0});
  ids_ = store.segments_.segments(store.segment_of(starts.from_ms),
                                  store.segment_of(starts.to_ms) + 1);
  if (order == direction::forward) std::reverse(ids_.begin(), ids_.end());
}

segmented_window_store::scan_source::~scan_source() {
  --store_.open_cursors_;
}

// Opens the next segment; false when there is none left.
bool segmented_window_store::scan_source::open_segment() {
  while (!ids_.empty()) {
    byte_store* const segment = store_.segments_.find_segment(ids_.back());
    ids_.pop_back();
    if (segment == nullptr) continue;
    key_range range;
    if (bounds_.lower) range.lo = *bounds_.lower;
    if (bounds_.upper) range.hi = *bounds_.upper;
    rows_.emplace(segment->range(range, order_));
    return true;
  }
  return false;
}

// Keeps the rows that belong to the answer; true when there are any. An empty block ends a segment.
bool segmented_window_store::scan_source::take_block(std::span<const row> block) {
  if (block.empty()) rows_.reset();
  for (const row& stored : block) {
    const result<window_key> key = decode_window_key(stored.key);
    if (!key) fail(errc::damaged, "window store key " + to_hex(stored.key));
    if (selected(*key, keys_, starts_))
      block_.push_back(window_row{key->key, key->start_ms, stored.value});
  }
  return !block_.empty();
}

maybe_ready<std::span<const window_row>> segmented_window_store::scan_source::next() {
  block_.clear();
  while (rows_ || open_segment()) {
    maybe_ready<std::span<const row>> pulled = rows_->next();
    if (!pulled.ready()) return next_cold(std::move(pulled));
    if (take_block(pulled.take())) break;
  }
  return std::span<const window_row>(block_);
}

task<std::span<const window_row>> segmented_window_store::scan_source::next_cold(
    maybe_ready<std::span<const row>> pending) {
  std::span<const row> block = co_await std::move(pending);
  while (!take_block(block)) {
    if (!rows_ && !open_segment()) break;
    block = co_await rows_->next();
  }
  co_return std::span<const window_row>(block_);
}

}  // namespace lentic::windows
