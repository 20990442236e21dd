// SPDX-License-Identifier: Apache-2.0
#pragma once

// Under which conditions a durable result was measured: printed beside each table, because a busy
// machine at normal priority makes every fdatasync look like a tick of its scheduler.

#include <string>

namespace lentic::bench {

struct bench_conditions {
  double load_average = 0;  // of the last minute
  std::string scheduling;   // "normal", or the real-time class and its priority
  std::string file_system;  // of the current directory
  double flush_p50_ms = 0;  // a bare write of 4 KiB over written blocks, and fdatasync
};

// A result above this is the scheduler's, not the store's, where the same disk does 0.2 ms.
inline constexpr double flush_p50_ms_max = 3;

// Writes and removes a file in `directory`. Throws std::system_error.
bench_conditions measure_conditions(const std::string& directory);
std::string described(const bench_conditions& conditions);

}  // namespace lentic::bench
