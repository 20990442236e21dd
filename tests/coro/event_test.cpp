// SPDX-License-Identifier: Apache-2.0
#include "bare_runtime.hpp"

#include <lentic/coro/event.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/task.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace lentic::test {
namespace {

class Event : public testing::Test {
 protected:
  coro::task<void> wait_and_note(int mark) {
    co_await target_.wait();
    order_.push_back(mark);
  }

  bare_runtime runtime_;
  coro::event target_{runtime_.queue()};
  coro::scope waiting_{runtime_.queue()};
  std::vector<int> order_;
};

TEST_F(Event, WakesWaitersInTheOrderOfTheirWaits) {
  for (int i = 0; i < 3; ++i) waiting_.spawn(wait_and_note(i));
  target_.set();
  runtime_.turn();
  EXPECT_EQ(order_, (std::vector<int>{0, 1, 2}));
}

TEST_F(Event, SetNeverResumesInline) {
  waiting_.spawn(wait_and_note(1));
  target_.set();
  EXPECT_TRUE(order_.empty());
  runtime_.turn();
  EXPECT_EQ(order_, std::vector<int>{1});
}

TEST_F(Event, WaitOnASetEventIsReady) {
  target_.set();
  waiting_.spawn(wait_and_note(1));
  EXPECT_EQ(order_, std::vector<int>{1});
}

TEST_F(Event, ResetMakesLaterWaitsWait) {
  target_.set();
  target_.reset();
  waiting_.spawn(wait_and_note(1));
  EXPECT_TRUE(order_.empty());
  target_.set();
  runtime_.turn();
}

TEST_F(Event, WakeAllLeavesTheFlagAsItIs) {
  waiting_.spawn(wait_and_note(1));
  target_.wake_all();
  runtime_.turn();
  EXPECT_EQ(order_, std::vector<int>{1});
  EXPECT_FALSE(target_.is_set());
}

TEST_F(Event, StoppedWaiterLeavesThroughTheQueueAndOthersStay) {
  coro::stop_source source;
  const auto stoppable = [](coro::event& target, coro::stop_token stop,
                            std::vector<int>& order) -> coro::task<void> {
    co_await target.wait(stop);
    order.push_back(stop.stop_requested() ? -2 : 2);
  };
  waiting_.spawn(wait_and_note(1));
  waiting_.spawn(stoppable(target_, coro::stop_token(source), order_));
  waiting_.spawn(wait_and_note(3));
  source.request_stop();
  EXPECT_TRUE(order_.empty());
  runtime_.turn();
  EXPECT_EQ(order_, std::vector<int>{-2});
  waiting_.spawn(stoppable(target_, coro::stop_token(source), order_));  // ready: asked already
  target_.set();
  runtime_.turn();
  EXPECT_EQ(order_, (std::vector<int>{-2, -2, 1, 3}));
}

TEST_F(Event, StopOfAWaiterThatWasWokenChangesNothing) {
  coro::stop_source source;
  const auto stoppable = [](coro::event& target, coro::stop_token stop,
                            std::vector<int>& order) -> coro::task<void> {
    co_await target.wait(stop);
    order.push_back(1);
  };
  waiting_.spawn(stoppable(target_, coro::stop_token(source), order_));
  target_.set();
  source.request_stop();
  runtime_.turn();
  EXPECT_EQ(order_, std::vector<int>{1});
}

}  // namespace
}  // namespace lentic::test
