// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rows of a segmented_window_store, segment by segment. While one is open, no segment goes.
// Threads: the store's, which outlives it.

#include <lentic/windows/segmented_window_store.hpp>

#include <optional>
#include <span>
#include <vector>

namespace lentic::windows {

class segmented_window_store::scan_source final : public window_cursor_source {
 public:
  // `starts` is what the store lets a reader see.
  scan_source(segmented_window_store& store, key_selection keys, time_range starts,
              direction order);
  scan_source(const scan_source&) = delete;
  scan_source& operator=(const scan_source&) = delete;
  ~scan_source() override;

  maybe_ready<std::span<const window_row>> next() override;

 private:
  bool open_segment();
  bool take_block(std::span<const row> block);
  task<std::span<const window_row>> next_cold(maybe_ready<std::span<const row>> pending);

  segmented_window_store& store_;
  key_selection keys_;
  time_range starts_;
  direction order_;
  scan_bounds bounds_;
  std::vector<segment_id> ids_;  // still to be read; the next one at the back
  std::optional<cursor> rows_;   // of the segment being read
  std::vector<window_row> block_;
};

}  // namespace lentic::windows
