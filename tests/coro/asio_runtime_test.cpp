// SPDX-License-Identifier: Apache-2.0
// The runtime on both engines, driven by turn() and by the application's io_context.run().

#include "io_engine_suite.hpp"
#include "real_world.hpp"

#include <lentic/coro/event.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

namespace lentic::test {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;

template <class World>
class asio_runtime_suite : public io_engine_suite<World> {
 protected:
  asio::io_context& context() { return this->world_->context(); }
};

using real_worlds = testing::Types<uring_world, thread_world>;
TYPED_TEST_SUITE(asio_runtime_suite, real_worlds);

coro::task<void> sleep_and_note(coro::runtime& runtime, std::int64_t deadline_ms,
                                coro::stop_token stop, std::vector<int>& order, int mark) {
  co_await coro::sleep_until(runtime, deadline_ms, stop);
  order.push_back(mark);
}

coro::task<void> wait_and_note(coro::event& target, std::vector<int>& order, int mark) {
  co_await target.wait();
  order.push_back(mark);
}

TYPED_TEST(asio_runtime_suite, SleepEndsNoEarlierThanItsDeadline) {
  const std::int64_t deadline_ms = this->runtime().now_ms() + 3;
  std::vector<int> order;
  coro::sync_wait(this->runtime(),
                  sleep_and_note(this->runtime(), deadline_ms, coro::stop_token(), order, 1));
  EXPECT_GE(this->runtime().now_ms(), deadline_ms);
}

TYPED_TEST(asio_runtime_suite, ApplicationRunsTheContextAfterASyncWait) {
  std::vector<int> order;
  const std::int64_t deadline_ms = this->runtime().now_ms() + 3;
  coro::sync_wait(this->runtime(),
                  sleep_and_note(this->runtime(), deadline_ms, coro::stop_token(), order, 1));
  asio::post(this->context(), [&order] { order.push_back(2); });
  this->context().run();  // without a restart()
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TYPED_TEST(asio_runtime_suite, StoppedSleepEndsEarly) {
  coro::stop_source source;
  coro::scope sleepers(this->runtime().queue());
  std::vector<int> order;
  const std::int64_t far_ms = this->runtime().now_ms() + hour_ms;
  sleepers.spawn(sleep_and_note(this->runtime(), far_ms, coro::stop_token(source), order, 1));
  this->runtime().turn();
  source.request_stop();
  coro::sync_wait(this->runtime(), sleepers.join());
  EXPECT_EQ(order, std::vector<int>{1});
}

TYPED_TEST(asio_runtime_suite, SleepersOfOneDeadlineWakeInOrder) {
  coro::scope sleepers(this->runtime().queue());
  std::vector<int> order;
  const std::int64_t deadline_ms = this->runtime().now_ms() + 2;
  for (int i = 0; i < 4; ++i) {
    sleepers.spawn(sleep_and_note(this->runtime(), deadline_ms, coro::stop_token(), order, i));
  }
  coro::sync_wait(this->runtime(), sleepers.join());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TYPED_TEST(asio_runtime_suite, EarlierTimerStartedLaterWakesFirst) {
  coro::stop_source source;
  coro::scope sleepers(this->runtime().queue());
  std::vector<int> order;
  const std::int64_t now_ms = this->runtime().now_ms();
  sleepers.spawn(
      sleep_and_note(this->runtime(), now_ms + hour_ms, coro::stop_token(source), order, 1));
  this->runtime().turn();  // arms the alarm for the far one
  coro::sync_wait(this->runtime(),
                  sleep_and_note(this->runtime(), now_ms + 2, coro::stop_token(), order, 2));
  EXPECT_EQ(order, std::vector<int>{2});
  source.request_stop();
  coro::sync_wait(this->runtime(), sleepers.join());
}

TYPED_TEST(asio_runtime_suite, WaitForNothingUnderWayIsReported) {
  coro::event never(this->runtime().queue());
  std::vector<int> order;
  coro::scope waiting(this->runtime().queue());
  waiting.spawn(wait_and_note(never, order, 1));
  EXPECT_THROW(coro::sync_wait(this->runtime(), waiting.join()), std::logic_error);
  never.set();
  this->runtime().turn();
  EXPECT_EQ(order, std::vector<int>{1});
}

TYPED_TEST(asio_runtime_suite, WorkOfTheApplicationInAsioIsWaitedFor) {
  coro::event target(this->runtime().queue());
  asio::steady_timer timer(this->context(), std::chrono::milliseconds(2));
  timer.async_wait([&](std::error_code) { target.set(); });
  std::vector<int> order;
  coro::sync_wait(this->runtime(), wait_and_note(target, order, 1));
  EXPECT_EQ(order, std::vector<int>{1});
}

TYPED_TEST(asio_runtime_suite, HandlersRunBetweenCoroutinesThatNeverSleep) {
  bool called = false;
  asio::post(this->context(), [&] { called = true; });
  const auto spin = [](coro::runtime& runtime, const bool& flag) -> coro::task<void> {
    while (!flag) co_await coro::yield(runtime);
  };
  coro::sync_wait(this->runtime(), spin(this->runtime(), called));
  EXPECT_TRUE(called);
}

TYPED_TEST(asio_runtime_suite, CompletionsReachAThreadThatKeepsYielding) {
  const int fd = this->open_file("a");
  coro::scope writers(this->runtime().queue());
  std::int64_t outcome = 0;
  const io_request request = write_request(fd, "x", 0);
  writers.spawn(run_into(this->io(), request, coro::stop_token(), outcome));
  const auto spin = [](coro::runtime& runtime, const std::int64_t& done) -> coro::task<void> {
    while (done == 0) co_await coro::yield(runtime);
  };
  coro::sync_wait(this->runtime(), spin(this->runtime(), outcome));
  EXPECT_EQ(outcome, 1);
  coro::sync_wait(this->runtime(), writers.join());
  this->close_file(fd);
}

TYPED_TEST(asio_runtime_suite, ApplicationRunsTheContextUntilTheWorkIsDone) {
  const int fd = this->open_file("a");
  coro::scope writers(this->runtime().queue());
  std::vector<std::int64_t> outcomes(50, 0);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const io_request request = write_request(fd, "x", i);
    writers.spawn(run_into(this->io(), request, coro::stop_token(), outcomes[i]));
  }
  this->context().restart();
  this->context().run();
  EXPECT_EQ(writers.live(), 0U);
  for (const std::int64_t outcome : outcomes) EXPECT_EQ(outcome, 1);
  this->close_file(fd);
}

TYPED_TEST(asio_runtime_suite, HandlerOfTheApplicationStartsWork) {
  const int fd = this->open_file("a");
  coro::scope writers(this->runtime().queue());
  std::int64_t outcome = 0;
  this->context().restart();
  asio::post(this->context(), [&] {
    const io_request request = write_request(fd, "x", 0);
    writers.spawn(run_into(this->io(), request, coro::stop_token(), outcome));
  });
  this->context().run();
  EXPECT_EQ(outcome, 1);
  this->close_file(fd);
}

TYPED_TEST(asio_runtime_suite, SleeperLeftByTurnsIsWokenByTheApplicationsRun) {
  coro::scope sleepers(this->runtime().queue());
  std::vector<int> order;
  const std::int64_t deadline_ms = this->runtime().now_ms() + 2;
  sleepers.spawn(sleep_and_note(this->runtime(), deadline_ms, coro::stop_token(), order, 1));
  this->close_file(this->open_file("a"));  // turns, with the sleeper in the background
  this->context().restart();
  this->context().run();
  EXPECT_EQ(order, std::vector<int>{1});
}

TYPED_TEST(asio_runtime_suite, OperationLeftByTurnsIsReapedByTheApplicationsRun) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  coro::scope readers(this->runtime().queue());
  std::string buffer(4, '?');
  std::int64_t outcome = 0;
  const io_request request = read_request(ends[0], buffer, coro::no_offset);
  readers.spawn(run_into(this->io(), request, coro::stop_token(), outcome));
  this->runtime().turn();
  this->context().restart();
  asio::post(this->context(), [&] { EXPECT_EQ(::write(ends[1], "late", 4), 4); });
  this->context().run();
  EXPECT_EQ(outcome, 4);
  ::close(ends[0]);
  ::close(ends[1]);
}

TYPED_TEST(asio_runtime_suite, IdleRuntimeDoesNotHoldTheApplicationsRun) {
  this->close_file(this->open_file("a"));
  coro::stop_source source;
  coro::scope sleepers(this->runtime().queue());
  std::vector<int> order;
  const std::int64_t far_ms = this->runtime().now_ms() + hour_ms;
  sleepers.spawn(sleep_and_note(this->runtime(), far_ms, coro::stop_token(source), order, 1));
  this->context().restart();
  asio::post(this->context(), [&] { source.request_stop(); });
  this->context().run();  // returns: neither the alarm nor the event holds it
  EXPECT_EQ(order, std::vector<int>{1});
}

coro::task<void> put_when_set(coro::event& target, int fd) {
  co_await target.wait();
  EXPECT_EQ(::write(fd, "late", 4), 4);
}

TYPED_TEST(asio_runtime_suite, WaitThatTurnsMadeNeedlessDoesNotHoldTheApplicationsRun) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  coro::event target(this->runtime().queue());
  coro::scope work(this->runtime().queue());
  std::string buffer(4, '?');
  std::int64_t outcome = 0;
  const io_request request = read_request(ends[0], buffer, coro::no_offset);
  work.spawn(run_into(this->io(), request, coro::stop_token(), outcome));
  work.spawn(put_when_set(target, ends[1]));
  asio::steady_timer timer(this->context(), std::chrono::milliseconds(3));
  timer.async_wait([&](std::error_code) { target.set(); });  // comes while the event is waited for
  while (work.live() != 0) this->runtime().turn();  // reaped in the turn, without the event
  EXPECT_EQ(outcome, 4);
  this->context().restart();
  this->context().run();
  ::close(ends[0]);
  ::close(ends[1]);
}

// How many steps it takes to wait for a pipe that is silent for 20 ms.
template <class Step>
int steps_of_a_long_wait(coro::runtime& runtime, asio::io_context& context, Step step) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  coro::event target(runtime.queue());
  coro::scope work(runtime.queue());
  std::string buffer(4, '?');
  std::int64_t outcome = 0;
  const io_request request = read_request(ends[0], buffer, coro::no_offset);
  work.spawn(run_into(runtime.io(), request, coro::stop_token(), outcome));
  work.spawn(put_when_set(target, ends[1]));
  asio::steady_timer timer(context, std::chrono::milliseconds(20));
  timer.async_wait([&](std::error_code) { target.set(); });
  int steps = 0;
  for (; work.live() != 0; ++steps) step();
  EXPECT_EQ(outcome, 4);
  ::close(ends[0]);
  ::close(ends[1]);
  return steps;
}

// A step that does not sleep takes a microsecond: there would be thousands.
constexpr int steps_max = 20;

TYPED_TEST(asio_runtime_suite, TurnSleepsWhileNothingIsReady) {
  const auto turn = [this] { this->runtime().turn(); };
  EXPECT_LT(steps_of_a_long_wait(this->runtime(), this->context(), turn), steps_max);
}

TYPED_TEST(asio_runtime_suite, RunOfTheApplicationSleepsWhileNothingIsReady) {
  const auto run_one = [this] { this->context().run_one(); };
  EXPECT_LT(steps_of_a_long_wait(this->runtime(), this->context(), run_one), steps_max);
}

TYPED_TEST(asio_runtime_suite, HandlerThatOutlivesTheRuntimeDoesNothing) {
  asio::io_context context(1);
  coro::asio_runtime_options options;
  options.engine =
      this->io().name() == "threads" ? coro::engine_choice::threads : coro::engine_choice::uring;
  {
    coro::asio_runtime runtime(context, options);
    std::vector<int> order;
    coro::sync_wait(runtime,
                    sleep_and_note(runtime, runtime.now_ms() + 1, coro::stop_token(), order, 1));
    coro::scope yielding(runtime.queue());
    const auto twice = [](coro::runtime& owner) -> coro::task<void> {
      co_await coro::yield(owner);
    };
    yielding.spawn(twice(runtime));  // posts a handler
    runtime.turn();
  }
  context.restart();
  context.run();
}

TYPED_TEST(asio_runtime_suite, PostOfAnotherThreadRunsOnTheOwnersThreadInOrder) {
  coro::event both(this->runtime().queue());
  std::vector<int> order;
  std::thread::id ran_on;
  const auto guard = asio::make_work_guard(this->context());
  std::thread other([&] {
    this->runtime().post([&] { order.push_back(1); });
    this->runtime().post([&] {
      order.push_back(2);
      ran_on = std::this_thread::get_id();
      both.set();
    });
  });
  coro::sync_wait(this->runtime(), wait_and_note(both, order, 3));
  other.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(AsioRuntime, PostThatGetsNoTurnIsDestroyedUnrun) {
  asio::io_context context(1);
  const auto held = std::make_shared<bool>(false);
  {
    coro::asio_runtime runtime(context);
    runtime.post([held] { *held = true; });
  }
  context.run();
  EXPECT_FALSE(*held);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(AsioRuntime, EngineThatIsAskedForIsTheEngineThatRuns) {
  asio::io_context context(1);
  coro::asio_runtime_options options;
  options.engine = coro::engine_choice::threads;
  int lines = 0;
  options.log = [&](std::string_view) { ++lines; };
  coro::asio_runtime runtime(context, options);
  EXPECT_EQ(runtime.io().name(), "threads");
  EXPECT_EQ(lines, 0);  // a choice is no fallback
}

TEST(AsioRuntime, AutomaticTakesTheRingWhereItIsPermittedAndSaysSoWhereNot) {
  asio::io_context context(1);
  std::vector<std::string> lines;
  coro::asio_runtime_options options;
  options.log = [&](std::string_view line) { lines.emplace_back(line); };
  coro::asio_runtime runtime(context, options);
  if (why_no_uring() == nullptr) {
    EXPECT_EQ(runtime.io().name(), "io_uring");
    EXPECT_TRUE(lines.empty());
  } else {
    EXPECT_EQ(runtime.io().name(), "threads");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines.front().find("io_uring"), std::string::npos);
  }
}

TEST(AsioRuntime, RingThatIsRefusedIsAnErrorWhenAskedFor) {
  if (why_no_uring() == nullptr) GTEST_SKIP() << "io_uring is permitted here";
  asio::io_context context(1);
  coro::asio_runtime_options options;
  options.engine = coro::engine_choice::uring;
  EXPECT_THROW(coro::asio_runtime(context, options), std::system_error);
}

TEST(AsioRuntime, RandomNumbersDiffer) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  const std::uint64_t first = runtime.random();
  EXPECT_NE(runtime.random(), first);
}

}  // namespace
}  // namespace lentic::test
