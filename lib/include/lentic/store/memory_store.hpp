// SPDX-License-Identifier: Apache-2.0
#pragma once

// memory_store: a byte_store, and memory_segments: a segmented_store, in memory and nothing else.
// Every operation is ready. clear() and drop_below() free whole arenas. What an operation costs is
// a matter of the layout: see young_layout.hpp.
// Threads: one owner. Durability: none.

#include <lentic/store/byte_store.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/store/young_layout.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace lentic {

class memory_store final : public byte_store {
 public:
  explicit memory_store(young_layout layout = young_layout::ordered);
  ~memory_store() override;

  maybe_ready<std::optional<value_view>> get(bytes_view key) override;
  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;
  cursor range(const key_range& range, direction order = direction::forward) override;
  maybe_ready<void> clear() override;
  std::uint64_t approximate_count() const override;
  std::uint64_t size_bytes() const override;
  touching_store* touching() noexcept override;

 private:
  class layer;
  std::unique_ptr<layer> layer_;
};

class memory_segments final : public segmented_store {
 public:
  explicit memory_segments(young_layout layout = young_layout::hashed) noexcept : layout_(layout) {}

  byte_store& segment(segment_id id) override;
  byte_store* find_segment(segment_id id) override;
  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override;
  void seal_hint(segment_id id) override;
  maybe_ready<void> drop_below(segment_id id) override;
  segment_id drop_floor() const override { return floor_; }
  bool segments_touch() const noexcept override { return true; }

 private:
  std::map<segment_id, memory_store> segments_;
  young_layout layout_;
  segment_id floor_ = 0;
};

}  // namespace lentic
