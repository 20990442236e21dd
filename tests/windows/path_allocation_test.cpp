// SPDX-License-Identifier: Apache-2.0
// The way of a record through window, cache, outbox and commit to its reader, in which the n-th
// allocation fails, for n = 1, 2, ... until the script ends before it. An executable of its own,
// with failing_new.cpp. What the simulated disk allocates is not counted, and coroutine frames
// are, because their pool is emptied first.
#include "failing_new.hpp"
#include "path_life.hpp"

#include <lentic/coro/frame_pool.hpp>
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_engine.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace lentic::test {
namespace {

// A simulated disk behind a door at which counting stops.
class uncounted_engine final : public coro::io_engine {
 public:
  uncounted_engine(coro::run_queue& queue, coro::sim_disk& disk, std::uint64_t seed)
      : io_engine(queue), inner_(queue, disk, seed) {}

  std::string_view name() const noexcept override { return inner_.name(); }
  void cancel(coro::io_request& request) override {
    const not_counted here;
    inner_.cancel(request);
  }
  coro::result<std::span<const std::byte>> map(int fd, std::size_t bytes) override {
    const not_counted here;
    return inner_.map(fd, bytes);
  }
  void unmap(std::span<const std::byte> mapping) noexcept override { inner_.unmap(mapping); }
  int require_regular(int fd) noexcept override {
    const not_counted here;
    return inner_.require_regular(fd);
  }
  void close_now(int fd) noexcept override {
    const not_counted here;
    inner_.close_now(fd);
  }
  bool step() {
    const not_counted here;
    return inner_.step();
  }
  void kill() {
    const not_counted here;
    inner_.kill();
  }

 private:
  void submit(std::span<coro::io_request* const> chain) override {
    const not_counted here;
    inner_.start_linked(chain);
  }

  coro::sim_engine inner_;
};

// No timers: nothing in the script waits for time.
class uncounted_runtime final : public coro::runtime {
 public:
  uncounted_runtime(coro::sim_disk& disk, std::uint64_t seed) : engine_(queue_, disk, seed) {}
  ~uncounted_runtime() override {
    while (open_ends() != 0 && turn()) {
    }
  }

  uncounted_engine& engine() noexcept { return engine_; }
  coro::io_engine& io() noexcept override { return engine_; }
  std::int64_t now_ms() noexcept override { return 1'000; }
  std::int64_t wall_ms() noexcept override { return 1'000'000'000'000; }
  std::uint64_t random() noexcept override { return ++random_; }
  void start_timer(coro::timer_request&) override { std::abort(); }
  void cancel_timer(coro::timer_request&) noexcept override { std::abort(); }
  void post(std::function<void()>) override { std::abort(); }
  bool turn() override { return queue_.run_one() || engine_.step(); }

 private:
  uncounted_engine engine_;
  std::uint64_t random_ = 0;
};

enum class remedy { go_on, close_and_open, kill_and_open };
constexpr remedy remedies[] = {remedy::go_on, remedy::close_and_open, remedy::kill_and_open};

class PathAllocation : public testing::TestWithParam<path_case> {
 protected:
  struct ending {
    std::string delivered;
    std::string stored;
    int failures = 0;
    bool reached = false;
  };

  // One user over all lives that it takes.
  ending work(remedy cure, std::uint64_t nth) {
    coro::sim_disk disk(nth);
    ending end;
    coro::frame_pool::drain();
    fail_at = allocations + nth;
    const std::uint64_t limit = fail_at;
    for (int lives = 1; !live(disk, cure, end); ++lives) {
      if (lives < 4) continue;
      ADD_FAILURE() << "it never came to an end";
      break;
    }
    fail_at = 0;
    end.reached = allocations >= limit;
    return end;
  }

 private:
  template <class Work>
  static bool survives(ending& end, Work operation) {
    try {
      operation();
      return true;
    } catch (const std::bad_alloc&) {
      ++end.failures;
    } catch (const std::system_error&) {
      ++end.failures;
    }
    return false;
  }

  static bool live(coro::sim_disk& disk, remedy cure, ending& end) {
    ++exempt;  // until the life begins
    uncounted_runtime runtime(disk, 1);
    path_life life(runtime, GetParam(), end.delivered);
    --exempt;
    bool done = survives(end, [&] { life.open(); });
    bool opened = done;
    while (opened) {
      done = survives(end, [&] { run_to_end(life); });
      if (done || life.job().poisoned() || cure != remedy::go_on) break;
    }
    if (done) {
      const not_counted here;
      end.stored = life.stored();
    }
    if (!done && cure == remedy::kill_and_open) runtime.engine().kill();
    if (done) survives(end, [&] { life.close(); });
    return done;
  }
};

TEST_P(PathAllocation, TheReaderIsToldEachChangeOnceWhateverAllocationFails) {
  constexpr std::uint64_t never = 1'000'000'000;
  const ending undisturbed = work(remedy::go_on, never);
  ASSERT_EQ(complaint(GetParam(), undisturbed.delivered), "");
  ASSERT_EQ(undisturbed.failures, 0);
  std::uint64_t nth = 1;
  int failures = 0;
  for (bool reached = true; reached; ++nth) {
    for (const remedy cure : remedies) {
      SCOPED_TRACE(testing::Message()
                   << "allocation " << nth << ", remedy " << static_cast<int>(cure));
      const ending end = work(cure, nth);
      ASSERT_EQ(complaint(GetParam(), end.delivered), "");
      ASSERT_EQ(end.stored, undisturbed.stored);
      reached = end.reached;
      failures += end.failures;
    }
  }
  EXPECT_GT(nth, 300U) << "the script allocates more than that";
  EXPECT_GT(failures, 300) << "hardly any failure was seen";
}

INSTANTIATE_TEST_SUITE_P(Paths, PathAllocation, testing::ValuesIn(path_cases()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace lentic::test
