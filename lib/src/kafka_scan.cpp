// SPDX-License-Identifier: Apache-2.0
#include "kafka_scan.hpp"

namespace lentic::detail {

range_plan::range_plan(byte_store& below, const key_range& range, direction order)
    : below_(below), order_(order) {
  if (range.lo) lo_ = to_bytes(*range.lo);
  if (range.hi) hi_ = to_bytes(*range.hi);
}

std::optional<bytes_view> range_plan::start() const {
  const std::optional<bytes>& bound = order_ == direction::forward ? lo_ : hi_;
  return bound ? std::optional<bytes_view>(*bound) : std::nullopt;
}

cursor range_plan::below(const std::optional<bytes_view>& after) {
  key_range range;
  if (lo_) range.lo = *lo_;
  if (hi_) range.hi = *hi_;
  bytes next;
  if (after && order_ == direction::forward) {
    next = to_bytes(*after);
    next.push_back(std::byte{0});
    range.lo = next;
  } else if (after) {
    range.hi = *after;
  }
  return below_.range(range, order_);
}

scan_plan::verdict range_plan::judge(bytes_view key, bytes&) {
  if (lo_ && compare(key, *lo_) < 0) return verdict::end;
  if (hi_ && compare(key, *hi_) >= 0) return verdict::end;
  return verdict::wanted;
}

void kafka_store::merged_rows::reopen() {
  block_ = {};
  below_ended_ = false;
  below_.emplace(plan_->below(last_ ? std::optional<bytes_view>(*last_) : std::nullopt));
  writes_seen_ = store_.writes_below_;
}

// True when rows of the store below are needed before anything can be merged.
bool kafka_store::merged_rows::wants_block() {
  if (!below_ || writes_seen_ != store_.writes_below_) reopen();
  return block_.empty() && !below_ended_;
}

void kafka_store::merged_rows::take_block(std::span<const row> block) {
  block_ = block;
  below_ended_ = block.empty();
}

maybe_ready<std::span<const row>> kafka_store::merged_rows::next() {
  rows_.clear();
  while (!filled()) {
    if (wants_block()) {
      maybe_ready<std::span<const row>> pulled = below_->next();
      if (!pulled.ready()) return next_cold(std::move(pulled));
      take_block(pulled.take());
    }
    merge();
  }
  return rows_.rows();
}

task<std::span<const row>> kafka_store::merged_rows::next_cold(
    maybe_ready<std::span<const row>> pending) {
  for (;;) {
    const std::span<const row> block = co_await std::move(pending);
    take_block(block);
    while (!wants_block() && !filled()) merge();
    if (filled()) break;
    pending = below_->next();
  }
  co_return rows_.rows();
}

// The next entry of the cache that belongs to the scan; none at its end.
std::optional<cached_entry> kafka_store::merged_rows::next_cached() {
  const bool forward = plan_->order() == direction::forward;
  std::optional<bytes_view> from = last_ ? std::optional<bytes_view>(*last_) : plan_->start();
  bool exclusive = last_.has_value();
  for (;;) {
    const std::optional<cached_entry> found =
        forward ? store_.cache_.at_or_after(from.value_or(bytes_view()), exclusive)
                : store_.cache_.before(from);
    if (!found) return std::nullopt;
    switch (plan_->judge(found->key, seek_)) {
      case scan_plan::verdict::wanted:
        return found;
      case scan_plan::verdict::end:
        return std::nullopt;
      case scan_plan::verdict::unwanted:
        from = found->key;
        exclusive = true;
        break;
      case scan_plan::verdict::seek:
        from = seek_;
        exclusive = false;
        break;
    }
  }
}

bool kafka_store::merged_rows::is_before(bytes_view left, bytes_view right) const {
  const auto order = compare(left, right);
  return plan_->order() == direction::forward ? order < 0 : order > 0;
}

// Until the block handed out is full, or rows from below are needed. Nothing suspends in between.
void kafka_store::merged_rows::merge() {
  std::optional<cached_entry> cached = next_cached();
  while (!rows_.full() && (!block_.empty() || below_ended_)) {
    if (block_.empty() && !cached) {
      done_ = true;
      return;
    }
    const bool from_cache =
        cached && (block_.empty() || !is_before(block_.front().key, cached->key));
    const bytes_view key = from_cache ? cached->key : block_.front().key;
    last_.emplace(key.begin(), key.end());
    if (from_cache) {
      if (cached->value) rows_.add(cached->key, *cached->value);
    } else {
      rows_.add(key, block_.front().value);
    }
    if (!block_.empty() && equal(block_.front().key, *last_)) block_ = block_.subspan(1);
    if (from_cache) cached = next_cached();
  }
}

cursor kafka_store::range(const key_range& range, direction order) {
  const expiring_views ends(views_);
  return merged(std::make_unique<range_plan>(inner_, range, order));
}

cursor kafka_store::merged(std::unique_ptr<scan_plan> plan) {
  return cursor(std::make_unique<merged_rows>(*this, std::move(plan)));
}

}  // namespace lentic::detail
