// SPDX-License-Identifier: Apache-2.0
// The await forms that this code base permits, each with a type that counts its lifetimes and knows
// its own address: a compiler that copies a frame bytewise, destroys a temporary twice or forgets
// one is found out. g++ 12 does all three in forms that are not permitted.

#include "bare_runtime.hpp"

#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/task.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace lentic::test {
namespace {

class counted {
 public:
  explicit counted(int value) : value_(value), self_(this) { ++live; }
  counted(const counted& other) : value_(other.value()), self_(this) { ++live; }
  counted(counted&& other) noexcept : value_(other.value()), self_(this) { ++live; }
  counted& operator=(const counted& other) {
    value_ = other.value();
    return *this;
  }
  ~counted() {
    EXPECT_EQ(self_, this) << "destroyed twice, or at a place where it was never built";
    self_ = nullptr;
    --live;
  }
  int value() const {
    EXPECT_EQ(self_, this);
    return value_;
  }

  static int live;

 private:
  int value_;
  const counted* self_;
};

int counted::live = 0;

// Suspends, so that whatever lives across the await lives in the frame.
coro::task<counted> make(coro::runtime& runtime, int value) {
  co_await coro::yield(runtime);
  co_return counted(value);
}

coro::task<int> value_of(coro::runtime& runtime, counted held) {
  co_await coro::yield(runtime);
  co_return held.value();
}

coro::task<int> value_of_default(coro::runtime& runtime, counted held = counted(11)) {
  co_await coro::yield(runtime);
  co_return held.value();
}

class AwaitForms : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(counted::live, 0); }
  void TearDown() override { EXPECT_EQ(counted::live, 0); }
  int run(coro::task<int> probe) { return coro::sync_wait(runtime_, std::move(probe)); }

  bare_runtime runtime_;
};

TEST_F(AwaitForms, FullStatement) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    const counted kept(1);
    co_await make(runtime, 2);
    co_return kept.value();
  };
  EXPECT_EQ(run(probe(runtime_)), 1);
}

TEST_F(AwaitForms, InitialiserOfANamedVariable) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    const counted first = co_await make(runtime, 1);
    const counted second = co_await make(runtime, 2);
    co_return first.value() * 10 + second.value();
  };
  EXPECT_EQ(run(probe(runtime_)), 12);
}

TEST_F(AwaitForms, RightAfterCoReturn) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    co_return co_await value_of(runtime, counted(3));
  };
  EXPECT_EQ(run(probe(runtime_)), 3);
}

TEST_F(AwaitForms, WholeRightSideOfAnAssignment) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    counted kept(1);
    kept = co_await make(runtime, 4);
    co_return kept.value();
  };
  EXPECT_EQ(run(probe(runtime_)), 4);
}

TEST_F(AwaitForms, ConstructorCallAsArgument) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    const int value = co_await value_of(runtime, counted(5));
    co_return value;
  };
  EXPECT_EQ(run(probe(runtime_)), 5);
}

TEST_F(AwaitForms, NamedAndMovedArguments) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    counted named(6);
    const int copied = co_await value_of(runtime, named);
    const int moved = co_await value_of(runtime, std::move(named));
    co_return copied * 10 + moved;
  };
  EXPECT_EQ(run(probe(runtime_)), 66);
}

TEST_F(AwaitForms, DefaultArgument) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    const int value = co_await value_of_default(runtime);
    co_return value;
  };
  EXPECT_EQ(run(probe(runtime_)), 11);
}

TEST_F(AwaitForms, MoveOnlyArgument) {
  const auto take = [](coro::runtime& runtime, std::unique_ptr<counted> held) -> coro::task<int> {
    co_await coro::yield(runtime);
    co_return held->value();
  };
  EXPECT_EQ(run(take(runtime_, std::make_unique<counted>(7))), 7);
}

TEST_F(AwaitForms, InsideLoopsAndBranches) {
  const auto probe = [](coro::runtime& runtime) -> coro::task<int> {
    int sum = 0;
    for (int i = 0; i < 4; ++i) {
      const counted value = co_await make(runtime, i);
      if (value.value() % 2 == 0) {
        const counted twice = co_await make(runtime, 2 * i);
        sum += twice.value();
      } else {
        sum += value.value();
      }
    }
    co_return sum;
  };
  EXPECT_EQ(run(probe(runtime_)), 1 + 3 + 0 + 4);
}

TEST_F(AwaitForms, InsideARangeForOverAnAwaitedVector) {
  const auto many = [](coro::runtime& runtime) -> coro::task<std::vector<counted>> {
    co_await coro::yield(runtime);
    std::vector<counted> made;
    for (int i = 1; i <= 3; ++i) made.emplace_back(i);
    co_return made;
  };
  const auto probe = [](coro::runtime& runtime,
                        coro::task<std::vector<counted>> source) -> coro::task<int> {
    const std::vector<counted> all = co_await std::move(source);
    int sum = 0;
    for (const counted& each : all) {
      const int value = co_await value_of(runtime, each);
      sum += value;
    }
    co_return sum;
  };
  EXPECT_EQ(run(probe(runtime_, many(runtime_))), 6);
}

TEST_F(AwaitForms, InsideTryWithAThrowingChild) {
  const auto failing = [](coro::runtime& runtime, counted held) -> coro::task<int> {
    co_await coro::yield(runtime);
    if (held.value() > 0) throw std::runtime_error("on purpose");
    co_return 0;
  };
  const auto probe = [](coro::runtime& runtime, auto child) -> coro::task<int> {
    const counted kept(8);
    int outcome = 0;
    try {
      outcome = co_await child(runtime, counted(1));
    } catch (const std::runtime_error&) {
      outcome = kept.value();
    }
    co_return outcome;
  };
  EXPECT_EQ(run(probe(runtime_, failing)), 8);
}

TEST_F(AwaitForms, FrameDestroyedUnstartedFreesItsArguments) {
  { const coro::task<int> unstarted = value_of(runtime_, counted(1)); }
  EXPECT_EQ(counted::live, 0);
}

TEST_F(AwaitForms, LongStringsSurviveSuspension) {
  const auto join = [](coro::runtime& runtime, std::string text) -> coro::task<std::string> {
    co_await coro::yield(runtime);
    co_return text + text;
  };
  const auto probe = [](coro::runtime& runtime, auto child) -> coro::task<int> {
    const std::string half(100, 'x');
    std::string whole = co_await child(runtime, half);
    whole = co_await child(runtime, std::string(whole));
    co_return static_cast<int>(whole.size());
  };
  EXPECT_EQ(run(probe(runtime_, join)), 400);
}

}  // namespace
}  // namespace lentic::test
