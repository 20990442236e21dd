// SPDX-License-Identifier: Apache-2.0
// window_state_bench: a durable windowed count over lentic, without a cache and in both caching
// modes, beside RocksDB, RocksDB behind a write-back cache, and LMDB (where they are installed).
//
//   window_state_bench [--events N] [--windows N] [--keys N] [--zipf] [--late PERCENT] [--commit N]
//                      [--rounds N] [--only NAME,...]
//
// Each round runs every engine once, each in a process of its own, in ./window_state_bench.data,
// which is removed. Printed is the median of the rounds, and its ratio to the first engine of the
// table in the same round. Runs that do not end with the same rows are an error.
#include "window_state/engines.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace lentic::bench {
namespace {

constexpr const char* data_directory = "window_state_bench.data";

struct engine {
  std::string_view name;
  std::function<run_figures(const workload&, const std::string&)> run;
};

std::vector<engine> all_engines() {
  std::vector<engine> engines;
#ifdef LENTIC_BENCH_ROCKSDB
  engines.push_back({"rocksdb", run_rocksdb});
  engines.push_back({"rocksdb-cached", run_rocksdb_cached});
#endif
#ifdef LENTIC_BENCH_LMDB
  engines.push_back({"lmdb", run_lmdb});
#endif
  engines.push_back({"hash, volatile", run_hash});
  const auto lentic_with = [](lentic_cache cache, lentic_commit commit) {
    return [cache, commit](const workload& work, const std::string& directory) {
      return run_lentic(work, directory, cache, commit);
    };
  };
  engines.push_back({"lentic", lentic_with(lentic_cache::none, lentic_commit::waited)});
  engines.push_back({"lentic-kafka", lentic_with(lentic_cache::kafka, lentic_commit::overlapped)});
  engines.push_back({"lentic-fused", lentic_with(lentic_cache::fused, lentic_commit::overlapped)});
  return engines;
}

struct bench_options {
  workload_options work;
  std::uint64_t rounds = 3;
  std::string only;
};

[[noreturn]] void usage(const std::string& wrong) {
  std::fprintf(stderr,
               "window_state_bench: %s\nusage: window_state_bench [--events N] [--windows N] "
               "[--keys N] [--zipf] [--late PERCENT] [--commit N] [--rounds N] [--only NAME,...]\n",
               wrong.c_str());
  std::exit(2);
}

std::uint64_t number(std::string_view option, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 1U << 30)
    usage(std::string(option) + " wants a number from 1 to 2^30");
  return value;
}

bench_options parse(int count, char** arguments) {
  bench_options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--zipf") {
      options.work.skewed = true;
      continue;
    }
    if (i + 1 == count) usage("no option, or no value for it: " + std::string(name));
    const std::string_view value = arguments[++i];
    if (name == "--events") {
      options.work.events = number(name, value);
    } else if (name == "--keys") {
      options.work.keys = static_cast<std::uint32_t>(number(name, value));
    } else if (name == "--windows") {
      options.work.windows = number(name, value);
    } else if (name == "--late") {
      options.work.late_percent = static_cast<std::uint32_t>(number(name, value));
      if (options.work.late_percent > 100) usage("--late wants a percentage");
    } else if (name == "--commit") {
      options.work.commit_events = number(name, value);
    } else if (name == "--rounds") {
      options.rounds = number(name, value);
    } else if (name == "--only") {
      options.only = "," + std::string(value) + ",";
    } else {
      usage("no option " + std::string(name));
    }
  }
  return options;
}

[[noreturn]] void run_child(const engine& chosen, const workload& work, int to) {
  int code = 1;
  try {
    const run_figures figures = chosen.run(work, data_directory);
    if (write(to, &figures, sizeof figures) == sizeof figures) code = 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "window_state_bench: %s\n", failure.what());
  }
  std::_Exit(code);
}

// In a process of its own, so that no engine profits or suffers from another's heap.
std::optional<run_figures> run_apart(const engine& chosen, const workload& work) {
  std::filesystem::remove_all(data_directory);
  std::filesystem::create_directory(data_directory);
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) run_child(chosen, work, ends[1]);
  close(ends[1]);
  run_figures figures;
  const bool whole = read(ends[0], &figures, sizeof figures) == sizeof figures;
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::filesystem::remove_all(data_directory);
  if (!whole || status != 0) return std::nullopt;
  return figures;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct engine_results {
  std::vector<run_figures> rounds;
  std::vector<double> ratios;  // of the first engine's time in the same round to this one's

  template <class Number>
  double median(Number run_figures::*figure) const {
    std::vector<double> values;
    for (const run_figures& each : rounds) values.push_back(static_cast<double>(each.*figure));
    return bench::median(std::move(values));
  }
};

void print(const std::vector<engine>& engines, const std::vector<engine_results>& results,
           const workload& work) {
  const workload_options& options = work.options();
  std::printf(
      "%llu events, %u %% late, %s %u keys, durable commit every %llu, %llu windows, %lld "
      "retained; medians of %zu\n",
      static_cast<unsigned long long>(options.events), options.late_percent,
      options.skewed ? "zipf 0.99" : "uniform", options.keys,
      static_cast<unsigned long long>(options.commit_events),
      static_cast<unsigned long long>(options.windows), static_cast<long long>(windows_retained),
      results[0].rounds.size());
  std::printf("%-15s %9s %7s %7s %8s %8s %6s %8s %8s %8s %8s %9s\n", "engine", "k ev/s", "ratio",
              "cpu us", "commit", "p99 ms", "WA", "expiry", "fetch", "p99 us", "scan M/s",
              "changes");
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const engine_results& of = results[i];
    const auto events = static_cast<double>(options.events);
    const auto rows = static_cast<double>(of.rounds[0].rows);
    const auto put_bytes = static_cast<double>(of.rounds[0].put_bytes);
    std::printf(
        "%-15s %9.0f %6.2fx %7.2f %8.2f %8.2f %6.2f %8.2f %8.2f %8.2f %8.1f %9llu\n",
        std::string(engines[i].name).c_str(), events / of.median(&run_figures::seconds) / 1000,
        median(of.ratios), 1e6 * of.median(&run_figures::cpu_seconds) / events,
        of.median(&run_figures::commit_p50_ms), of.median(&run_figures::commit_p99_ms),
        of.median(&run_figures::written_bytes) / put_bytes, of.median(&run_figures::expiry_max_ms),
        of.median(&run_figures::fetch_p50_us), of.median(&run_figures::fetch_p99_us),
        rows / of.median(&run_figures::scan_seconds) / 1e6,
        static_cast<unsigned long long>(of.rounds[0].changes));
  }
}

int run_all(const bench_options& options) {
  std::vector<engine> engines = all_engines();
  if (!options.only.empty())
    std::erase_if(engines, [&options](const engine& each) {
      return options.only.find("," + std::string(each.name) + ",") == std::string::npos;
    });
  if (engines.empty()) usage("--only names no engine");
  const workload work(options.work);
  std::vector<engine_results> results(engines.size());
  for (std::uint64_t round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < engines.size(); ++i) {
      const std::optional<run_figures> figures = run_apart(engines[i], work);
      if (!figures) return 1;
      results[i].rounds.push_back(*figures);
      const run_figures& first = results[0].rounds.back();
      results[i].ratios.push_back(first.seconds / figures->seconds);
      if (figures->digest != first.digest || figures->rows != first.rows
          || figures->fetched != first.fetched) {
        std::fprintf(stderr, "window_state_bench: %s left other rows than %s\n",
                     std::string(engines[i].name).c_str(), std::string(engines[0].name).c_str());
        return 1;
      }
    }
  }
  print(engines, results, work);
  return 0;
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** arguments) {
  return lentic::bench::run_all(lentic::bench::parse(count, arguments));
}
