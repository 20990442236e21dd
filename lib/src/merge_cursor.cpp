// SPDX-License-Identifier: Apache-2.0
#include "block_rows.hpp"
#include "row_layer.hpp"

#include <algorithm>
#include <optional>

namespace lentic::detail {

namespace {

// Keeps its walks from block to block while no layer changes. A single layer that hands out blocks
// is not merged at all: its blocks are the cursor's.
class merge_cursor final : public cursor_source {
 public:
  merge_cursor(layered& owner, const key_range& range, direction order)
      : owner_(&owner), forward_(order == direction::forward) {
    if (range.lo) lo_ = to_bytes(*range.lo);
    if (range.hi) hi_ = to_bytes(*range.hi);
    done_ = lo_ && hi_ && compare(*lo_, *hi_) >= 0;
  }

  // A call that throws has handed out nothing; the next one goes on behind the block before it.
  maybe_ready<std::span<const row>> next() override {
    if (!rows_.empty()) {
      const bytes_view last = rows_[rows_.size() - 1].key;
      last_.assign(last.begin(), last.end());
      has_last_ = true;
    }
    rows_.clear();
    if (!done_) fill();
    return rows_.rows();
  }

 private:
  walk_start start() const {
    walk_start at;
    at.order = forward_ ? direction::forward : direction::backward;
    if (has_last_) {
      at.key = last_;
      at.exclusive = true;
    } else if (forward_ ? lo_.has_value() : hi_.has_value()) {
      at.key = forward_ ? *lo_ : *hi_;
    }
    return at;
  }

  bool outside(bytes_view key) const {
    return forward_ ? hi_ && compare(key, *hi_) >= 0 : lo_ && compare(key, *lo_) < 0;
  }

  void fill() {
    try {
      open_walks();
      if (walks_.size() != 1 || !take_block()) merge();
    } catch (...) {  // walks may be past rows that nobody got
      walks_.clear();
      version_.reset();
      rows_.clear();
      throw;
    }
  }

  // Walks that stand on the next row of their layer, newest layer first; none for a layer at its
  // end.
  void open_walks() {
    const std::optional<std::uint64_t> version = owner_->version();
    if (!version || version != version_) {
      walks_.clear();
      version_.reset();
      taken_from_ = false;
      for (row_layer* const layer : owner_->layers()) walks_.push_back(layer->walk(start()));
      version_ = version;
    }
    if (taken_from_) return;
    std::erase_if(walks_, [](const auto& each) { return each->current() == nullptr; });
  }

  bool take_block() {
    layer_walk& only = *walks_.front();
    if (!only.take(rows_)) return false;
    taken_from_ = true;
    if (rows_.empty()) {
      done_ = true;
    } else if (outside(rows_[rows_.size() - 1].key)) {
      done_ = true;
      const auto inside = [this](const row& each) { return !outside(each.key); };
      const std::span<const row> all = rows_.rows();
      const auto end = std::partition_point(all.begin(), all.end(), inside);
      rows_.keep_first(static_cast<std::size_t>(end - all.begin()));
    }
    return true;
  }

  // The walk on the next key in order; null when all have ended. Of equal keys, the first walk.
  layer_walk* pick() const {
    layer_walk* best = nullptr;
    for (const auto& each : walks_) {
      if (each->current() == nullptr) continue;
      if (best == nullptr) {
        best = each.get();
        continue;
      }
      const auto order = compare(each->current()->key, best->current()->key);
      if (forward_ ? order < 0 : order > 0) best = each.get();
    }
    return best;
  }

  void merge() {
    while (!rows_.full()) {
      layer_walk* const best = pick();
      if (best == nullptr || outside(best->current()->key)) {
        done_ = true;
        return;
      }
      const layer_row& found = *best->current();
      if (!found.tombstone) rows_.add(found.key, found.value);
      for (const auto& each : walks_) {
        const layer_row* const same = each.get() == best ? nullptr : each->current();
        if (same != nullptr && equal(same->key, found.key)) each->advance();
      }
      best->advance();
    }
  }

  layered* owner_;
  bool forward_;
  bool done_ = false;
  bool taken_from_ = false;  // blocks of the only walk
  bool has_last_ = false;
  std::optional<bytes> lo_;
  std::optional<bytes> hi_;
  bytes last_;  // the last key handed out
  std::vector<std::unique_ptr<layer_walk>> walks_;
  std::optional<std::uint64_t> version_;  // that the walks belong to
  block_rows rows_;
};

}  // namespace

cursor make_merge_cursor(layered& owner, const key_range& range, direction order) {
  return cursor(std::make_unique<merge_cursor>(owner, range, order));
}

}  // namespace lentic::detail
