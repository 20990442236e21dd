// SPDX-License-Identifier: Apache-2.0
#include "bare_runtime.hpp"

#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/task.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace lentic::test {
namespace {

coro::task<int> value_of(int value) {
  co_return value;
}

coro::task<void> set_flag(bool& flag) {
  flag = true;
  co_return;
}

coro::task<int> fail() {
  throw std::runtime_error("failed");
  co_return 0;
}

TEST(Task, DoesNothingUntilItIsAwaited) {
  bare_runtime runtime;
  bool ran = false;
  coro::task<void> work = set_flag(ran);
  EXPECT_FALSE(ran);
  coro::sync_wait(runtime, std::move(work));
  EXPECT_TRUE(ran);
}

TEST(Task, DestroyedUnstartedNeverRunsAndFreesItsArguments) {
  const auto alive = std::make_shared<int>(1);
  const auto keep = [](std::shared_ptr<int> held) -> coro::task<int> { co_return *held; };
  {
    const coro::task<int> unstarted = keep(alive);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(Task, HandsOnAMoveOnlyValue) {
  bare_runtime runtime;
  const auto make = []() -> coro::task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(7);
  };
  EXPECT_EQ(*coro::sync_wait(runtime, make()), 7);
}

TEST(Task, ExceptionReachesTheAwaiterAndCanBeHandledThere) {
  bare_runtime runtime;
  const auto recover = []() -> coro::task<int> {
    int outcome = 1;
    try {
      outcome = co_await fail();
    } catch (const std::runtime_error&) {
      outcome = 2;
    }
    co_return outcome;
  };
  EXPECT_EQ(coro::sync_wait(runtime, recover()), 2);
}

TEST(Task, ExceptionAfterASuspensionReachesTheAwaiter) {
  bare_runtime runtime;
  const auto late = [](coro::runtime& owner) -> coro::task<int> {
    co_await coro::yield(owner);
    throw std::runtime_error("late");
  };
  EXPECT_THROW(coro::sync_wait(runtime, late(runtime)), std::runtime_error);
}

coro::task<std::int64_t> sum_of_ready_children(int count) {
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await value_of(1);
    sum += value;
  }
  co_return sum;
}

TEST(Task, MillionReadyChildrenNeedConstantStack) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, sum_of_ready_children(1'000'000)), 1'000'000);
}

coro::task<int> chain(coro::runtime& runtime, int depth, bool suspends) {
  if (depth == 0) {
    if (suspends) co_await coro::yield(runtime);
    co_return 0;
  }
  const int below = co_await chain(runtime, depth - 1, suspends);
  co_return below + 1;
}

TEST(Task, ThousandDeepChainReturnsThroughEveryLevel) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, chain(runtime, 1000, false)), 1000);
}

TEST(Task, ThousandDeepChainResumesThroughEveryLevelAfterASuspension) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, chain(runtime, 1000, true)), 1000);
}

TEST(Task, SyncWaitReportsATaskThatWaitsForEver) {
  bare_runtime runtime;
  coro::event never(runtime.queue());
  bool ran = false;
  const auto wait = [](coro::event& target, bool& flag) -> coro::task<void> {
    co_await target.wait();
    flag = true;
  };
  EXPECT_THROW(coro::sync_wait(runtime, wait(never, ran)), std::logic_error);
  never.set();
  while (runtime.turn()) {
  }
  EXPECT_TRUE(ran);  // the task outlived its waiter
}

}  // namespace
}  // namespace lentic::test
