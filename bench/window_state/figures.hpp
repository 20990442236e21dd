// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a run of window_state_bench measures, and the meter that collects it: first the events, with
// a commit every so often, then fetches of the last ten windows of random keys, then one scan.

#include "workload.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lentic::bench {

// Plain values: they travel through a pipe between processes.
struct run_figures {
  double seconds = 0;  // of the events and their commits
  double cpu_seconds = 0;
  double event_p50_us = 0;  // get, count + 1 and put of one event in 31, the clock's cost included
  double event_p999_us = 0;
  double commit_p50_ms = 0;  // how long the loop of the caller stood still for a commit
  double commit_p99_ms = 0;
  double expiry_max_ms = 0;  // the same for dropping segments
  std::uint64_t put_bytes = 0;
  std::uint64_t written_bytes = 0;  // by the process, as the kernel counts them
  double fetch_p50_us = 0;
  double fetch_p99_us = 0;
  double scan_seconds = 0;
  std::uint64_t rows = 0;     // left at the end
  std::uint64_t digest = 0;   // of those rows, in any order: the same for all engines
  std::uint64_t fetched = 0;  // rows that the fetches answered: the same for all engines
  std::uint64_t changes = 0;  // forwarded by a cache; 0 where there is none
  // Left at the end: memory of the process that no file backs, beyond what it had at the start, and
  // blocks of its directory.
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
};

class row_digest {
 public:
  void add(bytes_view key, bytes_view value) noexcept;
  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::uint64_t rows_ = 0;
  std::uint64_t sum_ = 0;
};

// Seconds on a steady clock.
double now_seconds() noexcept;

class run_meter {
 public:
  explicit run_meter(std::string directory);

  // Every 31st: a number that no period of the workload shares.
  static constexpr bool samples(std::uint64_t event) noexcept { return event % 31 == 0; }
  void event_took(double seconds) { events_.push_back(seconds); }
  void commit_took(double seconds) { commits_.push_back(seconds); }
  void expiry_took(double seconds);
  void end_of_events(const workload& work);
  void fetch_took(double seconds, std::uint64_t rows);
  void scan_took(double seconds, std::uint64_t rows);
  void end_of_run(const row_digest& digest);

  run_figures& figures() noexcept { return figures_; }

 private:
  run_figures figures_;
  std::string directory_;  // empty: in memory
  double start_seconds_;
  double start_cpu_seconds_;
  std::uint64_t start_written_bytes_;
  std::uint64_t start_memory_bytes_;
  std::vector<double> events_;
  std::vector<double> commits_;
  std::vector<double> fetches_;
};

// Measures how long a part of a run takes.
class stopwatch {
 public:
  // Not started, it costs nothing.
  explicit stopwatch(bool started = true) noexcept : start_(started ? now_seconds() : 0) {}
  double seconds() const noexcept { return now_seconds() - start_; }

 private:
  double start_;
};

}  // namespace lentic::bench
