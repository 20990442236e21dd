// SPDX-License-Identifier: Apache-2.0
#include "bare_runtime.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

coro::task<void> note(coro::runtime& runtime, int yields, std::vector<int>& order, int mark) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  order.push_back(mark);
}

coro::task<void> fail_after(coro::runtime& runtime, int yields, const char* what) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  throw std::runtime_error(what);
}

coro::task<void> until_stopped(coro::runtime& runtime, coro::stop_token stop, bool& stopped) {
  while (!stop.stop_requested()) co_await coro::yield(runtime);
  stopped = true;
}

TEST(Scope, SpawnStartsAtOnce) {
  bare_runtime runtime;
  coro::scope work(runtime.queue());
  std::vector<int> order;
  work.spawn(note(runtime, 0, order, 1));
  EXPECT_EQ(order, std::vector<int>{1});
  EXPECT_EQ(work.live(), 0U);
}

TEST(Scope, JoinWaitsForEverySpawnedTask) {
  bare_runtime runtime;
  coro::scope work(runtime.queue());
  std::vector<int> order;
  for (int i = 3; i > 0; --i) work.spawn(note(runtime, i, order, i));
  EXPECT_EQ(work.live(), 3U);
  coro::sync_wait(runtime, work.join());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Scope, JoinThrowsTheFirstErrorOnce) {
  bare_runtime runtime;
  coro::scope work(runtime.queue());
  work.spawn(fail_after(runtime, 2, "second"));
  work.spawn(fail_after(runtime, 1, "first"));
  std::string message;
  try {
    coro::sync_wait(runtime, work.join());
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  EXPECT_EQ(message, "first");
  coro::sync_wait(runtime, work.join());
}

TEST(Scope, FirstErrorAsksTheOthersToStop) {
  bare_runtime runtime;
  coro::scope work(runtime.queue());
  bool stopped = false;
  work.spawn(until_stopped(runtime, work.token(), stopped));
  work.spawn(fail_after(runtime, 1, "first"));
  EXPECT_THROW(coro::sync_wait(runtime, work.join()), std::runtime_error);
  EXPECT_TRUE(stopped);
}

TEST(Scope, IsUsableAgainAfterJoin) {
  bare_runtime runtime;
  coro::scope work(runtime.queue());
  std::vector<int> order;
  work.spawn(note(runtime, 1, order, 1));
  coro::sync_wait(runtime, work.join());
  work.spawn(note(runtime, 1, order, 2));
  coro::sync_wait(runtime, work.join());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace lentic::test
