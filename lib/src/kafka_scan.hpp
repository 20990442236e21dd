// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rows of a kafka_store in order: its cache merged with the store below. Of equal keys the
// cache wins; a tombstone hides. The cache is looked up anew for each row, and the cursor below is
// opened anew when something was written below since: a row that moves down while the scan stands
// before it is met there. Threads: the store's, which outlives the scan.

#include "block_rows.hpp"
#include "kafka_store.hpp"

namespace lentic::detail {

// All keys of [lo, hi).
class range_plan final : public scan_plan {
 public:
  range_plan(byte_store& below, const key_range& range, direction order);

  direction order() const override { return order_; }
  std::optional<bytes_view> start() const override;
  cursor below(const std::optional<bytes_view>& after) override;
  verdict judge(bytes_view key, bytes& to) override;

 private:
  byte_store& below_;
  direction order_;
  std::optional<bytes> lo_;
  std::optional<bytes> hi_;
};

class kafka_store::merged_rows final : public cursor_source {
 public:
  merged_rows(kafka_store& store, std::unique_ptr<scan_plan> plan)
      : store_(store), plan_(std::move(plan)) {}

  maybe_ready<std::span<const row>> next() override;

 private:
  task<std::span<const row>> next_cold(maybe_ready<std::span<const row>> pending);
  void reopen();
  bool wants_block();
  void take_block(std::span<const row> block);
  std::optional<cached_entry> next_cached();
  bool is_before(bytes_view left, bytes_view right) const;
  void merge();
  bool filled() const noexcept { return done_ || !rows_.empty(); }

  kafka_store& store_;
  std::unique_ptr<scan_plan> plan_;
  std::optional<cursor> below_;
  std::uint64_t writes_seen_ = 0;
  std::span<const row> block_;  // of below_, from the first row that was not merged yet
  bool below_ended_ = false;
  bool done_ = false;
  std::optional<bytes> last_;  // the last key handed out or hidden
  bytes seek_;
  block_rows rows_;
};

}  // namespace lentic::detail
