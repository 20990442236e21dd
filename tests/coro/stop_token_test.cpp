// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/stop_token.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace lentic::test {
namespace {

void count(void* counter) noexcept {
  ++*static_cast<int*>(counter);
}

TEST(StopToken, DefaultTokenNeverStops) {
  const coro::stop_token token;
  EXPECT_FALSE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
}

TEST(StopToken, CallbackRunsOnceWhateverTheNumberOfRequests) {
  coro::stop_source source;
  int calls = 0;
  const coro::stop_callback callback(coro::stop_token(source), count, &calls);
  source.request_stop();
  source.request_stop();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(source.stop_requested());
}

TEST(StopToken, CallbackOnAStoppedSourceRunsAtOnce) {
  coro::stop_source source;
  source.request_stop();
  int calls = 0;
  const coro::stop_callback callback(coro::stop_token(source), count, &calls);
  EXPECT_EQ(calls, 1);
}

TEST(StopToken, DestroyedCallbackDoesNotRunAndTheOthersDo) {
  coro::stop_source source;
  int first = 0;
  int middle = 0;
  int last = 0;
  const coro::stop_callback one(coro::stop_token(source), count, &first);
  std::optional<coro::stop_callback> two;
  two.emplace(coro::stop_token(source), count, &middle);
  const coro::stop_callback three(coro::stop_token(source), count, &last);
  two.reset();
  source.request_stop();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(middle, 0);
  EXPECT_EQ(last, 1);
}

TEST(StopToken, CallbacksRunNewestFirst) {
  struct noted {
    std::string* order;
    char name;
    static void run(void* self) noexcept {
      const noted& here = *static_cast<noted*>(self);
      here.order->push_back(here.name);
    }
  };
  std::string order;
  noted a{&order, 'a'};
  noted b{&order, 'b'};
  noted c{&order, 'c'};
  coro::stop_source source;
  const coro::stop_callback one(coro::stop_token(source), &noted::run, &a);
  const coro::stop_callback two(coro::stop_token(source), &noted::run, &b);
  const coro::stop_callback three(coro::stop_token(source), &noted::run, &c);
  source.request_stop();
  EXPECT_EQ(order, "cba");
}

TEST(StopToken, CallbackMayDestroyAnother) {
  coro::stop_source source;
  int calls = 0;
  std::optional<coro::stop_callback> victim;
  victim.emplace(coro::stop_token(source), count, &calls);
  const auto destroy = [](void* other) noexcept {
    static_cast<std::optional<coro::stop_callback>*>(other)->reset();
  };
  const coro::stop_callback destroyer(coro::stop_token(source), destroy, &victim);
  source.request_stop();  // the newest runs first
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace lentic::test
