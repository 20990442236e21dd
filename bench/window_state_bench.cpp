// SPDX-License-Identifier: Apache-2.0
// window_state_bench: a durable windowed count over lentic, without a cache and in both caching
// modes, beside RocksDB, RocksDB behind a write-back cache, and LMDB (where they are installed).
//
//   window_state_bench [--events N] [--keys N] [--zipf] [--commit N] [--rounds N] [--only NAME,...]
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
  const auto lentic_with = [](lentic_cache cache) {
    return [cache](const workload& work, const std::string& directory) {
      return run_lentic(work, directory, cache);
    };
  };
  engines.push_back({"lentic", lentic_with(lentic_cache::none)});
  engines.push_back({"lentic-kafka", lentic_with(lentic_cache::kafka)});
  engines.push_back({"lentic-fused", lentic_with(lentic_cache::fused)});
  return engines;
}

struct bench_options {
  workload_options work;
  std::uint64_t rounds = 3;
  std::string only;
};

[[noreturn]] void usage(const std::string& wrong) {
  std::fprintf(stderr,
               "window_state_bench: %s\nusage: window_state_bench [--events N] [--keys N] [--zipf] "
               "[--commit N] [--rounds N] [--only NAME,...]\n",
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
  std::vector<double> seconds;
  std::vector<double> ratios;  // of the first engine's time in the same round to this one's
  run_figures last;
};

void print(const std::vector<engine>& engines, const std::vector<engine_results>& results,
           const workload& work) {
  const workload_options& options = work.options();
  std::printf(
      "%llu events, %s %u keys, durable commit every %llu, %llu windows, %lld retained\n",
      static_cast<unsigned long long>(options.events), options.skewed ? "zipf 0.99" : "uniform",
      options.keys, static_cast<unsigned long long>(options.commit_events),
      static_cast<unsigned long long>(options.windows), static_cast<long long>(windows_retained));
  std::printf("%-16s %12s %10s %12s %12s %10s\n", "engine", "k events/s", "ratio", "commit p50",
              "commit p99", "changes");
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const double seconds = median(results[i].seconds);
    std::printf("%-16s %12.0f %9.2fx %9.2f ms %9.2f ms %10llu\n",
                std::string(engines[i].name).c_str(),
                static_cast<double>(options.events) / seconds / 1000, median(results[i].ratios),
                results[i].last.commit_p50_ms, results[i].last.commit_p99_ms,
                static_cast<unsigned long long>(results[i].last.changes));
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
      results[i].last = *figures;
      results[i].seconds.push_back(figures->seconds);
      results[i].ratios.push_back(results[0].seconds.back() / figures->seconds);
      if (figures->digest != results[0].last.digest || figures->rows != results[0].last.rows) {
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
