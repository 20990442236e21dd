// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"
#include "bare_runtime.hpp"

#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace lentic::test {
namespace {

coro::task<int> slow(coro::runtime& runtime, int value) {
  co_await coro::yield(runtime);
  co_return value;
}

coro::maybe_ready<int> lookup(coro::runtime& runtime, int value, bool ready) {
  if (ready) return value;
  return slow(runtime, value);
}

TEST(MaybeReady, ReadyValueIsTakenWithoutACoroutine) {
  bare_runtime runtime;
  coro::maybe_ready<int> found = lookup(runtime, 5, true);
  ASSERT_TRUE(found.ready());
  EXPECT_EQ(found.take(), 5);
}

TEST(MaybeReady, PendingOneIsAnUnstartedTask) {
  bare_runtime runtime;
  coro::maybe_ready<int> found = lookup(runtime, 5, false);
  EXPECT_FALSE(found.ready());
  EXPECT_EQ(coro::sync_wait(runtime, std::move(found)), 5);
}

coro::task<std::uint64_t> allocations_of_lookups(coro::runtime& runtime, bool ready) {
  int warm = co_await lookup(runtime, 1, ready);
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) {
    const int value = co_await lookup(runtime, i, ready);
    warm += value;
  }
  EXPECT_GT(warm, 1);
  co_return allocation_count() - before;
}

TEST(MaybeReady, ReadyPathAllocatesNothing) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, allocations_of_lookups(runtime, true)), 0U);
}

TEST(MaybeReady, WarmSlowPathTakesItsFramesFromThePool) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, allocations_of_lookups(runtime, false)), 0U);
}

coro::task<std::int64_t> sum_of_lookups(coro::runtime& runtime, int count) {
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await lookup(runtime, 1, true);
    sum += value;
  }
  co_return sum;
}

TEST(MaybeReady, MillionReadyAwaitsNeedConstantStack) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, sum_of_lookups(runtime, 1'000'000)), 1'000'000);
}

coro::task<std::string> fail_late(coro::runtime& runtime) {
  co_await coro::yield(runtime);
  throw std::runtime_error("late");
}

TEST(MaybeReady, ErrorOfTheTaskReachesTheAwaiter) {
  bare_runtime runtime;
  coro::maybe_ready<std::string> failing = fail_late(runtime);
  EXPECT_THROW(coro::sync_wait(runtime, std::move(failing)), std::runtime_error);
}

TEST(MaybeReady, VoidIsReadyByDefaultAndPendingWithATask) {
  bare_runtime runtime;
  const auto nothing = [](coro::runtime& owner) -> coro::task<void> {
    co_await coro::yield(owner);
  };
  EXPECT_TRUE(coro::maybe_ready<void>().ready());
  coro::maybe_ready<void> pending = nothing(runtime);
  EXPECT_FALSE(pending.ready());
  coro::sync_wait(runtime, std::move(pending));
}

}  // namespace
}  // namespace lentic::test
