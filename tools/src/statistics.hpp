// SPDX-License-Identifier: Apache-2.0
#pragma once

// The figures of a run, as --stats json prints them. Threads: plain values.

#include <cstdint>
#include <string>

namespace lentic::tool {

struct run_statistics {
  // Since the state began.
  std::uint64_t rows_in = 0;  // good rows
  std::uint64_t rows_bad = 0;
  std::uint64_t late_dropped = 0;  // (row, window) pairs
  std::uint64_t windows_out = 0;   // distinct windows printed
  std::uint64_t windows_open = 0;  // of them, still open at the end
  // Of this attempt.
  std::uint64_t commits = 0;
  std::uint64_t bytes_written = 0;  // to the state directory
  std::uint64_t resumed_at_row = 0;
  std::uint64_t rows_read = 0;
  double seconds = 0;
};

// One JSON object on one line, without line end; the members in the order above.
std::string statistics_json(const run_statistics& figures);

}  // namespace lentic::tool
