// SPDX-License-Identifier: Apache-2.0
#pragma once

// Segments of one std::map each that overwrite in place, so that what is counted in a test of
// allocations is the windows' own. Ranges are not offered. One thread.

#include <lentic/errc.hpp>
#include <lentic/store/segmented_store.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace lentic::windows::testing {

class flat_store final : public byte_store {
 public:
  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return std::optional<value_view>();
    return std::optional<value_view>(value_view(found->second));
  }
  maybe_ready<void> put(bytes_view key, bytes_view value) override {
    const auto found = rows_.find(key);
    if (found == rows_.end())
      rows_.emplace(to_bytes(key), to_bytes(value));
    else
      found->second.assign(value.begin(), value.end());
    return {};
  }
  maybe_ready<bool> erase(bytes_view key) override {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return false;
    rows_.erase(found);
    return true;
  }
  cursor range(const key_range&, direction) override {
    fail(errc::invalid_argument, "flat_store has no ranges");
  }
  maybe_ready<void> clear() override {
    rows_.clear();
    return {};
  }
  std::uint64_t approximate_count() const override { return rows_.size(); }
  std::uint64_t size_bytes() const override { return 0; }

 private:
  std::map<bytes, bytes, bytes_less> rows_;
};

class flat_segments final : public segmented_store {
 public:
  byte_store& segment(segment_id id) override { return segments_[id]; }
  byte_store* find_segment(segment_id id) override {
    const auto found = segments_.find(id);
    return found == segments_.end() ? nullptr : &found->second;
  }
  std::vector<segment_id> segments(segment_id, segment_id) const override { return {}; }
  void seal_hint(segment_id) override {}
  maybe_ready<void> drop_below(segment_id id) override {
    floor_ = std::max(floor_, id);
    segments_.erase(segments_.begin(), segments_.lower_bound(floor_));
    return {};
  }
  segment_id drop_floor() const override { return floor_; }

 private:
  std::map<segment_id, flat_store> segments_;
  segment_id floor_ = 0;
};

}  // namespace lentic::windows::testing
