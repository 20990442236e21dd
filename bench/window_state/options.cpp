// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace lentic::bench {

namespace {

constexpr const char* help_text =
    "usage: window_state_bench [options]\n"
    "  --table NAME     cells, one table each: published (uniform and skewed keys, commits of\n"
    "                   10,000 and 100,000 events), late (the same with 1 % of late events),\n"
    "                   small (one cell of 200,000 events); or one cell of your own:\n"
    "  --events N       2000000\n"
    "  --windows N      20; ten are retained\n"
    "  --keys N         1000000\n"
    "  --zipf           keys by Zipf 0.99 in place of uniform\n"
    "  --late PERCENT   of the events belong to one of the three windows before the open one\n"
    "  --commit N       events between two durable commits, 10000\n"
    "  --rounds N       of which the medians are printed, 3\n"
    "  --only NAME,...  these engines; the first one of the table is what ratios are of\n"
    "  --busy           measure although a bare flush is slow here\n"
    "  --help           this text\n";

std::uint64_t number(std::string_view option, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 1U << 30)
    usage(std::string(option) + " wants a number from 1 to 2^30");
  return value;
}

workload_options cell(std::uint32_t keys, bool skewed, std::uint64_t events,
                      std::uint64_t commit_events) {
  workload_options chosen;
  chosen.keys = keys;
  chosen.skewed = skewed;
  chosen.events = events;
  chosen.commit_events = commit_events;
  return chosen;
}

std::vector<workload_options> table(std::string_view name) {
  constexpr std::uint64_t large = 2'000'000;
  constexpr std::uint64_t small = 600'000;
  std::vector<workload_options> cells;
  if (name == "small") return {cell(10'000, false, 200'000, 10'000)};
  if (name != "published" && name != "late") usage("no table " + std::string(name));
  cells.push_back(cell(1'000'000, false, large, 10'000));
  cells.push_back(cell(1'000'000, true, large, 10'000));
  cells.push_back(cell(10'000, true, small, 10'000));
  cells.push_back(cell(1'000'000, false, large, 100'000));
  if (name == "late") {
    for (workload_options& each : cells) each.late_percent = 1;
  }
  return cells;
}

// True when the option is one that describes the cell.
bool describes(workload_options& work, std::string_view name, std::string_view value) {
  if (name == "--events") {
    work.events = number(name, value);
  } else if (name == "--keys") {
    work.keys = static_cast<std::uint32_t>(number(name, value));
  } else if (name == "--windows") {
    work.windows = number(name, value);
  } else if (name == "--late") {
    work.late_percent = static_cast<std::uint32_t>(number(name, value));
    if (work.late_percent > 100) usage("--late wants a percentage");
  } else if (name == "--commit") {
    work.commit_events = number(name, value);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void usage(const std::string& wrong) {
  std::fprintf(stderr, "window_state_bench: %s\n%s", wrong.c_str(), help_text);
  std::exit(2);
}

bench_options parse(int count, char** arguments) {
  bench_options options;
  workload_options own;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--zipf") {
      own.skewed = true;
    } else if (name == "--busy") {
      options.busy = true;
    } else if (name == "--help") {
      std::fputs(help_text, stdout);
      std::exit(0);
    } else if (i + 1 == count) {
      usage("no option, or no value for it: " + std::string(name));
    } else if (name == "--table") {
      options.cells = table(arguments[++i]);
    } else if (name == "--rounds") {
      options.rounds = number(name, arguments[++i]);
    } else if (name == "--only") {
      options.only = "," + std::string(arguments[++i]) + ",";
    } else if (!describes(own, name, arguments[++i])) {
      usage("no option " + std::string(name));
    }
  }
  if (options.cells.empty()) options.cells.push_back(own);
  return options;
}

}  // namespace lentic::bench
