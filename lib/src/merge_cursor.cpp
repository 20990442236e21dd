// SPDX-License-Identifier: Apache-2.0
#include "block_rows.hpp"
#include "row_layer.hpp"

#include <lentic/store/damaged_block.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace lentic::detail {

namespace {

// Keeps its walks from block to block while no layer changes. A single layer that hands out blocks
// is not merged at all: its blocks are the cursor's.
//
// Only the lowest layer has blocks that can be damaged. Forward, what the layers above have in the
// range of such a block is handed out before the error is thrown.
class merge_cursor final : public cursor_source {
 public:
  merge_cursor(layered& owner, const key_range& range, direction order,
               std::shared_ptr<const void> life)
      : owner_(&owner), life_(std::move(life)), forward_(order == direction::forward) {
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
    if (rows_.empty() && !done_) return next_slowly();
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

  // Also of the range of the damaged block.
  bool beyond(bytes_view key) const {
    return outside(key) || (damage_ != nullptr && damage_end_ && compare(key, *damage_end_) >= 0);
  }

  // Rows of a block that is not in memory are read first. What changes meanwhile is seen.
  task<std::span<const row>> next_slowly() {
    while (rows_.empty() && !done_) {
      layer_walk* const waiting = owner_->version() == version_ ? waiting_walk() : nullptr;
      if (waiting != nullptr) {
        task<void> loading = waiting->load();
        co_await std::move(loading);
        is_loaded_ = true;
      }
      fill();
    }
    co_return rows_.rows();
  }

  layer_walk* waiting_walk() const {
    for (const auto& each : walks_) {
      if (each->is_waiting()) return each.get();
    }
    return nullptr;
  }

  // Walks of a version that is gone are not touched: fill() makes others.
  void wake_walks() {
    if (!std::exchange(is_loaded_, false)) return;
    const std::optional<std::uint64_t> version = owner_->version();
    if (!version || version != version_) return;
    for (const auto& each : walks_) {
      if (each->is_waiting()) each->go_on();
    }
  }

  // Hands out nothing only at the end, or where a walk waits.
  void fill() {
    const bool was_damaged = damage_ != nullptr;
    fill_or_fail();
    if (damage_ == nullptr) return;
    if (!was_damaged) fill_or_fail();  // without the damaged layer
    if (rows_.empty()) {
      forget_walks();
      std::rethrow_exception(std::exchange(damage_, nullptr));
    }
  }

  // Where rows were handed out, the next call comes to the same place, and fails there.
  void fill_or_fail() {
    try {
      wake_walks();
      open_walks();
      if (waiting_walk() != nullptr) return;
      if (walks_.size() != 1 || damage_ != nullptr || !take_block()) merge();
    } catch (const damaged_block& found) {
      forget_walks();
      if (!rows_.empty()) return;
      if (!forward_ || damage_ != nullptr) throw;
      damage_end_.reset();
      if (found.next_key()) damage_end_ = to_bytes(*found.next_key());
      damage_ = std::current_exception();
    } catch (...) {  // walks may be past rows that nobody got
      forget_walks();
      if (rows_.empty()) throw;
    }
  }

  void forget_walks() noexcept {
    walks_.clear();
    version_.reset();
  }

  // Walks that stand on the next row of their layer, newest layer first; none for a layer at its
  // end.
  void open_walks() {
    const std::optional<std::uint64_t> version = owner_->version();
    if (!version || version != version_) {
      forget_walks();
      taken_from_ = false;
      std::vector<row_layer*> layers = owner_->layers();
      if (damage_ != nullptr && !layers.empty()) layers.pop_back();
      for (row_layer* const layer : layers) walks_.push_back(layer->walk(start()));
      version_ = version;
    }
    if (taken_from_) return;
    std::erase_if(
        walks_, [](const auto& each) { return each->current() == nullptr && !each->is_waiting(); });
  }

  bool take_block() {
    layer_walk& only = *walks_.front();
    if (!only.take(rows_)) return false;
    taken_from_ = true;
    if (rows_.empty()) {
      done_ = !only.is_waiting();
    } else if (outside(rows_[rows_.size() - 1].key)) {
      done_ = true;
      const auto inside = [this](const row& each) { return !outside(each.key); };
      const std::span<const row> all = rows_.rows();
      const auto end = std::partition_point(all.begin(), all.end(), inside);
      rows_.keep_first(static_cast<std::size_t>(end - all.begin()));
    }
    return true;
  }

  bool before(bytes_view left, bytes_view right) const {
    const auto order = compare(left, right);
    return forward_ ? order < 0 : order > 0;
  }

  // The walk on the first key in order, and the one on the first key of the others; null when there
  // is none. Of equal keys, the first walk.
  struct leaders {
    layer_walk* first = nullptr;
    layer_walk* second = nullptr;
  };
  leaders pick() const {
    leaders found;
    for (const auto& each : walks_) {
      const layer_row* const row = each->current();
      if (row == nullptr) continue;
      if (found.first == nullptr) {
        found.first = each.get();
      } else if (before(row->key, found.first->current()->key)) {
        found.second = std::exchange(found.first, each.get());
      } else if (found.second == nullptr || before(row->key, found.second->current()->key)) {
        found.second = each.get();
      }
    }
    return found;
  }

  // Until the block is full, a walk waits, or nothing is left.
  void merge() {
    for (bool waits = false; !waits && !rows_.full();) {
      const leaders next = pick();
      const bool at_end = next.first == nullptr || beyond(next.first->current()->key);
      done_ = at_end && damage_ == nullptr;
      if (at_end) return;
      if (next.second == nullptr) {
        waits = take_alone(*next.first, nullptr);
      } else if (equal(next.first->current()->key, next.second->current()->key)) {
        waits = take_equal(*next.first);
      } else {
        waits = take_alone(*next.first, next.second);
      }
    }
  }

  // Rows of one walk, up to the key that another one stands on. True when it waits then.
  bool take_alone(layer_walk& from, const layer_walk* other) {
    const layer_row* row = from.current();
    std::optional<bytes_view> stop;
    if (other != nullptr) stop = other->current()->key;
    do {
      if (!row->tombstone) rows_.add(row->key, row->value);
      from.advance();
      row = from.current();
    } while (row != nullptr && !rows_.full() && !beyond(row->key)
             && (!stop || before(row->key, *stop)));
    return from.is_waiting();
  }

  // One row that several walks have; the others pass over theirs. True when one waits then.
  bool take_equal(layer_walk& from) {
    const layer_row& found = *from.current();
    if (!found.tombstone) rows_.add(found.key, found.value);
    bool waits = false;
    for (const auto& each : walks_) {
      const layer_row* const same = each.get() == &from ? nullptr : each->current();
      if (same == nullptr || !equal(same->key, found.key)) continue;
      each->advance();
      waits = waits || each->is_waiting();
    }
    from.advance();
    return waits || from.is_waiting();
  }

  layered* owner_;
  std::shared_ptr<const void> life_;
  bool forward_;
  bool done_ = false;
  bool taken_from_ = false;  // blocks of the only walk
  bool has_last_ = false;
  bool is_loaded_ = false;  // what a walk waits for
  std::optional<bytes> lo_;
  std::optional<bytes> hi_;
  bytes last_;                 // the last key handed out
  std::exception_ptr damage_;  // of the lowest layer, which is left out until this is thrown
  std::optional<bytes> damage_end_;
  std::vector<std::unique_ptr<layer_walk>> walks_;
  std::optional<std::uint64_t> version_;  // that the walks belong to
  block_rows rows_;
};

}  // namespace

cursor make_merge_cursor(layered& owner, const key_range& range, direction order,
                         std::shared_ptr<const void> life) {
  return cursor(std::make_unique<merge_cursor>(owner, range, order, std::move(life)));
}

}  // namespace lentic::detail
