// SPDX-License-Identifier: Apache-2.0
#pragma once

// snapshot_rows: reads of one snapshot: of a byte store, or of one segment. A get that had to wait
// looks at the layers again: what changed meanwhile is in one of them. A cursor merges the layers
// with a cursor of the store, whose keys that did not change are seen exactly once.
//
// Threads: the store's. Lifetime: the layer is held by each task and cursor; the store is not
// touched once the layer has ended. Errors: errc::snapshot_expired, read_only, and what a read of
// the store throws.

#include "snapshot_chain.hpp"

#include <lentic/store/byte_store.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <memory>
#include <optional>
#include <span>

namespace lentic::detail {

// Where the rows are that have not changed: looked up each time, as a segment may come and go.
struct live_rows {
  byte_store* plain = nullptr;
  segmented_store* segments = nullptr;
  segment_id id = 0;  // 0 of a plain store

  // Null: there are none.
  byte_store* find() const { return plain != nullptr ? plain : segments->find_segment(id); }
};

class snapshot_rows final : public live_snapshot {
 public:
  enum class role { handle, part };  // the snapshot ends with its handle

  snapshot_rows(std::shared_ptr<snapshot_layer> layer, const live_rows& live, role which) noexcept
      : layer_(std::move(layer)), live_(live), role_(which) {}
  ~snapshot_rows() override;

  maybe_ready<std::optional<value_view>> get(bytes_view key) override;
  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;
  cursor range(const key_range& range, direction order) override;
  maybe_ready<void> clear() override;
  std::uint64_t approximate_count() const override;
  std::uint64_t size_bytes() const override;
  void prefetch(std::span<const bytes_view> keys) override;
  std::uint64_t bytes() const noexcept override { return layer_->count(); }
  bool expired() const noexcept override;

 private:
  static task<std::optional<value_view>> get_slowly(std::shared_ptr<snapshot_layer> layer,
                                                    segment_id segment, lentic::bytes key,
                                                    maybe_ready<std::optional<value_view>> pending);

  std::shared_ptr<snapshot_layer> layer_;
  live_rows live_;
  role role_;
};

}  // namespace lentic::detail
