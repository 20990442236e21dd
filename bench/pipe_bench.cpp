// SPDX-License-Identifier: Apache-2.0
// A pipe of three stages with a windowed count, beside the same loop written by hand over the same
// windowed_aggregation: filter, map_values, group_by_key, tumbling minutes, count, a sum of what
// comes out. 1,000 keys of 10 bytes, an environment in memory; time is for 1,000 records.
// Instructions: valgrind --tool=callgrind --toggle-collect='*pipe_round*' (or '*loop_round*').
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/endian.hpp>
#include <lentic/environment.hpp>
#include <lentic/process/pipe.hpp>
#include <lentic/windows/segmented_window_store.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace lentic {
namespace {

using namespace std::chrono_literals;
using in_record = process::record<std::string, std::int64_t>;

constexpr std::size_t round_records = 1000;

bool is_wanted(std::int64_t value) {
  return value != 3;
}
double scaled(std::int64_t value) {
  return static_cast<double>(value) * 0.5;
}

// An environment in memory, and records whose time moves on by 20 s a round.
class world {
 public:
  world() : env_(sync_wait(runtime_, environment::open(runtime_, environment_options()))) {
    for (std::size_t i = 0; i < round_records; ++i)
      keys_.push_back("key-" + std::to_string(100'000 + i * 379 % round_records));
  }
  ~world() { sync_wait(runtime_, env_->close()); }
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  environment& env() noexcept { return *env_; }
  coro::runtime& runtime() noexcept { return runtime_; }
  const std::string& key(std::size_t i) const noexcept { return keys_[i]; }
  std::int64_t time_ms(std::size_t i) const noexcept {
    return round_ * 20'000 + static_cast<std::int64_t>(i);
  }
  void next_round() noexcept { ++round_; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime runtime_{disk_, 1};
  std::unique_ptr<environment> env_;
  std::vector<std::string> keys_;
  std::int64_t round_ = 0;
};

[[gnu::noinline]] void pipe_round(world& around, process::stream_task& job,
                                  process::source<std::string, std::int64_t>& in, in_record& next) {
  for (std::size_t i = 0; i < round_records; ++i) {
    next.key = around.key(i);
    next.value = static_cast<std::int64_t>(i % 7);
    next.timestamp_ms = around.time_ms(i);
    job.process(in, next).take();
  }
  around.next_round();
}

void pipe(benchmark::State& state) {
  world around;
  std::int64_t sum = 0;
  process::topology work;
  work.source<std::string, std::int64_t>("in") | process::filter(is_wanted)
      | process::map_values(scaled) | process::group_by_key()
      | windows::windowed_by(windows::tumbling(1min)) | windows::count("counts")
      | process::to_stream() | process::for_each([&sum](std::int64_t count) { sum += count; });
  process::stream_task job(around.env(), std::move(work));
  sync_wait(around.runtime(), job.open());
  auto& in = job.source_of<std::string, std::int64_t>("in");
  in_record next;
  for (auto _ : state) pipe_round(around, job, in, next);
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(round_records));
}
BENCHMARK(pipe)->Unit(benchmark::kMicrosecond);

// What the user of windowed_aggregation writes.
struct count_records {
  std::int64_t count = 0;
  result<void> operator()(std::optional<bytes_view> old, bytes& out) {
    count = old ? load_be<std::int64_t>(old->data()) + 1 : 1;
    append_be(out, count);
    return {};
  }
};

[[gnu::noinline]] void loop_round(world& around, windows::windowed_aggregation& counts,
                                  double& weight, std::int64_t& sum) {
  count_records update;
  for (std::size_t i = 0; i < round_records; ++i) {
    const auto value = static_cast<std::int64_t>(i % 7);
    if (!is_wanted(value)) continue;
    weight = scaled(value);
    const auto done = counts.process(as_bytes(around.key(i)), around.time_ms(i), update).take();
    if (done.has_value() && done->accepted != 0) sum += update.count;
  }
  counts.expire().take();
  around.next_round();
}

void loop(benchmark::State& state) {
  world around;
  windows::window_store_options options;
  options.window_size_ms = 60'000;
  options.retention_ms = 60'000;
  windows::segmented_window_store store(around.env().open_segmented_store("counts"), options);
  windows::windowed_aggregation counts(store, windows::tumbling(1min).windows(),
                                       windows::emit_strategy::on_update);
  double weight = 0;
  std::int64_t sum = 0;
  for (auto _ : state) loop_round(around, counts, weight, sum);
  benchmark::DoNotOptimize(weight);
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(round_records));
}
BENCHMARK(loop)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lentic

BENCHMARK_MAIN();
