// SPDX-License-Identifier: Apache-2.0
// Queries from other threads. The owner's thread is the test's; the others are joined in each test.
#include "fleeting_executor.hpp"

#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/event.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/use_task.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>
#include <lentic/query.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace lentic::test {
namespace {

static_assert(coro::is_borrowed<value_view>);
static_assert(coro::is_borrowed<std::optional<value_view>>);
static_assert(coro::is_borrowed<bytes_view>);
static_assert(coro::is_borrowed<std::vector<std::string_view>>);
static_assert(coro::is_borrowed<std::pair<int, const char*>>);
static_assert(coro::is_borrowed<row> && coro::is_borrowed<cursor>);
static_assert(coro::is_borrowed<std::optional<outbox_batch>>);
static_assert(coro::is_borrowed<const value_view>);
static_assert(coro::is_borrowed<const std::string_view>);
static_assert(coro::is_borrowed<std::optional<const std::string_view>>);
static_assert(coro::is_borrowed<std::array<std::string_view, 2>>);
static_assert(coro::is_borrowed<const std::array<char*, 1>>);
static_assert(coro::is_borrowed<std::reference_wrapper<int>>);
static_assert(coro::is_borrowed<std::vector<std::reference_wrapper<const int>>>);
static_assert(!coro::is_borrowed<const std::array<int, 2>>);
static_assert(!coro::is_borrowed<const bytes>);
static_assert(!coro::is_borrowed<std::optional<bytes>>);
static_assert(!coro::is_borrowed<std::map<std::string, std::uint64_t>>);

// An environment in memory whose owner runs its io_context on the test's thread.
class Query : public testing::Test {
 protected:
  Query() : context_(1), runtime_(context_) {
    env_ = sync_wait(runtime_, environment::open(runtime_, environment_options()));
  }
  ~Query() override { close(); }

  void close() { sync_wait(runtime_, env_->close()); }
  void put(std::string_view key, std::string_view value) {
    byte_store& store = env_->open_byte_store("s");
    sync_wait(runtime_, store.put(as_bytes(key), as_bytes(value)));
  }
  // Runs the owner until the future has its value.
  template <class T>
  T get(std::future<T> answer) {
    const auto guard = asio::make_work_guard(context_);
    context_.restart();
    while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      context_.run_one_for(std::chrono::milliseconds(1));
    }
    return answer.get();
  }

  asio::io_context context_;
  coro::asio_runtime runtime_;
  std::unique_ptr<environment> env_;
};

std::error_code code_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::system_error& failure) {
    return failure.code();
  }
  return {};
}

task<std::uint64_t> sum_of_pair(environment& env) {
  byte_store& store = env.open_byte_store("s");
  const std::optional<bytes> left = co_await store.get_copy(as_bytes("left"));
  const std::optional<bytes> right = co_await store.get_copy(as_bytes("right"));
  if (!left || !right) co_return 0;
  co_return std::stoull(std::string(as_text(*left))) + std::stoull(std::string(as_text(*right)));
}

// With a callback: the thread sanitizer does not see how a future counts references to exceptions.
template <class Target>
std::error_code ask_for_code(Target& target) {
  std::promise<std::error_code> told;
  std::future<std::error_code> code = told.get_future();
  auto handler = [told = std::move(told)](std::exception_ptr error, std::uint64_t) mutable {
    told.set_value(code_of(error));
  };
  async_query(target, sum_of_pair, std::move(handler));
  return code.get();
}

TEST_F(Query, PlainFunctionRunsOnTheOwnersThread) {
  std::future<std::thread::id> answer;
  std::thread other([&] {
    const auto fn = [] { return std::this_thread::get_id(); };
    answer = async_query(*env_, fn, asio::use_future);
  });
  other.join();
  EXPECT_EQ(get(std::move(answer)), std::this_thread::get_id());
}

task<std::optional<bytes>> read_a(environment& env) {
  byte_store& store = env.open_byte_store("s");
  co_return co_await store.get_copy(as_bytes("a"));
}

TEST_F(Query, CoroutineAnswersAnOwnedCopy) {
  put("a", "1");
  std::future<std::optional<bytes>> answer;
  std::thread other([&] { answer = async_query(*env_, read_a, asio::use_future); });
  other.join();
  const std::optional<bytes> found = get(std::move(answer));
  ASSERT_TRUE(found);
  EXPECT_EQ(as_text(*found), "1");
}

TEST_F(Query, ErrorOfTheFunctionPassesAsItIs) {
  std::error_code code;
  const auto handler = [&](std::exception_ptr error) { code = code_of(error); };
  const auto fn = [](environment& env) { env.open_byte_store("not a name"); };
  std::thread other([&] { async_query(*env_, fn, asio::bind_executor(context_, handler)); });
  other.join();
  context_.restart();
  context_.run();
  EXPECT_EQ(code, errc::invalid_argument);
}

asio::awaitable<void> ask_and_note(environment& env, std::thread::id& resumed_on,
                                   std::string& text) {
  const std::optional<bytes> found = co_await query(env, read_a);
  text = found ? std::string(as_text(*found)) : "none";
  resumed_on = std::this_thread::get_id();
}

TEST_F(Query, AwaitableOfAnotherContextResumesThere) {
  put("a", "7");
  asio::io_context elsewhere(1);
  std::thread::id resumed_on;
  std::string text;
  std::atomic<bool> done = false;
  asio::co_spawn(elsewhere, ask_and_note(*env_, resumed_on, text),
                 [&](std::exception_ptr) { done = true; });
  std::thread other([&] { elsewhere.run(); });
  const std::thread::id expected = other.get_id();
  const auto guard = asio::make_work_guard(context_);
  while (!done) context_.run_one_for(std::chrono::milliseconds(1));
  other.join();
  EXPECT_EQ(text, "7");
  EXPECT_EQ(resumed_on, expected);
}

task<std::string> ask_from_a_task(environment& env, coro::asio_runtime& home) {
  auto token = asio::bind_executor(home.get_executor(), coro::use_task);
  const std::optional<bytes> found = co_await async_query(env, read_a, token);
  co_return found ? std::string(as_text(*found)) : "none";
}

TEST_F(Query, TaskOfAnotherRuntimeResumesOnItsOwnThread) {
  put("a", "9");
  std::string text;
  std::atomic<bool> done = false;
  std::thread other([&] {
    asio::io_context elsewhere(1);
    coro::asio_runtime home(elsewhere);
    text = sync_wait(home, ask_from_a_task(*env_, home));
    done = true;
  });
  const auto guard = asio::make_work_guard(context_);
  while (!done) context_.run_one_for(std::chrono::milliseconds(1));
  other.join();
  EXPECT_EQ(text, "9");
}

TEST_F(Query, OwnerMayAskItselfAndIsNotAnsweredInsideTheCall) {
  bool called = false;
  async_query(
      *env_, [] { return 4; },
      asio::bind_executor(context_, [&](std::exception_ptr, int value) { called = value == 4; }));
  EXPECT_FALSE(called);
  context_.restart();
  context_.run();
  EXPECT_TRUE(called);
}

TEST_F(Query, AfterCloseItCompletesWithClosed) {
  const std::shared_ptr<query_gate> gate = env_->gate();
  close();
  EXPECT_EQ(ask_for_code(*env_), errc::closed);
  env_.reset();
  EXPECT_EQ(ask_for_code(gate), errc::closed);
  env_ = sync_wait(runtime_, environment::open(runtime_, environment_options()));
}

TEST_F(Query, ThatWaitsForItsTurnAtCloseCompletesWithClosed) {
  bool ran = false;
  std::error_code code;
  const auto handler = [&](std::exception_ptr error) { code = code_of(error); };
  const auto fn = [&] { ran = true; };
  async_query(*env_, fn, asio::bind_executor(context_, handler));
  close();
  context_.restart();
  context_.run();
  EXPECT_EQ(code, errc::closed);
  EXPECT_FALSE(ran);
}

task<int> wait_until_asked(coro::event& never, coro::stop_token stop) {
  co_await never.wait(stop);
  co_return stop.stop_requested() ? 5 : 0;
}

TEST_F(Query, ThatRunsAtCloseIsAskedToStopAndWaitedFor) {
  coro::event never(runtime_.queue());
  const auto fn = [&](environment&, coro::stop_token stop) {
    return wait_until_asked(never, stop);
  };
  std::future<int> answer = async_query(*env_, fn, asio::use_future);
  context_.restart();
  context_.poll();
  close();
  EXPECT_EQ(answer.get(), 5);
}

TEST_F(Query, SlotReachesTheStopTokenOfARunningQuery) {
  coro::event never(runtime_.queue());
  asio::io_context elsewhere(1);
  asio::cancellation_signal signal;
  int answer = 0;
  const auto fn = [&](environment&, coro::stop_token stop) {
    return wait_until_asked(never, stop);
  };
  const auto handler = [&](std::exception_ptr, int value) { answer = value; };
  async_query(*env_, fn,
              asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(elsewhere, handler)));
  context_.restart();
  context_.poll();
  signal.emit(asio::cancellation_type::total);
  context_.restart();
  context_.run();
  elsewhere.run();
  EXPECT_EQ(answer, 5);
  signal.emit(asio::cancellation_type::total);  // after the end: nobody is there
}

TEST_F(Query, SlotThatFiresBeforeTheTurnKeepsItFromRunning) {
  asio::cancellation_signal signal;
  bool ran = false;
  std::error_code code;
  const auto handler = [&](std::exception_ptr error) { code = code_of(error); };
  async_query(
      *env_, [&] { ran = true; },
      asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(context_, handler)));
  signal.emit(asio::cancellation_type::terminal);
  context_.restart();
  context_.run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(code, asio::error::operation_aborted);
  EXPECT_TRUE(coro::is_aborted(code));
}

TEST_F(Query, NothingOfTheCallersExecutorIsUsedOnceTheHandlerHasRun) {
  fleeting_home home;
  int answer = 0;
  const auto handler = [&](std::exception_ptr, int value) {
    answer = home.outstanding != 0 ? value : 0;
  };
  asio::cancellation_signal signal;
  async_query(
      *env_, [] { return 4; },
      asio::bind_cancellation_slot(signal.slot(),
                                   asio::bind_executor(fleeting_executor(home), handler)));
  context_.restart();
  context_.run();
  EXPECT_TRUE(home.gone);
  EXPECT_EQ(answer, 4);
  EXPECT_EQ(home.outstanding, 0);
  EXPECT_EQ(home.late, 0);
}

// A runtime without the memory for its first post.
class post_fails_once final : public coro::runtime {
 public:
  coro::io_engine& io() noexcept override { std::abort(); }
  std::int64_t now_ms() noexcept override { return 0; }
  std::int64_t wall_ms() noexcept override { return 0; }
  std::uint64_t random() noexcept override { return 4; }
  void start_timer(coro::timer_request&) override { std::abort(); }
  void cancel_timer(coro::timer_request&) noexcept override { std::abort(); }
  void post(std::function<void()>) override {
    if (++posts_ == 1) throw std::bad_alloc();
  }
  bool turn() override { return false; }
  int posts() const noexcept { return posts_; }

 private:
  int posts_ = 0;
};

TEST(QueryGate, JobThatCouldNotBePostedKeepsNoLaterOneWaiting) {
  post_fails_once runtime;
  const auto gate = std::make_shared<query_gate>(runtime);
  const auto nothing = [] {};
  EXPECT_THROW(async_query(gate, nothing, [](std::exception_ptr) {}), std::bad_alloc);
  bool refused = false;
  asio::io_context elsewhere(1);
  const auto handler = [&](std::exception_ptr error) { refused = error != nullptr; };
  async_query(gate, nothing, asio::bind_executor(elsewhere, handler));
  EXPECT_EQ(runtime.posts(), 2);
  gate->shut();
  elsewhere.run();
  EXPECT_TRUE(refused);
}

// Two threads ask while the owner writes; each answer is one of the owner's states.
constexpr std::uint64_t pair_sum = 1'000;

task<void> write_pairs(environment& env, coro::runtime& runtime, const std::atomic<int>& asking) {
  byte_store& store = env.open_byte_store("s");
  for (std::uint64_t i = 0; asking != 0; i = (i + 1) % pair_sum) {
    const std::string left = std::to_string(i);
    const std::string right = std::to_string(pair_sum - i);
    co_await store.put(as_bytes("left"), as_bytes(left));
    co_await store.put(as_bytes("right"), as_bytes(right));
    co_await env.commit();
    co_await coro::yield(runtime);
  }
}

TEST_F(Query, TwoThreadsSeeOnlyStatesOfTheOwner) {
  constexpr int questions = 300;
  std::atomic<int> asking = 2;
  std::atomic<int> wrong = 0;
  const auto ask = [&] {
    for (int i = 0; i < questions; ++i) {
      const std::uint64_t sum = async_query(*env_, sum_of_pair, asio::use_future).get();
      if (sum != pair_sum && sum != 0) ++wrong;
    }
    --asking;
  };
  std::thread first(ask);
  std::thread second(ask);
  sync_wait(runtime_, write_pairs(*env_, runtime_, asking));
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Query, RaceWithCloseAlwaysCompletes) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> answered = 0;
    std::atomic<bool> other_error = false;
    const auto ask = [&] {
      for (int i = 0; i < 20; ++i) {
        const std::error_code code = ask_for_code(*env_);
        if (code && code != errc::closed) other_error = true;
        ++answered;
      }
    };
    std::thread first(ask);
    std::thread second(ask);
    context_.restart();
    for (int i = 0; i < round; ++i) context_.poll();
    close();
    first.join();
    second.join();
    EXPECT_EQ(answered, 40);
    EXPECT_FALSE(other_error);
    env_ = sync_wait(runtime_, environment::open(runtime_, environment_options()));
  }
}

}  // namespace
}  // namespace lentic::test
