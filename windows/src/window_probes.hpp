// SPDX-License-Identifier: Apache-2.0
#pragma once

// One key of a segmented_window_store over a few starts that are known beforehand: a point look-up
// each, in place of a range of each segment, which young segments would have to be sorted for.
// While one is open, no segment goes. Threads: the store's, which outlives it.

#include <lentic/windows/segmented_window_store.hpp>

#include <optional>
#include <span>
#include <vector>

namespace lentic::windows {

class segmented_window_store::probe_source final : public window_cursor_source {
 public:
  // How many starts are looked up one by one before a range is taken to be cheaper.
  static constexpr std::int64_t starts_max = 64;
  // The starts in `visible` that an aligned store can hold, or none when they are too many.
  static std::optional<time_range> few_starts(const segmented_window_store& store,
                                              time_range visible) noexcept;

  // `starts` as few_starts() answered it: both ends are aligned, or it is empty.
  probe_source(segmented_window_store& store, bytes_view key, time_range starts, direction order);
  probe_source(const probe_source&) = delete;
  probe_source& operator=(const probe_source&) = delete;
  ~probe_source() override;

  maybe_ready<std::span<const window_row>> next() override;

 private:
  struct found_value {
    std::int64_t start_ms;
    std::size_t offset;
    std::size_t bytes;
  };

  // The next look-up; none at the end of the starts or of the block.
  std::optional<maybe_ready<std::optional<value_view>>> look_up();
  void take(const std::optional<value_view>& value);
  task<std::span<const window_row>> next_cold(maybe_ready<std::optional<value_view>> pending);
  void prefetch_rest();
  std::span<const window_row> block();

  segmented_window_store& store_;
  bytes store_key_;  // the key, then the start being looked up
  std::size_t key_bytes_;
  std::int64_t at_ms_;
  std::int64_t step_ms_;  // negative when backward
  std::int64_t left_;     // starts
  bytes values_;          // of the block: a view of the store would not outlive the next look-up
  std::vector<found_value> found_;
  std::vector<window_row> block_;
};

}  // namespace lentic::windows
