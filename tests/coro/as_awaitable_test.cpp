// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"
#include "bridge_world.hpp"

#include <lentic/coro/as_awaitable.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

using coro::as_awaitable;

asio::awaitable<void> note_lookup(bridge_world& world, bool ready, std::vector<int>& order) {
  asio::post(world.context(), [&] { order.push_back(1); });
  const int value = co_await as_awaitable(lookup(world.runtime(), 2, ready));
  order.push_back(value);
}

TEST(AsAwaitable, ReadyAnswerComesBeforeAHandlerThatWasPostedBefore) {
  bridge_world world;
  std::vector<int> order;
  world.run(note_lookup(world, true, order));
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

TEST(AsAwaitable, PendingAnswerComesThroughTheLoop) {
  bridge_world world;
  std::vector<int> order;
  world.run(note_lookup(world, false, order));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

asio::awaitable<void> note_task(bridge_world& world, int yields, std::vector<int>& order) {
  asio::post(world.context(), [&] { order.push_back(1); });
  const int value = co_await as_awaitable(slow(world.runtime(), 2, yields));
  order.push_back(value);
}

TEST(AsAwaitable, TaskThatDoesNotSuspendCostsNoPost) {
  bridge_world world;
  std::vector<int> order;
  world.run(note_task(world, 0, order));
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

asio::awaitable<void> count_allocations(bridge_world& world, std::uint64_t& allocations) {
  for (int i = 0; i < 1000; ++i) co_await as_awaitable(lookup(world.runtime(), i, true));
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) co_await as_awaitable(lookup(world.runtime(), i, true));
  allocations = allocation_count() - before;
}

TEST(AsAwaitable, ReadyAnswerAllocatesNothingOnceWarm) {
  bridge_world world;
  std::uint64_t allocations = 1;
  world.run(count_allocations(world, allocations));
  EXPECT_EQ(allocations, 0U);
}

asio::awaitable<void> await_many(bridge_world& world, int count, std::int64_t& sum) {
  for (int i = 0; i < count; ++i) {
    const int value = co_await as_awaitable(slow(world.runtime(), 1, i % 2));
    sum += value;
  }
}

TEST(AsAwaitable, ManyAwaitsNeedConstantStack) {
  bridge_world world;
  std::int64_t sum = 0;
  world.run(await_many(world, 100'000, sum));
  EXPECT_EQ(sum, 100'000);
}

asio::awaitable<void> await_failure(bridge_world& world, int yields) {
  co_await as_awaitable(fail_late(world.runtime(), yields));
}

TEST(AsAwaitable, ErrorPassesAsItIs) {
  bridge_world world;
  for (const int yields : {0, 1}) {
    try {
      world.run(await_failure(world, yields));
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& failure) {
      EXPECT_EQ(failure.code(), std::error_code(ENOSPC, std::system_category()));
    }
  }
}

struct no_default {
  explicit no_default(int number) : value(std::make_unique<int>(number)) {}
  std::unique_ptr<int> value;
};

coro::task<no_default> make_no_default(coro::runtime& runtime) {
  co_await coro::yield(runtime);
  co_return no_default(7);
}

asio::awaitable<void> await_no_default(bridge_world& world, int& value) {
  const no_default made = co_await as_awaitable(make_no_default(world.runtime()));
  value = *made.value;
}

TEST(AsAwaitable, ValueNeedsNeitherADefaultNorACopy) {
  bridge_world world;
  int value = 0;
  world.run(await_no_default(world, value));
  EXPECT_EQ(value, 7);
}

coro::task<void> wait_for(coro::event& target) {
  co_await target.wait();
}

asio::awaitable<void> note_event(coro::event& target, std::vector<int>& order) {
  co_await as_awaitable(wait_for(target));
  order.push_back(3);
}

TEST(AsAwaitable, AwaiterNeverRunsOnTheStackOfWhoWakesIt) {
  bridge_world world;
  coro::event target(world.runtime().queue());
  std::vector<int> order;
  asio::post(world.context(), [&] {
    order.push_back(1);
    target.set();
    order.push_back(2);
  });
  world.run(note_event(target, order));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

// The event is set between the end of the task's wait and whatever else the loop has to do.
coro::task<int*> view_of(coro::event& target, std::vector<int>& storage) {
  co_await target.wait();
  co_return storage.data();
}

asio::awaitable<void> use_view(coro::event& target, std::vector<int>& storage, int& seen) {
  const int* const view = co_await as_awaitable(view_of(target, storage));
  seen = *view;
}

TEST(AsAwaitable, NothingRunsBetweenTheEndOfTheWorkAndItsAwaiter) {
  bridge_world world;
  coro::event target(world.runtime().queue());
  std::vector<int> storage{5};
  int seen = 0;
  asio::post(world.context(), [&] {
    target.set();
    asio::post(world.context(), [&] { storage.assign(1000, 0); });  // outdates the view
  });
  world.run(use_view(target, storage, seen));
  EXPECT_EQ(seen, 5);
}

coro::task<void> until_seen(coro::runtime& runtime, const int& seen) {
  while (seen == 0) co_await coro::yield(runtime);
}

// What would outdate the view waits in the loop when the work ends.
coro::task<int*> view_outdated_next(bridge_world& world, coro::event& target,
                                    std::vector<int>& storage) {
  co_await target.wait();
  asio::post(world.context(), [&] { storage.assign(1000, -1); });
  co_return storage.data();
}

asio::awaitable<void> use_view_at_once(bridge_world& world, coro::event& target,
                                       std::vector<int>& storage, int& seen) {
  const int* const view = co_await as_awaitable(view_outdated_next(world, target, storage));
  seen = *view;
}

TEST(AsAwaitable, NothingRunsInBetweenUnderSyncWaitEither) {
  for (const bool busy : {true, false}) {
    bridge_world world;
    coro::event target(world.runtime().queue());
    coro::event done(world.runtime().queue());
    std::vector<int> storage{5};
    int seen = 0;
    asio::co_spawn(world.context(), use_view_at_once(world, target, storage, seen),
                   [&](std::exception_ptr) { done.set(); });
    asio::post(world.context(), [&] { target.set(); });
    if (busy) {
      coro::sync_wait(world.runtime(), until_seen(world.runtime(), seen));
    } else {
      coro::sync_wait(world.runtime(), wait_for(done));
    }
    EXPECT_EQ(seen, 5);
  }
}

asio::awaitable<void> await_on_strand(bridge_world& world, int& value) {
  value = co_await as_awaitable(slow(world.runtime(), 4));
}

TEST(AsAwaitable, AwaiterResumesOnItsOwnExecutor) {
  bridge_world world;
  const auto strand = asio::make_strand(world.context());
  int value = 0;
  bool inside = false;
  asio::co_spawn(strand, await_on_strand(world, value),
                 [&](std::exception_ptr) { inside = strand.running_in_this_thread(); });
  world.run();
  EXPECT_EQ(value, 4);
  EXPECT_TRUE(inside);
}

asio::awaitable<void> sleep_in_asio(bridge_world& world, std::vector<std::string>& log) {
  const auto work = [&world](coro::stop_token stop) { return sleep_long(world.runtime(), stop); };
  std::error_code code;
  try {
    co_await as_awaitable(work);
  } catch (const std::system_error& failure) {
    code = failure.code();
  }
  log.push_back(code == asio::error::operation_aborted ? "aborted" : "other");
}

void spawn_stoppable(bridge_world& world, asio::cancellation_signal& signal,
                     asio::awaitable<void> work) {
  asio::co_spawn(world.context(), std::move(work),
                 asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
}

TEST(AsAwaitable, SlotStopsTheWorkWhileItIsSuspended) {
  bridge_world world;
  asio::cancellation_signal signal;
  std::vector<std::string> log;
  spawn_stoppable(world, signal, sleep_in_asio(world, log));
  asio::post(world.context(), [&] { signal.emit(asio::cancellation_type::terminal); });
  world.run();  // would take an hour
  EXPECT_EQ(log, std::vector<std::string>{"aborted"});
}

TEST(AsAwaitable, SlotThatFiredBeforeStartsNothing) {
  bridge_world world;
  asio::cancellation_signal signal;
  std::vector<std::string> log;
  spawn_stoppable(world, signal, sleep_in_asio(world, log));
  signal.emit(asio::cancellation_type::terminal);
  world.run();
  EXPECT_TRUE(log.empty());
}

asio::awaitable<void> finish_then_wait(bridge_world& world, bool& finished) {
  const auto work = [&world](coro::stop_token) { return slow(world.runtime(), 1); };
  co_await as_awaitable(work);
  finished = true;
}

TEST(AsAwaitable, SlotThatFiresAfterTheEndHarmsNobody) {
  bridge_world world;
  asio::cancellation_signal signal;
  bool finished = false;
  spawn_stoppable(world, signal, finish_then_wait(world, finished));
  world.run();
  signal.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(finished);
}

asio::awaitable<void> hold_while_pending(bridge_world& world, std::shared_ptr<int> held) {
  co_await as_awaitable(slow(world.runtime(), 1));
  ADD_FAILURE() << *held << " its context never ran again";
}

TEST(AsAwaitable, CoroutineThatItsContextDestroysIsFreed) {
  bridge_world world;
  const auto held = std::make_shared<int>(1);
  {
    asio::io_context never_again(1);
    asio::co_spawn(never_again, hold_while_pending(world, held), [](std::exception_ptr) {});
    never_again.poll();
    world.run();  // the work ends and dispatches to the other context
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace lentic::test
