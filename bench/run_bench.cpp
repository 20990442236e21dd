// SPDX-License-Identifier: Apache-2.0
// A run of 1,000,000 window rows: keys of 28 bytes (16 random, five window starts, sequence
// number), values of 36 bytes; in memory, as a mapped file that is resident. get: single keys in
// random order, all there or all absent. scan: every row through a cursor, forward; "cold" opens
// the run anew, so that each block's checksum is computed; "merged" has a young table of 1,000 rows
// above. of_memcpy is the time of a memcpy of the same keys and values, measured beside each
// iteration, over the time of the scan.
#include "crc32c.hpp"
#include "run_file.hpp"
#include "young_table.hpp"

#include <lentic/endian.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include <benchmark/benchmark.h>

namespace lentic::detail {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t row_count = 1'000'000;
constexpr std::size_t key_bytes = 28;
constexpr std::size_t value_bytes = 36;
using key_type = std::array<std::byte, key_bytes>;

class bench_run final : public layered {
 public:
  bench_run() {
    std::mt19937_64 random(1);
    std::set<key_type> keys;
    while (keys.size() < row_count) keys.insert(random_key(random));
    run_writer writer{run_identity()};
    for (const key_type& key : keys) writer.add(key, bytes(value_bytes, key[0]));
    while (!writer.finish()) {
    }
    raw = writer.take();
    present.assign(keys.begin(), keys.end());
    std::shuffle(present.begin(), present.end(), random);
    while (absent.size() < row_count) absent.push_back(random_key(random));
    for (std::size_t i = 0; i < 1000; ++i) young.put(absent[i], bytes(value_bytes));
    open();
  }

  void open() { run = run_reader::open(raw, run_identity(), "bench.run").value(); }
  std::vector<row_layer*> layers() override {
    if (is_merged) return {&young, run.get()};
    return {run.get()};
  }
  std::optional<std::uint64_t> version() const override { return 0; }

  bytes raw;
  std::unique_ptr<run_reader> run;
  young_table young{young_layout::hashed};
  bool is_merged = false;
  std::vector<key_type> present;
  std::vector<key_type> absent;

 private:
  static key_type random_key(std::mt19937_64& random) {
    key_type key{};
    store_be(random(), key.data());
    store_be(random(), key.data() + 8);
    store_be(random() % 5 * 60'000, key.data() + 16);
    return key;
  }
};

bench_run& shared_run() {
  static bench_run made;
  return made;
}

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

void get(benchmark::State& state, const std::vector<key_type>& keys) {
  run_reader& run = *shared_run().run;
  std::size_t at = 0;
  std::uint64_t found = 0;
  for (auto _ : state) {
    found += run.find(keys[at]).has_value() ? 1U : 0U;
    if (++at == keys.size()) at = 0;
  }
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(state.iterations());
}

void scan(benchmark::State& state, bool is_cold, bool is_merged) {
  bench_run& data = shared_run();
  data.is_merged = is_merged;
  constexpr std::size_t logical = row_count * (key_bytes + value_bytes);
  const bytes source(logical, std::byte{1});
  bytes target(logical);
  double scanned = 0;
  double copied = 0;
  for (auto _ : state) {
    if (is_cold) data.open();
    auto start = clock::now();
    std::uint64_t sum = 0;
    cursor rows = make_merge_cursor(data, everything(), direction::forward);
    for (;;) {
      const std::span<const row> block = rows.next().take();
      if (block.empty()) break;
      for (const row& each : block)
        sum += each.key.size() + std::to_integer<unsigned>(each.value[0]);
    }
    benchmark::DoNotOptimize(sum);
    const double once = seconds_since(start);
    state.SetIterationTime(once);
    scanned += once;
    start = clock::now();
    std::memcpy(target.data(), source.data(), logical);
    benchmark::DoNotOptimize(target.data());
    copied += seconds_since(start);
  }
  const auto passes = static_cast<double>(state.iterations());
  state.counters["rows/s"] = static_cast<double>(row_count) * passes / scanned;
  state.counters["MB/s"] = static_cast<double>(logical) / 1e6 * passes / scanned;
  state.counters["of_memcpy"] = copied / scanned;
}

void checksum(benchmark::State& state) {
  const bytes block(4096, std::byte{5});
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(block));
  state.SetBytesProcessed(state.iterations() * 4096);
}

void sizes(benchmark::State& state) {
  const bench_run& data = shared_run();
  for (auto _ : state) benchmark::DoNotOptimize(data.run->memory_bytes());
  state.counters["disk/logical"] =
      static_cast<double>(data.raw.size()) / static_cast<double>(data.run->row_bytes());
  state.counters["memory B/row"] =
      static_cast<double>(data.run->memory_bytes()) / static_cast<double>(data.run->rows());
}

void get_hit(benchmark::State& state) {
  get(state, shared_run().present);
}
void get_miss(benchmark::State& state) {
  get(state, shared_run().absent);
}
void scan_warm(benchmark::State& state) {
  scan(state, false, false);
}
void scan_cold(benchmark::State& state) {
  scan(state, true, false);
}
void scan_merged(benchmark::State& state) {
  scan(state, false, true);
}

BENCHMARK(sizes)->Iterations(1);
BENCHMARK(checksum);
BENCHMARK(get_hit);
BENCHMARK(get_miss);
BENCHMARK(scan_warm)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(scan_cold)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(scan_merged)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lentic::detail

BENCHMARK_MAIN();
