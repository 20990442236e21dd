// SPDX-License-Identifier: Apache-2.0
// What an answer from memory costs over the bare lookup in the same container: a plain get(), one
// awaited in a task, and one through as_awaitable in an Asio coroutine. 1,024 rows of 16-byte keys
// and 8-byte values, all hits; time is for 1,000 lookups, allocations for all iterations after the
// first. Asio's are those of co_spawn, once for 1,000 lookups.
#include "allocation_count.hpp"
#include "young_table.hpp"

#include <lentic/coro/as_awaitable.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/store/memory_store.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace lentic {
namespace {

constexpr std::size_t rows = 1024;
constexpr std::size_t lookups = 1000;

class rows_to_look_up {
 public:
  rows_to_look_up() {
    for (std::size_t i = 0; i < rows; ++i) {
      const std::string number = std::to_string(i * 7919 % rows);
      keys_.push_back(std::string(16 - number.size(), '0') + number);
    }
    for (const std::string& key : keys_) {
      table_.put(as_bytes(key), as_bytes("12345678"));
      store_.put(as_bytes(key), as_bytes("12345678")).take();
    }
  }
  bytes_view key(std::size_t i) const { return as_bytes(keys_[i]); }
  detail::young_table& table() { return table_; }
  byte_store& store() { return store_; }

 private:
  std::vector<std::string> keys_;
  detail::young_table table_{young_layout::hashed};
  memory_store store_{young_layout::hashed};
};

[[gnu::noinline]] std::uint64_t look_up_bare(rows_to_look_up& with, asio::io_context&) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < lookups; ++i) bytes += with.table().find(with.key(i))->value().size();
  return bytes;
}

[[gnu::noinline]] std::uint64_t look_up_plainly(rows_to_look_up& with, asio::io_context&) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < lookups; ++i) bytes += with.store().get(with.key(i)).take()->size();
  return bytes;
}

// Never suspends, so it has finished on return.
coro::detail::detached await_all(rows_to_look_up& with, std::uint64_t& bytes) {
  for (std::size_t i = 0; i < lookups; ++i) {
    const std::optional<value_view> found = co_await with.store().get(with.key(i));
    bytes += found->size();
  }
}

[[gnu::noinline]] std::uint64_t look_up_in_a_task(rows_to_look_up& with, asio::io_context&) {
  std::uint64_t bytes = 0;
  await_all(with, bytes);
  return bytes;
}

using executor = asio::io_context::executor_type;

asio::awaitable<void, executor> await_all_in_asio(rows_to_look_up& with, std::uint64_t& bytes) {
  for (std::size_t i = 0; i < lookups; ++i) {
    maybe_ready<std::optional<value_view>> lookup = with.store().get(with.key(i));
    const auto found = co_await coro::as_awaitable<executor>(std::move(lookup));
    bytes += found->size();
  }
}

[[gnu::noinline]] std::uint64_t look_up_in_asio(rows_to_look_up& with, asio::io_context& context) {
  std::uint64_t bytes = 0;
  asio::co_spawn(context, await_all_in_asio(with, bytes), asio::detached);
  context.restart();
  context.run();
  return bytes;
}

template <auto LookUp>
void measured(benchmark::State& state) {
  rows_to_look_up with;
  asio::io_context context(1);
  std::uint64_t bytes = LookUp(with, context);
  const std::uint64_t before = test::allocation_count();
  for (auto _ : state) bytes += LookUp(with, context);
  state.counters["allocations"] = static_cast<double>(test::allocation_count() - before);
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lookups));
}

BENCHMARK(measured<look_up_bare>)->Name("bare lookup");
BENCHMARK(measured<look_up_plainly>)->Name("get, plain call");
BENCHMARK(measured<look_up_in_a_task>)->Name("get, awaited in a task");
BENCHMARK(measured<look_up_in_asio>)->Name("get, as_awaitable in Asio");

}  // namespace
}  // namespace lentic

int main(int count, char** words) {
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
