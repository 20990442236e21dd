// SPDX-License-Identifier: Apache-2.0
#include "recording_store.hpp"
#include "snapshot_rows.hpp"

#include <lentic/errc.hpp>
#include <lentic/store/snapshot_segments.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace lentic {

namespace detail {

namespace {

// Segments that came after the snapshot are segments without a row.
class segments_view final : public segments_snapshot {
 public:
  segments_view(std::shared_ptr<snapshot_layer> layer, segmented_store& inner)
      : layer_(std::move(layer)), inner_(&inner), floor_(floor_of(*layer_, inner)) {}
  ~segments_view() override { layer_->chain->end(*layer_, "it was closed"); }

  byte_store& segment(segment_id id) override {
    if (id < floor_) fail(errc::invalid_argument, "segment " + std::to_string(id) + " was dropped");
    layer_->chain->check(*layer_, id);
    const auto found = parts_.find(id);
    if (found != parts_.end()) return *found->second;
    live_rows live;
    live.segments = inner_;
    live.id = id;
    auto made = std::make_unique<snapshot_rows>(layer_, live, snapshot_rows::role::part);
    return *parts_.emplace(id, std::move(made)).first->second;
  }

  byte_store* find_segment(segment_id id) override {
    if (id < floor_) return nullptr;
    layer_->chain->check(*layer_, id);
    return inner_->find_segment(id) == nullptr ? nullptr : &segment(id);
  }

  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override {
    const segment_id first = std::max(lo, floor_);
    if (first >= hi) return {};
    layer_->chain->check(*layer_, first);
    return inner_->segments(first, hi);
  }

  void seal_hint(segment_id) override {}  // nothing is written out for it
  maybe_ready<void> drop_below(segment_id) override { fail(errc::read_only, "a snapshot"); }
  segment_id drop_floor() const override { return floor_; }
  std::uint64_t bytes() const noexcept override { return layer_->count(); }
  bool expired() const noexcept override {
    if (layer_->is_open()) layer_->chain->expire_aged();
    return !layer_->is_open();
  }
  segment_id lost_below() const noexcept override { return layer_->lost_below; }

 private:
  // What was dropped since is lost, not below the floor. Of a store that is gone nothing is asked.
  static segment_id floor_of(const snapshot_layer& layer, const segmented_store& inner) {
    return layer.is_open() && layer.lost_below == 0 ? inner.drop_floor() : 0;
  }

  std::shared_ptr<snapshot_layer> layer_;
  segmented_store* inner_;
  segment_id floor_;  // when it was opened
  std::map<segment_id, std::unique_ptr<snapshot_rows>> parts_;
};

task<std::unique_ptr<segments_snapshot>> open_slowly(
    maybe_ready<std::shared_ptr<snapshot_layer>> pending, segmented_store& inner) {
  std::shared_ptr<snapshot_layer> layer = co_await std::move(pending);
  co_return std::make_unique<segments_view>(std::move(layer), inner);
}

class recording_segments final : public snapshot_segments {
 public:
  recording_segments(std::shared_ptr<snapshot_chain> chain, segmented_store& inner) noexcept
      : inner_(inner), chain_(std::move(chain)) {}
  ~recording_segments() override { chain_->close(); }

  maybe_ready<std::unique_ptr<segments_snapshot>> open_snapshot(
      const snapshot_limits& limits) override {
    maybe_ready<std::shared_ptr<snapshot_layer>> opened = chain_->open(limits);
    if (!opened.ready()) return open_slowly(std::move(opened), inner_);
    return std::unique_ptr<segments_snapshot>(
        std::make_unique<segments_view>(opened.take(), inner_));
  }

  byte_store& segment(segment_id id) override {
    if (recording_store* const known = find(id)) return *known;
    return make(id, inner_.segment(id));
  }

  byte_store* find_segment(segment_id id) override {
    if (recording_store* const known = find(id)) return known;
    byte_store* const found = inner_.find_segment(id);
    return found == nullptr ? nullptr : &make(id, *found);
  }

  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override {
    return inner_.segments(lo, hi);
  }
  void seal_hint(segment_id id) override { inner_.seal_hint(id); }

  // What snapshots keep goes first: rows may be erased one by one.
  maybe_ready<void> drop_below(segment_id id) override {
    if (id <= inner_.drop_floor()) return {};
    const std::vector<segment_id> doomed = inner_.segments(0, id);
    if (!doomed.empty()) chain_->lose_below(id);
    maybe_ready<void> done = inner_.drop_below(id);
    last_ = nullptr;
    parts_.erase(parts_.begin(), parts_.lower_bound(id));
    return done;
  }

  segment_id drop_floor() const override { return inner_.drop_floor(); }
  bool segments_touch() const noexcept override { return inner_.segments_touch(); }

 private:
  // A segment that was found stays until it is dropped.
  recording_store* find(segment_id id) noexcept {
    if (last_ != nullptr && last_id_ == id) return last_;
    const auto found = parts_.find(id);
    if (found == parts_.end()) return nullptr;
    last_ = found->second.get();
    last_id_ = id;
    return last_;
  }

  recording_store& make(segment_id id, byte_store& inner) {
    auto made =
        std::make_unique<recording_store>(chain_, inner, recording_store::part::segment, id);
    return *parts_.emplace(id, std::move(made)).first->second;
  }

  segmented_store& inner_;
  std::shared_ptr<snapshot_chain> chain_;
  std::map<segment_id, std::unique_ptr<recording_store>> parts_;
  recording_store* last_ = nullptr;  // the one that was found last, as most records are of now
  segment_id last_id_ = 0;
};

}  // namespace

}  // namespace detail

std::unique_ptr<snapshot_segments> make_snapshot_segments(segmented_store& inner,
                                                          coro::runtime& runtime,
                                                          std::shared_ptr<memory_account> memory) {
  auto chain = std::make_shared<detail::snapshot_chain>(runtime, std::move(memory));
  return std::make_unique<detail::recording_segments>(std::move(chain), inner);
}

}  // namespace lentic
