// SPDX-License-Identifier: Apache-2.0
// What a read of 4 KiB costs that the page cache answers, 32 in flight: into memory that the engine
// lends (pinned, on the ring) beside memory from the heap. Time is for 32 reads.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/file.hpp>
#include <lentic/coro/io_buffer.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

namespace lentic::coro {
namespace {

constexpr std::uint64_t file_bytes = std::uint64_t{16} << 20;
constexpr std::size_t read_bytes = 4096;
constexpr int in_flight = 32;

struct place {
  asio::io_context context;
  asio_runtime runtime{context};
  std::string path = "/tmp/lentic-ring-read-XXXXXX";
  std::optional<file> from;
};

task<void> read_lent(place& at, std::uint64_t offset) {
  const io_buffer buffer(at.runtime.io(), read_bytes);
  const std::span<std::byte> to = buffer.span();
  co_await at.from->read(to, offset);
}

task<void> read_allocated(place& at, std::uint64_t offset) {
  const std::unique_ptr<std::byte[]> buffer(new std::byte[read_bytes]);
  const std::span<std::byte> to(buffer.get(), read_bytes);
  co_await at.from->read(to, offset);
}

task<void> burst(place& at, std::uint64_t& next, bool lent) {
  scope reads(at.runtime.queue());
  for (int i = 0; i < in_flight; ++i) {
    next = (next + 7 * read_bytes) % file_bytes;
    reads.spawn(lent ? read_lent(at, next) : read_allocated(at, next));
  }
  co_await reads.join();
}

void reads(benchmark::State& state, bool lent) {
  place at;
  const int fd = ::mkstemp(at.path.data());
  const std::string content(file_bytes, 'x');
  if (fd < 0 || ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(file_bytes))
    return state.SkipWithError("no room for the file");
  ::unlink(at.path.c_str());
  io_counters counters;
  at.from.emplace(descriptor(at.runtime.io(), fd, at.path, &counters));
  std::uint64_t next = 0;
  for (auto _ : state) sync_wait(at.runtime, burst(at, next, lent));
  state.SetItemsProcessed(state.iterations() * in_flight);
  state.SetLabel(std::string(at.runtime.io().name()));
  at.from.reset();
}

BENCHMARK_CAPTURE(reads, lent, true);
BENCHMARK_CAPTURE(reads, allocated, false);

}  // namespace
}  // namespace lentic::coro

BENCHMARK_MAIN();
