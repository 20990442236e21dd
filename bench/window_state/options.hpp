// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command line of window_state_bench.

#include "workload.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::bench {

struct bench_options {
  std::vector<workload_options> cells;  // one table each
  std::uint64_t rounds = 3;
  std::string only;   // ",NAME,NAME,"; empty: all engines
  bool busy = false;  // measure also where a bare flush is too slow to mean anything

  bool wants(std::string_view engine) const {
    return only.empty() || only.find("," + std::string(engine) + ",") != std::string::npos;
  }
};

[[noreturn]] void usage(const std::string& wrong);
// Ends the program, with a message, where an option is wrong.
bench_options parse(int count, char** arguments);

}  // namespace lentic::bench
