// SPDX-License-Identifier: Apache-2.0
#include "bare_runtime.hpp"

#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/task.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace lentic::test {
namespace {

coro::task<void> note_after_yields(coro::runtime& runtime, int yields, std::vector<int>& order,
                                   int mark) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  order.push_back(mark);
}

TEST(RunQueue, ResumesInTheOrderOfThePushes) {
  bare_runtime runtime;
  coro::scope running(runtime.queue());
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) running.spawn(note_after_yields(runtime, 1, order, i));
  EXPECT_EQ(runtime.queue().run(10), 3U);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(RunQueue, RunStopsAtItsLimit) {
  bare_runtime runtime;
  coro::scope running(runtime.queue());
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) running.spawn(note_after_yields(runtime, 1, order, i));
  EXPECT_EQ(runtime.queue().run(2), 2U);
  EXPECT_FALSE(runtime.queue().empty());
  EXPECT_EQ(runtime.queue().run(2), 1U);
  EXPECT_TRUE(runtime.queue().empty());
}

TEST(RunQueue, RunPresentLeavesWhatIsPushedMeanwhile) {
  bare_runtime runtime;
  coro::scope running(runtime.queue());
  std::vector<int> order;
  running.spawn(note_after_yields(runtime, 2, order, 0));
  running.spawn(note_after_yields(runtime, 1, order, 1));
  EXPECT_EQ(runtime.queue().run_present(100), 2U);
  EXPECT_EQ(order, std::vector<int>{1});
  EXPECT_EQ(runtime.queue().run_present(100), 1U);
  EXPECT_EQ(order, (std::vector<int>{1, 0}));
  EXPECT_EQ(runtime.queue().run_present(100), 0U);
}

TEST(RunQueue, HookHearsOfTheFirstPushOnly) {
  bare_runtime runtime;
  int calls = 0;
  const auto count = [](void* counter) noexcept { ++*static_cast<int*>(counter); };
  runtime.queue().on_first_push(count, &calls);
  coro::scope running(runtime.queue());
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) running.spawn(note_after_yields(runtime, 1, order, i));
  EXPECT_EQ(calls, 1);
  runtime.queue().run(10);
  running.spawn(note_after_yields(runtime, 1, order, 3));
  EXPECT_EQ(calls, 2);
  runtime.queue().run(10);
}

}  // namespace
}  // namespace lentic::test
