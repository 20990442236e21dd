// SPDX-License-Identifier: Apache-2.0
// The caches alone, over a memory_store, both modes, with 10,000 and 1,000,000 keys of 20 B and
// values of 16 B, all in memory, visited in a random order that repeats. Time is for one operation:
//   update     put of a key that is dirty
//   promote    get of a key that is cached (fused: a read of the inner store)
//   first put  put of a key that is clean (fused: its old value is kept)
//   flush      flush_with_old of all, for each entry
#include <lentic/cache/caching_store.hpp>
#include <lentic/cache/named_cache.hpp>
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/store/memory_store.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

namespace lentic {
namespace {

constexpr std::uint64_t roomy = std::uint64_t{1} << 40;
constexpr std::size_t value_bytes = 16;

// One behind the other, so that reading them costs nothing.
using key_text = std::array<char, 20>;

std::vector<key_text> keys_in_random_order(std::int64_t count) {
  std::vector<key_text> keys(static_cast<std::size_t>(count));
  std::int64_t number = 1'000'000'000'000'000;
  for (key_text& each : keys) {
    const std::string text = "key-" + std::to_string(number += 7919);
    std::copy_n(text.begin(), each.size(), each.begin());
  }
  std::mt19937_64 random(1);
  std::shuffle(keys.begin(), keys.end(), random);
  return keys;
}

bytes_view view(const key_text& key) {
  return as_bytes(std::string_view(key.data(), key.size()));
}

struct world {
  world(caching mode, std::int64_t count)
      : runtime(context), budget(runtime.queue(), roomy), keys(keys_in_random_order(count)) {
    store = make_caching_store(mode, rows, budget, "cache");
    put_all();
  }
  void put_all() {
    for (const key_text& key : keys) store->put(view(key), value).take();
  }
  bytes_view next() {
    if (++at == keys.size()) at = 0;
    return view(keys[at]);
  }

  asio::io_context context{1};
  coro::asio_runtime runtime;
  memory_store rows;
  thread_cache budget;
  std::vector<key_text> keys;
  bytes value = bytes(value_bytes, std::byte{7});
  std::unique_ptr<caching_store> store;
  std::size_t at = 0;
};

void update(benchmark::State& state, caching mode) {
  world here(mode, state.range(0));
  for (auto _ : state) here.store->put(here.next(), here.value).take();
}

void promote(benchmark::State& state, caching mode) {
  world here(mode, state.range(0));
  for (auto _ : state) {
    const auto found = here.store->get(here.next()).take();
    benchmark::DoNotOptimize(found);
  }
}

// The cache without the store around it.
void update_named(benchmark::State& state) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  thread_cache budget(runtime.queue(), roomy);
  named_cache cache(budget, "cache");
  const std::vector<key_text> keys = keys_in_random_order(state.range(0));
  const bytes value(value_bytes, std::byte{7});
  const record_context none;
  for (const key_text& key : keys) cache.put(view(key), value, entry_state::dirty, none);
  std::size_t at = 0;
  for (auto _ : state) {
    cache.put(view(keys[at]), value, entry_state::dirty, none);
    if (++at == keys.size()) at = 0;
  }
}

// One iteration is a round: all keys are put, and drained.
void round_of(benchmark::State& state, caching mode, bool time_the_flush) {
  world here(mode, state.range(0));
  sync_wait(here.runtime, here.store->flush_with_old());
  for (auto _ : state) {
    const auto started = std::chrono::steady_clock::now();
    here.put_all();
    const auto dirty = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(sync_wait(here.runtime, here.store->flush_with_old()));
    const auto clean = std::chrono::steady_clock::now();
    const std::chrono::duration<double> taken = time_the_flush ? clean - dirty : dirty - started;
    state.SetIterationTime(taken.count() / static_cast<double>(state.range(0)));
  }
}

void flush(benchmark::State& state, caching mode) {
  round_of(state, mode, true);
}
void touch(benchmark::State& state, caching mode) {
  round_of(state, mode, false);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(10'000)->Arg(1'000'000)->ArgName("keys");
}
void rounds(benchmark::internal::Benchmark* bench) {
  sizes(bench);
  bench->UseManualTime()->Iterations(3);
}

BENCHMARK(update_named)->Name("update, named_cache")->Apply(sizes);
BENCHMARK_CAPTURE(update, kafka, caching::kafka)->Name("update, kafka")->Apply(sizes);
BENCHMARK_CAPTURE(update, fused, caching::fused)->Name("update, fused")->Apply(sizes);
BENCHMARK_CAPTURE(promote, kafka, caching::kafka)->Name("promote, kafka")->Apply(sizes);
BENCHMARK_CAPTURE(promote, fused, caching::fused)->Name("get, fused")->Apply(sizes);
BENCHMARK_CAPTURE(touch, kafka, caching::kafka)->Name("first put, kafka")->Apply(rounds);
BENCHMARK_CAPTURE(touch, fused, caching::fused)->Name("first put, fused")->Apply(rounds);
BENCHMARK_CAPTURE(flush, kafka, caching::kafka)->Name("flush_with_old, kafka")->Apply(rounds);
BENCHMARK_CAPTURE(flush, fused, caching::fused)->Name("flush_with_old, fused")->Apply(rounds);

}  // namespace
}  // namespace lentic

int main(int count, char** words) {
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
