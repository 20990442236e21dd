// SPDX-License-Identifier: Apache-2.0
#pragma once

// What window_state_bench prints of a cell: a line for each engine, with medians over the rounds.

#include "figures.hpp"

#include <string_view>
#include <vector>

namespace lentic::bench {

struct engine_results {
  std::string_view name;
  std::vector<run_figures> rounds;
  std::vector<double> ratios;  // of the first engine's time in the same round to this one's
};

void print_table(const std::vector<engine_results>& results, const workload& work);

}  // namespace lentic::bench
