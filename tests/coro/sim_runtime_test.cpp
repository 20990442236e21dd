// SPDX-License-Identifier: Apache-2.0
// Virtual time, determinism, and how a job ends when the power goes.
#include "sim_support.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::coro::sim_test {
namespace {

task<void> sleep_and_note(runtime& owner, std::int64_t deadline_ms, std::vector<std::int64_t>& woke,
                          stop_token stop) {
  co_await sleep_until(owner, deadline_ms, stop);
  woke.push_back(deadline_ms);
}

TEST(SimRuntime, TimeJumpsFromTimerToTimerInOrder) {
  sim_disk disk(1);
  sim_runtime owner(disk, 1);
  const std::int64_t start = owner.now_ms();
  const std::int64_t wall = owner.wall_ms();
  scope sleepers(owner.queue());
  std::vector<std::int64_t> woke;
  for (const std::int64_t delay : {3'600'000, 5, 70}) {
    sleepers.spawn(sleep_and_note(owner, start + delay, woke, {}));
  }
  sync_wait(owner, sleepers.join());
  EXPECT_EQ(woke, (std::vector<std::int64_t>{start + 5, start + 70, start + 3'600'000}));
  EXPECT_EQ(owner.now_ms(), start + 3'600'000);
  EXPECT_EQ(owner.wall_ms(), wall + 3'600'000);
}

TEST(SimRuntime, AStoppedSleepEndsBeforeItsTime) {
  sim_disk disk(1);
  sim_runtime owner(disk, 1);
  const std::int64_t start = owner.now_ms();
  scope sleepers(owner.queue());
  stop_source source;
  std::vector<std::int64_t> woke;
  sleepers.spawn(sleep_and_note(owner, start + 1000, woke, stop_token(source)));
  source.request_stop();
  sync_wait(owner, sleepers.join());
  EXPECT_EQ(owner.now_ms(), start);
  EXPECT_EQ(woke.size(), 1U);
}

TEST(SimRuntime, PostsRunInTheNextTurnInOrder) {
  sim_disk disk(1);
  sim_runtime owner(disk, 1);
  std::vector<int> order;
  owner.post([&] {
    order.push_back(1);
    owner.post([&] { order.push_back(3); });
  });
  owner.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(owner.turn());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_TRUE(owner.turn());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(owner.turn());
}

TEST(SimRuntime, TimersFireWhileOperationsKeepComing) {
  sim_disk disk(1);
  sim_runtime owner(disk, 1);
  const auto busy = [](runtime& with, const bool& enough) -> task<void> {
    const io_request nothing = request(io_kind::nop, -1);
    io_engine& engine = with.io();
    while (!enough) co_await io_op(engine, nothing);
  };
  const auto timer = [](runtime& with, bool& enough) -> task<void> {
    const std::int64_t deadline = with.now_ms() + 50;
    co_await sleep_until(with, deadline);
    enough = true;
  };
  bool enough = false;
  scope both(owner.queue());
  both.spawn(timer(owner, enough));
  both.spawn(busy(owner, enough));
  sync_wait(owner, both.join());
  EXPECT_GT(owner.engine().executed(io_kind::nop), 100U);
}

TEST(SimRuntime, WaitingForNothingIsReported) {
  sim_disk disk(1);
  sim_runtime owner(disk, 1);
  EXPECT_FALSE(owner.turn());
}

struct story {
  std::uint64_t trace = 0;
  std::uint64_t image = 0;
  friend bool operator==(const story&, const story&) = default;
  friend auto operator<=>(const story&, const story&) = default;
};

task<void> write_some(io_engine& engine, int fd, std::uint64_t offset) {
  std::string bytes(700, 'w');
  const io_request put = write_request(fd, bytes, offset);
  co_await io_op(engine, put);
}

story told(std::uint64_t seed) {
  sim_disk disk(seed, sim_disk_options::drawn(seed));
  sim_runtime_options options;
  options.faults.short_permille = 300;
  shell life(disk, seed, options);
  const int fd = life.open("a");
  scope writers(life.runtime().queue());
  for (std::uint64_t i = 0; i < 8; ++i) {
    writers.spawn(write_some(life.engine(), fd, i * 500));
  }
  sync_wait(life.runtime(), writers.join());
  life.engine().cut_power();
  return {life.runtime().trace_hash(), disk.image_hash()};
}

TEST(SimRuntime, TheSameSeedTellsTheSameStory) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) EXPECT_EQ(told(seed), told(seed));
}

TEST(SimRuntime, DifferentSeedsTellDifferentStories) {
  std::set<story> stories;
  for (std::uint64_t seed = 0; seed < 200; ++seed) stories.insert(told(seed));
  EXPECT_EQ(stories.size(), 200U);
}

TEST(SimRuntime, APowerCutEndsEveryOperationWithAnErrorAndTheNextLifeWorks) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    sim_disk disk(seed);
    {
      shell life(disk, seed);
      const int fd = life.open("a");
      std::string bytes = "x";
      std::vector<std::int64_t> outcomes(4);
      const auto one = [](io_engine& engine, io_request what, std::int64_t& into) -> task<void> {
        into = co_await io_op(engine, what);
      };
      scope writers(life.runtime().queue());
      life.engine().cut_power_at(life.engine().operations() + 1);
      for (std::int64_t& outcome : outcomes) {
        writers.spawn(one(life.engine(), write_request(fd, bytes, 0), outcome));
      }
      sync_wait(life.runtime(), writers.join());
      EXPECT_EQ(outcomes, std::vector<std::int64_t>(4, -EIO));
      EXPECT_TRUE(life.engine().is_off());
      EXPECT_EQ(life.open("b"), -EIO);
    }
    shell next(disk, seed + 1);
    EXPECT_GE(next.open("b"), 0);
  }
}

TEST(SimRuntime, TimersGoOnAfterAPowerCutSoThatSleepersUnwind) {
  sim_disk disk(1);
  sim_runtime owner(disk, 1);
  scope sleepers(owner.queue());
  std::vector<std::int64_t> woke;
  sleepers.spawn(sleep_and_note(owner, owner.now_ms() + 10, woke, {}));
  owner.engine().cut_power();
  sync_wait(owner, sleepers.join());
  EXPECT_EQ(woke.size(), 1U);
}

}  // namespace
}  // namespace lentic::coro::sim_test
