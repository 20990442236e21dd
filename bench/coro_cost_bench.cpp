// SPDX-License-Identifier: Apache-2.0
// What a coroutine costs over a plain call: task (pooled frame), a chain of three, maybe_ready with
// and without an answer, and the frame pool against operator new. Time is for 1,000 calls, for one
// frame of the last two.
#include <lentic/coro/frame_pool.hpp>
#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/task.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

#include <benchmark/benchmark.h>

namespace lentic::coro {
namespace {

constexpr std::uint64_t calls_per_iteration = 1000;

[[gnu::noinline]] std::uint64_t plain(std::uint64_t x) {
  benchmark::DoNotOptimize(x);
  return x + 1;
}

[[gnu::noinline]] task<std::uint64_t> leaf(std::uint64_t x) {
  co_return plain(x);
}

[[gnu::noinline]] task<std::uint64_t> middle(std::uint64_t x) {
  co_return co_await leaf(x);
}

[[gnu::noinline]] task<std::uint64_t> top(std::uint64_t x) {
  co_return co_await middle(x);
}

[[gnu::noinline]] maybe_ready<std::uint64_t> ready(std::uint64_t x) {
  return plain(x);
}

[[gnu::noinline]] maybe_ready<std::uint64_t> pending(std::uint64_t x) {
  return leaf(x);
}

// Awaits Callee calls_per_iteration times; it never suspends, so it has finished on return.
template <auto Callee>
detail::detached drive(std::uint64_t& sum) {
  for (std::uint64_t i = 0; i < calls_per_iteration; ++i) {
    sum = co_await Callee(sum);
  }
}

void count_calls(benchmark::State& state) {
  const auto calls = static_cast<std::int64_t>(calls_per_iteration);
  state.SetItemsProcessed(state.iterations() * calls);
}

void plain_call(benchmark::State& state) {
  std::uint64_t sum = 0;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < calls_per_iteration; ++i) sum = plain(sum);
  }
  benchmark::DoNotOptimize(sum);
  count_calls(state);
}

template <auto Callee>
void awaited(benchmark::State& state) {
  std::uint64_t sum = 0;
  const std::uint64_t before = frame_pool::heap_allocations();
  for (auto _ : state) drive<Callee>(sum);
  benchmark::DoNotOptimize(sum);
  count_calls(state);
  state.counters["heap frames"] =
      static_cast<double>(frame_pool::heap_allocations() - before);  // in all iterations
}

void pooled_frame_pair(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* const frame = frame_pool::allocate(bytes);
    benchmark::DoNotOptimize(frame);
    frame_pool::deallocate(frame, bytes);
  }
}

void heap_frame_pair(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* const frame = ::operator new(bytes);
    benchmark::DoNotOptimize(frame);
    ::operator delete(frame);
  }
}

BENCHMARK(plain_call);
BENCHMARK(awaited<ready>)->Name("maybe_ready, ready");
BENCHMARK(awaited<pending>)->Name("maybe_ready, a task inside");
BENCHMARK(awaited<leaf>)->Name("task");
BENCHMARK(awaited<top>)->Name("task, three deep");
BENCHMARK(pooled_frame_pair)->Name("frame from the pool")->Arg(128);
BENCHMARK(heap_frame_pair)->Name("frame from the heap")->Arg(128);

}  // namespace
}  // namespace lentic::coro

int main(int count, char** words) {
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
