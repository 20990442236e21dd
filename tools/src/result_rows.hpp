// SPDX-License-Identifier: Apache-2.0
#pragma once

// result_rows: what a run prints: with --emit close a row for each window, with --emit changes a
// numbered row for each change. The format of the topology's sink.
// Threads: the task's. Lifetime: the aggregator outlives it. Errors: bad_record for an accumulator
// that does not decode.

#include "aggregates.hpp"
#include "options.hpp"
#include "row_topology.hpp"
#include "row_writer.hpp"

#include <lentic/windows/windowed_aggregation.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lentic::tool {

class result_rows {
 public:
  result_rows(const run_options& options, const aggregator& values);

  std::string header() const;
  // Appends the row of a change; of a window that has closed, its result.
  void add(const window_change& told, std::string& out);
  // Appends the row of a window that is still open.
  void add(const windows::window_result& window, std::string& out);

  // Rows so far, in all attempts: of changes, the last one's seq.
  std::uint64_t rows() const noexcept { return rows_; }
  // Distinct windows among those of changes.
  std::uint64_t windows() const noexcept { return windows_; }
  // Goes on behind an earlier attempt.
  void restore(std::uint64_t rows, std::uint64_t windows) noexcept {
    rows_ = rows;
    windows_ = windows;
  }

 private:
  bool tells_changes() const noexcept { return kind_ == row_kind::changes; }
  void render(const std::optional<bytes>& value);

  const aggregator& values_;
  row_kind kind_;
  row_writer writer_;
  std::uint64_t rows_ = 0;
  std::uint64_t windows_ = 0;
  std::vector<std::string> texts_;  // one an aggregate
  std::vector<std::string> old_texts_;
  std::vector<std::string> cells_;  // old and new of each aggregate in turn
};

}  // namespace lentic::tool
