// SPDX-License-Identifier: Apache-2.0
// window_store: put and fetch of single windows, 1,000 keys, 16 B values, hours of one day, over
// memory_segments, over an environment in memory, and over one on disk with a commit (one
// fdatasync) every 1,000 puts. Time is for 1,000 puts or fetches, and a commit.
// The environment on disk is ./store_put_bench.state: run it in an empty directory of the file
// system that is to be measured.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <benchmark/benchmark.h>

namespace lentic {
namespace {

using windows::segmented_window_store;
using windows::window_store;
using windows::window_store_options;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::uint64_t key_count = 1000;
constexpr std::int64_t hours = 24;
constexpr std::uint64_t round_operations = 1000;  // one iteration, and one commit

window_store_options hourly() {
  window_store_options options;
  options.window_size_ms = hour_ms;
  options.retention_ms = hours * hour_ms;
  return options;
}

// Keys in an order that repeats after all of them, with a stride that touches far-apart ones.
class workload {
 public:
  workload() : value_(16, std::byte{7}) {
    for (std::uint64_t i = 0; i < key_count; ++i)
      keys_.push_back("key-" + std::to_string(100'000 + i * 379 % key_count));
  }
  bytes_view key() const { return as_bytes(keys_[at_ % key_count]); }
  std::int64_t start_ms() const {
    return static_cast<std::int64_t>(at_ / key_count) % hours * hour_ms;
  }
  bytes_view value() const { return value_; }
  void step() noexcept { ++at_; }

 private:
  std::vector<std::string> keys_;
  bytes value_;
  std::uint64_t at_ = 0;
};

task<> put_round(window_store& store, workload& work) {
  for (std::uint64_t i = 0; i < round_operations; ++i) {
    co_await store.put(work.key(), work.start_ms(), work.value());
    work.step();
  }
}

task<> fetch_round(window_store& store, workload& work) {
  for (std::uint64_t i = 0; i < round_operations; ++i) {
    const std::optional<value_view> found = co_await store.fetch(work.key(), work.start_ms());
    benchmark::DoNotOptimize(found);
    work.step();
  }
}

task<> fill(window_store& store, workload& work) {
  for (std::int64_t i = 0; i < hours; ++i) co_await put_round(store, work);
}

void count_operations(benchmark::State& state) {
  const auto operations = static_cast<std::int64_t>(round_operations);
  state.SetItemsProcessed(state.iterations() * operations);
}

// What the benchmarks run in; the runtime serves whoever awaits, also in memory.
struct world {
  world() : context(1), runtime(context) {}
  std::unique_ptr<environment> open(const std::string& directory) {
    environment_options options;
    options.directory = directory;
    return sync_wait(runtime, environment::open(runtime, options));
  }

  asio::io_context context;
  coro::asio_runtime runtime;
};

void fetch_from(benchmark::State& state, coro::runtime& runtime, segmented_store& segments) {
  segmented_window_store store(segments, hourly());
  workload work;
  sync_wait(runtime, fill(store, work));
  for (auto _ : state) sync_wait(runtime, fetch_round(store, work));
  count_operations(state);
}

void put_into(benchmark::State& state, coro::runtime& runtime, segmented_store& segments,
              environment* committed) {
  segmented_window_store store(segments, hourly());
  workload work;
  sync_wait(runtime, fill(store, work));
  if (committed != nullptr) sync_wait(runtime, committed->commit());
  const std::uint64_t before = committed != nullptr ? committed->statistics().bytes_written : 0;
  for (auto _ : state) {
    sync_wait(runtime, put_round(store, work));
    if (committed != nullptr) sync_wait(runtime, committed->commit());
  }
  count_operations(state);
  if (committed == nullptr) return;
  const std::uint64_t written = committed->statistics().bytes_written - before;
  state.counters["bytes written/put"] =
      static_cast<double>(written) / static_cast<double>(state.items_processed());
}

void put_memory_segments(benchmark::State& state) {
  world host;
  memory_segments segments;
  put_into(state, host.runtime, segments, nullptr);
}

void fetch_memory_segments(benchmark::State& state) {
  world host;
  memory_segments segments;
  fetch_from(state, host.runtime, segments);
}

void put_environment(benchmark::State& state, const std::string& directory) {
  world host;
  const std::unique_ptr<environment> env = host.open(directory);
  put_into(state, host.runtime, env->open_segmented_store("put"), env.get());
  state.counters["bytes written/put"] = static_cast<double>(env->statistics().bytes_written)
                                      / static_cast<double>(state.items_processed());
  sync_wait(host.runtime, env->close());
}

void fetch_environment(benchmark::State& state, const std::string& directory) {
  world host;
  const std::unique_ptr<environment> env = host.open(directory);
  fetch_from(state, host.runtime, env->open_segmented_store("fetch"));
  sync_wait(host.runtime, env->close());
}

BENCHMARK(put_memory_segments)->Name("put, memory_segments");
BENCHMARK(fetch_memory_segments)->Name("fetch, memory_segments");
BENCHMARK_CAPTURE(put_environment, in_memory, "")->Name("put, environment in memory");
BENCHMARK_CAPTURE(fetch_environment, in_memory, "")->Name("fetch, environment in memory");
BENCHMARK_CAPTURE(put_environment, on_disk, "store_put_bench.state")
    ->Name("put, environment on disk, commit every 1000")
    ->UseRealTime();
BENCHMARK_CAPTURE(fetch_environment, on_disk, "store_put_bench.state")
    ->Name("fetch, environment on disk");

}  // namespace
}  // namespace lentic

int main(int count, char** words) {
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  try {
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::system_error& failure) {
    std::fprintf(stderr, "store_put_bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
