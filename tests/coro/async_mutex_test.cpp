// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"
#include "bare_runtime.hpp"

#include <lentic/coro/async_mutex.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <system_error>
#include <vector>

namespace lentic::test {
namespace {

class AsyncMutex : public testing::Test {
 protected:
  coro::task<void> hold_and_note(int mark, int yields, coro::stop_token stop = {}) {
    const coro::async_mutex::guard held = co_await mutex_.lock(stop);
    order_.push_back(mark);
    for (int i = 0; i < yields; ++i) co_await coro::yield(runtime_);
    order_.push_back(mark);
  }
  coro::task<void> note_abort(int mark, coro::stop_token stop) {
    std::error_code code;
    try {
      co_await hold_and_note(mark, 1, stop);
    } catch (const std::system_error& failure) {
      code = failure.code();
    }
    if (code == coro::aborted_code()) order_.push_back(-mark);
  }
  void finish() { coro::sync_wait(runtime_, work_.join()); }

  bare_runtime runtime_;
  coro::async_mutex mutex_{runtime_.queue()};
  coro::scope work_{runtime_.queue()};
  std::vector<int> order_;
};

TEST_F(AsyncMutex, HoldersAreServedOneByOneInTheOrderOfTheirWaits) {
  for (int i = 1; i <= 3; ++i) work_.spawn(hold_and_note(i, 2));
  finish();
  EXPECT_EQ(order_, (std::vector<int>{1, 1, 2, 2, 3, 3}));
  EXPECT_FALSE(mutex_.is_locked());
}

TEST_F(AsyncMutex, NewcomerDoesNotOvertakeWhoWasWokenAndHasNotRun) {
  work_.spawn(hold_and_note(1, 1));
  work_.spawn(hold_and_note(2, 0));
  runtime_.queue().run_one();  // the first lets go: the second is woken
  EXPECT_EQ(order_, (std::vector<int>{1, 1}));
  work_.spawn(hold_and_note(3, 0));
  finish();
  EXPECT_EQ(order_, (std::vector<int>{1, 1, 2, 2, 3, 3}));
}

TEST_F(AsyncMutex, StoppedWaiterLeavesAndTheNextIsServed) {
  coro::stop_source source;
  work_.spawn(hold_and_note(1, 3));
  work_.spawn(note_abort(2, coro::stop_token(source)));
  work_.spawn(hold_and_note(3, 0));
  source.request_stop();
  finish();
  EXPECT_EQ(order_, (std::vector<int>{1, -2, 1, 3, 3}));
}

TEST_F(AsyncMutex, StopAfterTheHandOverComesTooLate) {
  coro::stop_source source;
  work_.spawn(hold_and_note(1, 1));
  work_.spawn(note_abort(2, coro::stop_token(source)));
  runtime_.queue().run_one();
  source.request_stop();
  finish();
  EXPECT_EQ(order_, (std::vector<int>{1, 1, 2, 2}));
}

TEST_F(AsyncMutex, StopBeforeTheLockTakesNothing) {
  coro::stop_source source;
  source.request_stop();
  work_.spawn(note_abort(1, coro::stop_token(source)));
  finish();
  EXPECT_EQ(order_, std::vector<int>{-1});
  EXPECT_FALSE(mutex_.is_locked());
}

coro::task<std::uint64_t> lock_often(coro::async_mutex& mutex) {
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) {
    const coro::async_mutex::guard held = co_await mutex.lock();
  }
  co_return allocation_count() - before;
}

TEST_F(AsyncMutex, UncontendedLockIsReadyAndAllocatesNothing) {
  EXPECT_EQ(coro::sync_wait(runtime_, lock_often(mutex_)), 0U);
}

}  // namespace
}  // namespace lentic::test
