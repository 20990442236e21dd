// SPDX-License-Identifier: Apache-2.0
#include "block_rows.hpp"
#include "row_layer.hpp"

#include <optional>

namespace lentic::detail {

namespace {

class merge_cursor final : public cursor_source {
 public:
  merge_cursor(layered& owner, const key_range& range, direction order)
      : owner_(&owner), forward_(order == direction::forward) {
    if (range.lo) lo_ = to_bytes(*range.lo);
    if (range.hi) hi_ = to_bytes(*range.hi);
    done_ = lo_ && hi_ && compare(*lo_, *hi_) >= 0;
  }

  maybe_ready<std::span<const row>> next() override {
    rows_.clear();
    if (!done_) fill();
    return rows_.rows();
  }

 private:
  using walks = std::vector<std::unique_ptr<layer_walk>>;

  walk_start start() const {
    walk_start at;
    at.order = forward_ ? direction::forward : direction::backward;
    if (last_) {
      at.key = *last_;
      at.exclusive = true;
    } else if (forward_ ? lo_.has_value() : hi_.has_value()) {
      at.key = forward_ ? *lo_ : *hi_;
    }
    return at;
  }

  bool outside(bytes_view key) const {
    return forward_ ? hi_ && compare(key, *hi_) >= 0 : lo_ && compare(key, *lo_) < 0;
  }

  // The next key in order over all walks; null when all have ended. Of equal keys, the first
  // walk's.
  const layer_row* pick(const walks& from) const {
    const layer_row* best = nullptr;
    for (const auto& each : from) {
      const layer_row* const candidate = each->current();
      if (candidate == nullptr) continue;
      if (best == nullptr) {
        best = candidate;
        continue;
      }
      const auto order = compare(candidate->key, best->key);
      if (forward_ ? order < 0 : order > 0) best = candidate;
    }
    return best;
  }

  void fill() {
    walks open;
    for (row_layer* const layer : owner_->layers()) open.push_back(layer->walk(start()));
    while (!rows_.full()) {
      const layer_row* const best = pick(open);
      if (best == nullptr || outside(best->key)) {
        done_ = true;
        return;
      }
      last_.emplace(best->key.begin(), best->key.end());
      if (!best->tombstone) rows_.add(best->key, best->value);
      for (const auto& each : open) {
        const layer_row* const same = each->current();
        if (same != nullptr && equal(same->key, *last_)) each->advance();
      }
    }
  }

  layered* owner_;
  bool forward_;
  bool done_ = false;
  std::optional<bytes> lo_;
  std::optional<bytes> hi_;
  std::optional<bytes> last_;  // the last key handed out or hidden
  block_rows rows_;
};

}  // namespace

cursor make_merge_cursor(layered& owner, const key_range& range, direction order) {
  return cursor(std::make_unique<merge_cursor>(owner, range, order));
}

}  // namespace lentic::detail
