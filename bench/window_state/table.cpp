// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

namespace lentic::bench {

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Number>
double median(const engine_results& of, Number run_figures::*figure) {
  std::vector<double> values;
  for (const run_figures& each : of.rounds) values.push_back(static_cast<double>(each.*figure));
  return median(std::move(values));
}

void print_head(const workload_options& options, std::size_t rounds) {
  std::printf(
      "\n%llu events, %u %% late, %s %u keys, commit every %llu, %llu windows, %lld retained; "
      "medians of %zu\n",
      static_cast<unsigned long long>(options.events), options.late_percent,
      options.skewed ? "zipf 0.99" : "uniform", options.keys,
      static_cast<unsigned long long>(options.commit_events),
      static_cast<unsigned long long>(options.windows), static_cast<long long>(windows_retained),
      rounds);
  std::printf("%-15s %7s %7s %6s | %6s %7s | %7s %7s | %6s %7s | %6s %6s %8s | %5s %6s %6s | %s\n",
              "engine", "k ev/s", "ratio", "cpu us", "ev p50", "p99.9us", "cmt p50", "p99 ms",
              "expiry", "WA", "fetch", "p99 us", "scan M/s", "rows", "mem B", "disk B", "changes");
}

void print_engine(const engine_results& of, const workload_options& options) {
  const auto events = static_cast<double>(options.events);
  const auto rows = static_cast<double>(std::max<std::uint64_t>(of.rounds[0].rows, 1));
  const auto put_bytes = static_cast<double>(of.rounds[0].put_bytes);
  std::printf(
      "%-15s %7.0f %6.2fx %6.2f | %6.2f %7.1f | %7.2f %7.2f | %6.2f %7.2f | %6.2f %6.1f %8.1f | "
      "%4.1fM %6.1f %6.1f | %llu\n",
      std::string(of.name).c_str(), events / median(of, &run_figures::seconds) / 1000,
      median(of.ratios), 1e6 * median(of, &run_figures::cpu_seconds) / events,
      median(of, &run_figures::event_p50_us), median(of, &run_figures::event_p999_us),
      median(of, &run_figures::commit_p50_ms), median(of, &run_figures::commit_p99_ms),
      median(of, &run_figures::expiry_max_ms), median(of, &run_figures::written_bytes) / put_bytes,
      median(of, &run_figures::fetch_p50_us), median(of, &run_figures::fetch_p99_us),
      rows / median(of, &run_figures::scan_seconds) / 1e6, rows / 1e6,
      median(of, &run_figures::memory_bytes) / rows, median(of, &run_figures::disk_bytes) / rows,
      static_cast<unsigned long long>(of.rounds[0].changes));
}

}  // namespace

void print_table(const std::vector<engine_results>& results, const workload& work) {
  print_head(work.options(), results[0].rounds.size());
  for (const engine_results& of : results) print_engine(of, work.options());
}

}  // namespace lentic::bench
