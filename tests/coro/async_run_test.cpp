// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"
#include "bridge_world.hpp"
#include "fleeting_executor.hpp"

#include <lentic/coro/async_run.hpp>

#include <asio/bind_allocator.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace lentic::test {
namespace {

using coro::async_run;

TEST(AsyncRun, CallbackGetsTheValueAndNoError) {
  bridge_world world;
  std::optional<int> got;
  async_run(world.runtime(), slow(world.runtime(), 3), [&](std::exception_ptr error, int value) {
    EXPECT_FALSE(error);
    got = value;
  });
  world.run();
  EXPECT_EQ(got, 3);
}

TEST(AsyncRun, RuntimeKnowsItsOwnersThread) {
  bridge_world world;
  EXPECT_TRUE(world.runtime().on_owners_thread());
  bool elsewhere = true;
  std::thread other([&] { elsewhere = world.runtime().on_owners_thread(); });
  other.join();
  EXPECT_FALSE(elsewhere);
}

TEST(AsyncRun, ReadyAnswerIsNeverHandedOverInsideTheCall) {
  bridge_world world;
  bool called = false;
  async_run(world.runtime(), lookup(world.runtime(), 3, true),
            [&](std::exception_ptr, int) { called = true; });
  EXPECT_FALSE(called);
  world.run();
  EXPECT_TRUE(called);
}

coro::task<void> wait_for(coro::event& target) {
  co_await target.wait();
}

TEST(AsyncRun, HandlerNeverRunsOnTheStackOfWhoEndsTheWork) {
  bridge_world world;
  coro::event target(world.runtime().queue());
  std::vector<int> order;
  async_run(world.runtime(), wait_for(target), [&](std::exception_ptr) { order.push_back(3); });
  asio::post(world.context(), [&] {
    target.set();
    order.push_back(1);
    asio::post(world.context(), [&] { order.push_back(2); });
  });
  world.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(AsyncRun, FutureRethrowsTheVeryException) {
  bridge_world world;
  // Bound: else a thread of Asio's own shares the exception, by counts that libstdc++ keeps where
  // the thread sanitizer does not see them.
  std::future<int> answer = async_run(world.runtime(), fail_late(world.runtime()),
                                      asio::bind_executor(world.context(), asio::use_future));
  world.run();
  try {
    answer.get();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::system_error& failure) {
    EXPECT_EQ(failure.code(), std::error_code(ENOSPC, std::system_category()));
  }
}

asio::awaitable<void> await_run(bridge_world& world, int& got) {
  got = co_await async_run(world.runtime(), slow(world.runtime(), 6), asio::use_awaitable);
}

TEST(AsyncRun, AwaitableGetsTheValue) {
  bridge_world world;
  int got = 0;
  world.run(await_run(world, got));
  EXPECT_EQ(got, 6);
}

TEST(AsyncRun, MoveOnlyValueReachesTheHandler) {
  bridge_world world;
  const auto make = [](coro::runtime& runtime) -> coro::task<std::unique_ptr<int>> {
    co_await coro::yield(runtime);
    co_return std::make_unique<int>(8);
  };
  int got = 0;
  async_run(world.runtime(), make(world.runtime()),
            [&](std::exception_ptr, std::unique_ptr<int> value) { got = *value; });
  world.run();
  EXPECT_EQ(got, 8);
}

TEST(AsyncRun, HandlerRunsOnItsOwnExecutorAndKeepsItAlive) {
  bridge_world world;
  asio::io_context elsewhere(1);
  std::thread::id ran_on;
  async_run(world.runtime(), slow(world.runtime(), 1, 20),
            asio::bind_executor(
                elsewhere, [&](std::exception_ptr, int) { ran_on = std::this_thread::get_id(); }));
  std::thread other([&] { elsewhere.run(); });  // has work until the handler has run
  const std::thread::id expected = other.get_id();
  world.run();
  other.join();
  EXPECT_EQ(ran_on, expected);
}

TEST(AsyncRun, NothingOfTheHandlersExecutorIsUsedOnceTheHandlerHasRun) {
  for (const bool ready : {true, false}) {
    bridge_world world;
    fleeting_home home;
    bool busy = false;
    const auto handler = [&](std::exception_ptr, int) { busy = home.outstanding != 0; };
    async_run(world.runtime(), lookup(world.runtime(), 1, ready),
              asio::bind_executor(fleeting_executor(home), handler));
    world.run();
    EXPECT_TRUE(home.gone);
    EXPECT_TRUE(busy);
    EXPECT_EQ(home.outstanding, 0);
    EXPECT_EQ(home.late, 0);
  }
}

// The thread sanitizer takes the end of a condition variable for a race with the signal that woke
// its last waiter, which POSIX allows: with it, the poster's turn is over first.
#if defined(__SANITIZE_THREAD__)
constexpr bool posts_are_over_first = true;
#else
constexpr bool posts_are_over_first = false;
#endif

TEST(AsyncRun, HandlerMayStopItsContextWhichIsThenDestroyed) {
  for (int round = 0; round < 50; ++round) {
    bridge_world world;
    auto elsewhere = std::make_unique<asio::io_context>(1);
    const auto handler = [&](std::exception_ptr, int) { elsewhere->stop(); };
    async_run(world.runtime(), slow(world.runtime(), 1, round % 3),
              asio::bind_executor(elsewhere->get_executor(), handler));
    std::promise<void> posted;
    std::thread other([&] {
      elsewhere->run();
      if (posts_are_over_first) posted.get_future().wait();
      elsewhere.reset();
    });
    world.run();
    posted.set_value();
    other.join();
    EXPECT_EQ(elsewhere, nullptr);
  }
}

// Counts what is taken; gives back in full.
template <class T>
class counting_allocator {
 public:
  using value_type = T;
  counting_allocator(int& count, int& held) noexcept : count_(&count), held_(&held) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) noexcept
      : count_(other.count()), held_(other.held()) {}
  T* allocate(std::size_t size) {
    ++*count_;
    ++*held_;
    return std::allocator<T>().allocate(size);
  }
  void deallocate(T* storage, std::size_t size) noexcept {
    --*held_;
    std::allocator<T>().deallocate(storage, size);
  }
  int* count() const noexcept { return count_; }
  int* held() const noexcept { return held_; }
  template <class U>
  bool operator==(const counting_allocator<U>& other) const noexcept {
    return count_ == other.count();
  }

 private:
  int* count_;
  int* held_;
};

TEST(AsyncRun, AllocatorOfTheHandlerIsUsedAndHasAllBackWhenTheHandlerRuns) {
  bridge_world world;
  int taken = 0;
  int held = 0;
  int held_inside = -1;
  const counting_allocator<int> allocator(taken, held);
  const auto handler = [&](std::exception_ptr, int) { held_inside = held; };
  async_run(world.runtime(), lookup(world.runtime(), 1, true),
            asio::bind_allocator(allocator, handler));
  EXPECT_GE(taken, 1);
  world.run();
  EXPECT_EQ(held_inside, 0);
}

using asio::cancellation_type;

class async_run_stopped : public testing::TestWithParam<cancellation_type> {};

TEST_P(async_run_stopped, SlotAsksTheWorkToStop) {
  bridge_world world;
  asio::cancellation_signal signal;
  std::error_code code;
  const auto handler = [&](std::exception_ptr error, int) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::system_error& failure) {
      code = failure.code();
    }
  };
  async_run(
      world.runtime(),
      [&world](coro::stop_token stop) { return sleep_long(world.runtime(), stop); },
      asio::bind_cancellation_slot(signal.slot(), handler));
  signal.emit(GetParam());
  world.run();
  EXPECT_EQ(code, asio::error::operation_aborted);
  signal.emit(GetParam());  // after the end: nobody is there
}

INSTANTIATE_TEST_SUITE_P(Types, async_run_stopped,
                         testing::Values(cancellation_type::terminal, cancellation_type::partial,
                                         cancellation_type::total));

TEST(AsyncRun, SlotOnAnotherThreadAsksOnTheOwnersThread) {
  bridge_world world;
  asio::io_context elsewhere(1);
  asio::cancellation_signal signal;
  bool aborted = false;
  const auto handler = [&](std::exception_ptr error, int) { aborted = error != nullptr; };
  async_run(
      world.runtime(),
      [&world](coro::stop_token stop) { return sleep_long(world.runtime(), stop); },
      asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(elsewhere, handler)));
  asio::post(elsewhere, [&] { signal.emit(cancellation_type::total); });
  std::thread other([&] { elsewhere.run(); });
  world.run();
  other.join();
  EXPECT_TRUE(aborted);
}

TEST(AsyncRun, HandlerThatItsContextDestroysIsFreed) {
  auto world = std::make_unique<bridge_world>();
  const auto held = std::make_shared<int>(1);
  async_run(world->runtime(), lookup(world->runtime(), 1, true),
            [held](std::exception_ptr, int) {});
  EXPECT_EQ(held.use_count(), 2);
  world.reset();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace lentic::test
