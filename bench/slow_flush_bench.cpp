// SPDX-License-Identifier: Apache-2.0
// slow_flush_bench: what is left of the speed of a volatile run when each flush takes 4 ms longer.
//
//   slow_flush_bench [EVENTS]      2,000,000 by default; three rounds, the median of each
//
// An event is get, count + 1, put on one of a million keys; every 10,000 events are a commit. The
// volatile run is the same code without a directory. "in the air" is how many commits may be under
// way before the one that cuts the next waits: 1 waits for each. The delay comes from an I/O engine
// that holds back what syncs before it hands it on, so it does not depend on the disk below.
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/thread_engine.hpp>
#include <lentic/coro/uring_engine.hpp>
#include <lentic/endian.hpp>
#include <lentic/environment.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>

namespace lentic::bench {
namespace {

constexpr const char* data_directory = "slow_flush_bench.data";
constexpr std::uint64_t keys = 1'000'000;
constexpr std::uint64_t commit_events = 10'000;
constexpr std::uint64_t turn_events = 256;

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

// Hands on what it is given; what syncs, `delay_us` later.
class slow_engine final : public coro::io_engine {
 public:
  slow_engine(coro::run_queue& queue, std::int64_t delay_us)
      : io_engine(queue), delay_us_(delay_us), inner_(make(queue)) {}

  coro::hosted_engine& inner() noexcept { return *inner_; }
  bool idle() const noexcept { return held_.empty() && inner_->idle(); }
  // Of the first that is held back; none: a second from now.
  std::int64_t next_us() const { return held_.empty() ? now_us() + 1'000'000 : held_.front().at; }

  void release() {
    while (!held_.empty() && held_.front().at <= now_us()) {
      const std::vector<coro::io_request*> chain = std::move(held_.front().chain);
      held_.pop_front();
      inner_->start_linked(chain);
    }
  }

  std::string_view name() const noexcept override { return "slow"; }
  void cancel(coro::io_request&) override {}  // stores cancel no I/O
  result<std::span<const std::byte>> map(int fd, std::size_t bytes) override {
    return inner_->map(fd, bytes);
  }
  void unmap(std::span<const std::byte> mapping) noexcept override { inner_->unmap(mapping); }
  int require_regular(int fd) noexcept override { return inner_->require_regular(fd); }
  void close_now(int fd) noexcept override { inner_->close_now(fd); }

 protected:
  void submit(std::span<coro::io_request* const> chain) override {
    const bool syncs = std::any_of(chain.begin(), chain.end(), [](const coro::io_request* each) {
      return each->kind == coro::io_kind::data_sync || each->kind == coro::io_kind::sync_directory;
    });
    if (!syncs || delay_us_ == 0) return inner_->start_linked(chain);
    held_.push_back({now_us() + delay_us_, {chain.begin(), chain.end()}});
  }

 private:
  struct held {
    std::int64_t at = 0;
    std::vector<coro::io_request*> chain;
  };

  static std::unique_ptr<coro::hosted_engine> make(coro::run_queue& queue) {
    auto ring = coro::uring_engine::create(queue);
    if (ring) return std::move(*ring);
    return std::make_unique<coro::thread_engine>(queue);
  }

  std::int64_t delay_us_;
  std::unique_ptr<coro::hosted_engine> inner_;
  std::deque<held> held_;
};

class slow_runtime final : public coro::runtime {
 public:
  explicit slow_runtime(std::int64_t delay_us) : engine_(queue_, delay_us) {}

  coro::io_engine& io() noexcept override { return engine_; }
  std::int64_t now_ms() noexcept override { return now_us() / 1000; }
  std::int64_t wall_ms() noexcept override { return now_us() / 1000; }
  std::uint64_t random() noexcept override { return random_(); }
  void start_timer(coro::timer_request&) override { std::abort(); }  // nobody waits for the lock
  void cancel_timer(coro::timer_request&) noexcept override {}
  void post(std::function<void()>) override { std::abort(); }

  bool turn() override {
    engine_.inner().mute();
    engine_.release();
    engine_.inner().flush();
    const bool ran = queue_.run_present(1000) != 0;
    engine_.inner().flush();
    if (ran || !queue_.empty()) return true;
    if (engine_.idle()) return false;
    engine_.inner().unmute();
    engine_.inner().flush();
    if (queue_.empty()) sleep();
    return true;
  }

 private:
  void sleep() {
    pollfd wake{engine_.inner().event_fd(), POLLIN, 0};
    const std::int64_t left_us = std::max<std::int64_t>(0, engine_.next_us() - now_us());
    timespec limit{left_us / 1'000'000, left_us % 1'000'000 * 1000};
    if (::ppoll(&wake, 1, &limit, nullptr) > 0) engine_.inner().clear_event();
  }

  slow_engine engine_;
  std::mt19937_64 random_{1};
};

struct load {
  std::uint64_t events = 2'000'000;
  std::uint64_t in_the_air = 1;
};

task<void> count(byte_store& store, std::uint64_t id) {
  std::array<std::byte, 28> key{};
  store_be(id * 0x9e3779b97f4a7c15U, key.data());
  std::array<std::byte, 36> value{};
  const std::optional<value_view> old = co_await store.get(key);
  if (old) std::copy_n(bytes_view(*old).begin(), value.size(), value.begin());
  store_le(load_le<std::uint64_t>(value.data()) + 1, value.data());
  co_await store.put(key, value);
}

task<double> count_all(coro::runtime& runtime, load work, std::string directory) {
  environment_options options;
  options.directory = std::move(directory);
  const std::unique_ptr<environment> env = co_await environment::open(runtime, options);
  byte_store& store = env->open_segmented_store("counts").segment(0);
  std::mt19937_64 random(7);
  std::deque<commit_sequence> in_the_air;
  const std::int64_t begin = now_us();
  for (std::uint64_t event = 1; event <= work.events; ++event) {
    co_await count(store, random() % keys);
    if (event % turn_events == 0) co_await coro::yield(runtime);
    if (event % commit_events != 0) continue;
    in_the_air.push_back(env->cut());
    if (in_the_air.size() < work.in_the_air) continue;
    co_await env->wait_durable(in_the_air.front());
    in_the_air.pop_front();
  }
  if (!in_the_air.empty()) co_await env->wait_durable(in_the_air.back());
  const double seconds = static_cast<double>(now_us() - begin) / 1e6;
  co_await env->close();
  co_return static_cast<double>(work.events) / seconds;
}

double events_per_second(load work, std::int64_t delay_us, bool durable) {
  std::filesystem::remove_all(data_directory);
  slow_runtime runtime(delay_us);
  const double speed = sync_wait(runtime, count_all(runtime, work, durable ? data_directory : ""));
  std::filesystem::remove_all(data_directory);
  return speed;
}

struct cell {
  const char* name;
  std::int64_t delay_us;
  std::uint64_t in_the_air;
  bool durable;
  std::vector<double> speeds;

  double median() {
    std::sort(speeds.begin(), speeds.end());
    return speeds.at(speeds.size() / 2);
  }
};

void measure(std::uint64_t events) {
  std::vector<cell> cells{{"volatile", 0, 1, false, {}},
                          {"durable, 1 in the air", 0, 1, true, {}},
                          {"durable, 2 in the air", 0, 2, true, {}},
                          {"+ 4 ms, 1 in the air", 4000, 1, true, {}},
                          {"+ 4 ms, 2 in the air", 4000, 2, true, {}},
                          {"+ 4 ms, 4 in the air", 4000, 4, true, {}}};
  for (int round = 0; round < 3; ++round) {
    for (cell& each : cells)
      each.speeds.push_back(
          events_per_second({events, each.in_the_air}, each.delay_us, each.durable));
  }
  const double whole = cells.front().median();
  for (cell& each : cells)
    std::printf("%-24s %8.0f thousand events/s  %3.0f %%\n", each.name, each.median() / 1000,
                100 * each.median() / whole);
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** words) {
  const std::uint64_t events = count > 1 ? std::strtoull(words[1], nullptr, 10) : 2'000'000;
  if (count > 2 || events == 0) {
    std::fputs("usage: slow_flush_bench [EVENTS]\n", stderr);
    return 2;
  }
  try {
    lentic::bench::measure(events);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "slow_flush_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
