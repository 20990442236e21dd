// SPDX-License-Identifier: Apache-2.0
#pragma once

// recording_store: a byte store, or one segment, whose changes the snapshots of its chain hear of:
// before a key changes for the first time since the newest one was opened, its old value is read
// and saved. Without a snapshot it only counts what is under way.
//
// A put that fails after its old value was saved leaves a saved value that is still true.
// Threads: one owner. Lifetime: a task holds what it needs; a segment that is dropped under a put
// that reads first refuses it with errc::invalid_argument.

#include "snapshot_chain.hpp"

#include <lentic/store/segmented_store.hpp>
#include <lentic/store/snapshot_store.hpp>
#include <lentic/store/touching_store.hpp>

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lentic::detail {

class recording_store final : public snapshot_store, public touching_store {
 public:
  // What is behind it.
  struct target {
    std::shared_ptr<snapshot_chain> chain;
    byte_store* inner = nullptr;  // null: dropped
    segment_id segment = 0;
  };

  enum class part { whole, segment };  // of what the snapshots are of

  recording_store(std::shared_ptr<snapshot_chain> chain, byte_store& inner, part which,
                  segment_id segment = 0);
  ~recording_store() override;

  maybe_ready<std::unique_ptr<live_snapshot>> open_snapshot(const snapshot_limits& limits) override;

  maybe_ready<std::optional<value_view>> get(bytes_view key) override { return inner_.get(key); }
  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;
  cursor range(const key_range& range, direction order) override {
    return inner_.range(range, order);
  }
  maybe_ready<void> clear() override;
  std::uint64_t approximate_count() const override { return inner_.approximate_count(); }
  std::uint64_t size_bytes() const override { return inner_.size_bytes(); }
  task<std::vector<std::optional<bytes>>> multi_get(std::span<const bytes_view> keys) override {
    return inner_.multi_get(keys);
  }
  void prefetch(std::span<const bytes_view> keys) override { inner_.prefetch(keys); }
  maybe_ready<std::optional<pinned_value>> pin(bytes_view key) override { return inner_.pin(key); }

  touching_store* touching() noexcept override { return rows_ != nullptr ? this : nullptr; }
  touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) override;
  touch_answer erase_touching(bytes_view key, const touch_call& call) override;
  task<void> make_room(bytes_view key, std::uint64_t value_bytes) override {
    return rows_->make_room(key, value_bytes);
  }

 private:
  using shared_target = std::shared_ptr<target>;

  enum class saving { also_none, of_rows };

  bool save_touched(bytes_view key, const touch_call& call, saving which);
  maybe_ready<void> put_recorded(bytes_view key, bytes_view value);
  maybe_ready<bool> erase_recorded(bytes_view key);

  byte_store& inner_;
  snapshot_chain& chain_;
  touching_store* rows_;  // null: the store below offers that to none
  shared_target at_;
  part part_;
};

}  // namespace lentic::detail
