// SPDX-License-Identifier: Apache-2.0
// window_state_bench: a durable windowed count over lentic, without a cache and in both caching
// modes, beside the stores that are installed (RocksDB, LevelDB, LMDB) and maps in memory. --help
// lists the options.
//
// Each round runs every engine once, each in a process of its own, in ./window_state_bench.data,
// which is removed. Printed is the median of the rounds, and its ratio to the first engine of the
// table in the same round. Runs that do not end with the same rows are an error. Where a bare flush
// is too slow to tell stores apart nothing is measured, and the exit code is 77.
#include "window_state/conditions.hpp"
#include "window_state/engines.hpp"
#include "window_state/options.hpp"
#include "window_state/table.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
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
constexpr int exit_skipped = 77;  // as for test programs

struct engine {
  std::string_view name;
  std::function<run_figures(const workload&, const std::string&)> run;
};

std::vector<engine> all_engines() {
  std::vector<engine> engines;
#ifdef LENTIC_BENCH_ROCKSDB
  engines.push_back({"rocksdb", run_rocksdb});
  engines.push_back({"rocksdb-cached", run_rocksdb_cached});
  engines.push_back({"rocksdb-flushed", run_rocksdb_flushed});
#endif
#ifdef LENTIC_BENCH_LEVELDB
  engines.push_back({"leveldb", run_leveldb});
#endif
#ifdef LENTIC_BENCH_LMDB
  engines.push_back({"lmdb", run_lmdb});
  engines.push_back({"lmdb-writemap", run_lmdb_writemap});
#endif
  engines.push_back({"hash, volatile", run_hash});
  engines.push_back({"map, volatile", run_ordered_map});
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

bool same_rows(const run_figures& one, const run_figures& other) {
  return one.digest == other.digest && one.rows == other.rows && one.fetched == other.fetched;
}

// False when a run failed, or left other rows than the first engine's.
bool run_round(const std::vector<engine>& engines, const workload& work,
               std::vector<engine_results>& results) {
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const std::string name(engines[i].name);
    const std::optional<run_figures> figures = run_apart(engines[i], work);
    if (!figures) {
      std::fprintf(stderr, "window_state_bench: %s failed\n", name.c_str());
      return false;
    }
    results[i].name = engines[i].name;
    results[i].rounds.push_back(*figures);
    const run_figures& first = results[0].rounds.back();
    results[i].ratios.push_back(first.seconds / figures->seconds);
    if (!same_rows(first, *figures)) {
      std::fprintf(stderr, "window_state_bench: %s left other rows than %s\n", name.c_str(),
                   std::string(engines[0].name).c_str());
      return false;
    }
  }
  return true;
}

bool can_measure(bool busy) {
  const bench_conditions found = measure_conditions(".");
  std::printf("%s\n", described(found).c_str());
  if (busy || found.flush_p50_ms <= flush_p50_ms_max) return true;
  std::fprintf(
      stderr,
      "SKIPPED: a flush of 4 KiB takes %.1f ms here: the scheduler's time or a slow disk's, "
      "not a store's. Try `chrt -f 50`, an idle machine, or --busy\n",
      found.flush_p50_ms);
  return false;
}

int run_all(const bench_options& options) {
  std::vector<engine> engines = all_engines();
  std::erase_if(engines, [&options](const engine& each) { return !options.wants(each.name); });
  if (engines.empty()) usage("--only names no engine");
  for (const workload_options& cell : options.cells) {
    if (!can_measure(options.busy)) return exit_skipped;
    const workload work(cell);
    std::vector<engine_results> results(engines.size());
    for (std::uint64_t round = 0; round < options.rounds; ++round) {
      if (!run_round(engines, work, results)) return 1;
    }
    print_table(results, work);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** arguments) {
  return lentic::bench::run_all(lentic::bench::parse(count, arguments));
}
