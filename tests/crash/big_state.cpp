// SPDX-License-Identifier: Apache-2.0
// big_state DIR fill BYTES | run | open
//
// A state of any size whose rows follow from their number: row N is in segment N / 16384, its key
// is N in 8 bytes, its value 4,000 bytes drawn from N. A commit has 256 rows, a row in a second
// store that is put over again and again, and the position, the number of rows. Full segments are
// sealed.
//
//   fill   commits rows up to BYTES, then closes
//   run    opens, prints "recovered N" and for each durable commit "ack N", until it is killed
//   open   opens, checks the position and 1,000 rows, prints figures as JSON, closes
//
// Exit codes: 0, 2 usage, 3 the state is wrong, 4 an error.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/sim_random.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/endian.hpp>
#include <lentic/environment.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace {

using lentic::as_bytes;
using lentic::as_text;
using lentic::bytes;
using lentic::environment;
using lentic::task;

constexpr std::uint64_t rows_per_segment = 16384;
constexpr std::uint64_t rows_per_commit = 256;
constexpr std::size_t value_bytes = 4000;
constexpr std::uint64_t young_bytes_max = std::uint64_t{256} << 20;
constexpr std::uint64_t rows_checked = 1000;

struct wrong_state : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bytes key_of(std::uint64_t row) {
  bytes key;
  lentic::append_be(key, row);
  return key;
}

bytes value_of(std::uint64_t row) {
  lentic::coro::sim_random random(row);
  bytes value;
  value.reserve(value_bytes);
  while (value.size() < value_bytes) lentic::append_be(value, random.next());
  return value;
}

std::uint64_t rows_of(const environment& env) {
  const auto position = env.position("rows");
  return position ? std::stoull(std::string(as_text(*position))) : 0;
}

// One commit more. Seals lag behind where the disk is slow: it waits for them.
task<void> commit_rows(environment& env, std::uint64_t first) {
  lentic::segmented_store& store = env.open_segmented_store("rows");
  for (std::uint64_t row = first; row < first + rows_per_commit; ++row) {
    const bytes key = key_of(row);
    const bytes value = value_of(row);
    co_await store.segment(row / rows_per_segment).put(key, value);
  }
  const std::uint64_t count = first + rows_per_commit;
  const std::string text = std::to_string(count);
  co_await env.open_byte_store("count").put(as_bytes("rows"), as_bytes(text));
  env.set_position("rows", as_bytes(text));
  if (count % rows_per_segment == 0) store.seal_hint(first / rows_per_segment);
  co_await env.commit();
  while (env.statistics().journal_live_bytes > young_bytes_max) {
    const std::int64_t until = env.runtime().now_ms() + 5;
    co_await lentic::coro::sleep_until(env.runtime(), until);
  }
}

task<void> check(environment& env) {
  const std::uint64_t count = rows_of(env);
  lentic::segmented_store& store = env.open_segmented_store("rows");
  lentic::coro::sim_random random(count);
  for (std::uint64_t i = 0; i < rows_checked && count != 0; ++i) {
    const std::uint64_t row = i == 0 ? count - 1 : random.below(count);
    const bytes key = key_of(row);
    const auto found = co_await store.segment(row / rows_per_segment).get(key);
    if (!found || as_text(*found) != as_text(value_of(row)))
      throw wrong_state("row " + std::to_string(row) + " of " + std::to_string(count));
  }
  const bytes key = key_of(count);
  const auto beyond = co_await store.segment(count / rows_per_segment).get(key);
  if (beyond) throw wrong_state("a row behind the last commit");
}

task<void> fill(environment& env, std::uint64_t bytes_wanted) {
  for (std::uint64_t row = rows_of(env); row * value_bytes < bytes_wanted; row += rows_per_commit)
    co_await commit_rows(env, row);
}

task<void> run(environment& env) {
  std::printf("recovered %llu\n", static_cast<unsigned long long>(rows_of(env)));
  for (std::uint64_t row = rows_of(env);; row += rows_per_commit) {
    std::fflush(stdout);
    co_await commit_rows(env, row);
    std::printf("ack %llu\n", static_cast<unsigned long long>(row + rows_per_commit));
  }
}

void print(const environment& env, double open_ms) {
  const lentic::recovery_report& report = env.recovered();
  const lentic::environment_statistics figures = env.statistics();
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"rows\": %llu, \"open_ms\": %.1f, \"frames\": %llu, \"bytes_replayed\": %llu, "
      "\"runs\": %llu, \"run_bytes\": %llu, \"quarantined\": %llu}\n",
      number(rows_of(env)), open_ms, number(report.frames_replayed), number(report.bytes_replayed),
      number(figures.runs), number(figures.run_bytes), number(figures.runs_quarantined));
}

task<void> work(lentic::coro::runtime& runtime, std::string directory, std::string verb,
                std::uint64_t bytes_wanted) {
  lentic::environment_options options;
  options.directory = directory;
  const auto begun = std::chrono::steady_clock::now();
  const auto env = co_await environment::open(runtime, options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
  if (verb == "fill") co_await fill(*env, bytes_wanted);
  if (verb == "run") co_await run(*env);
  if (verb == "open") {
    print(*env, took.count());
    co_await check(*env);
  }
  co_await env->close();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view verb = count > 2 ? arguments[2] : "";
  const bool is_fill = verb == "fill" && count == 4;
  if (!is_fill && (count != 3 || (verb != "run" && verb != "open"))) {
    std::fprintf(stderr, "usage: big_state DIR fill BYTES | run | open\n");
    return 2;
  }
  try {
    asio::io_context context(1);
    lentic::coro::asio_runtime runtime(context);
    const std::uint64_t wanted = is_fill ? std::strtoull(arguments[3], nullptr, 10) : 0;
    sync_wait(runtime, work(runtime, arguments[1], std::string(verb), wanted));
    return 0;
  } catch (const wrong_state& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
