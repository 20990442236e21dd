// SPDX-License-Identifier: Apache-2.0
#pragma once

// The options of `lentic run`: as they stand on the command line, and read into run_options.
// Threads: none synchronised.

#include "option_values.hpp"

#include <string>

namespace lentic::tool {

struct run_texts {
  std::string input, format, ts, key, window, agg, retention, state, jump, stats;
  std::string grace = "0", commit = "1s", progress = "auto", bad = "0", stdin_is = "replay";
  std::string emit = "close", cache, caching, memory;
  output_texts output;
  bool log_commits = false;

  void add_to(CLI::App& app);
  void add_rules_to(CLI::App& app);
  void add_emit_to(CLI::App& app);
  void read_emit(run_options& run) const;
  run_options read(const terminal_facts& terminal, bool stdin_given) const;
};

}  // namespace lentic::tool
