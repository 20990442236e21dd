// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"
#include "bridge_world.hpp"

#include <lentic/coro/as_result.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/use_task.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/dispatch.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace lentic::test {
namespace {

using coro::use_result;
using coro::use_task;
using socket_type = asio::local::stream_protocol::socket;

class socket_pair {
 public:
  explicit socket_pair(asio::io_context& context) : near(context), far(context) {
    asio::local::connect_pair(near, far);
  }
  socket_type near;
  socket_type far;
};

coro::task<std::string> read_some(socket_type& socket) {
  std::array<char, 16> storage{};
  const asio::mutable_buffer buffer = asio::buffer(storage);
  const std::size_t got = co_await socket.async_read_some(buffer, use_task);
  co_return std::string(storage.data(), got);
}

coro::task<void> write_all(socket_type& socket, std::string text) {
  const asio::const_buffer buffer = asio::buffer(text);
  const std::size_t put = co_await asio::async_write(socket, buffer, use_task);
  EXPECT_EQ(put, text.size());
}

TEST(UseTask, BytesGoThroughASocket) {
  bridge_world world;
  socket_pair pair(world.context());
  coro::sync_wait(world.runtime(), write_all(pair.far, "hello"));
  EXPECT_EQ(coro::sync_wait(world.runtime(), read_some(pair.near)), "hello");
}

TEST(UseTask, ErrorIsThrown) {
  bridge_world world;
  socket_pair pair(world.context());
  pair.far.close();
  try {
    coro::sync_wait(world.runtime(), read_some(pair.near));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::system_error& failure) {
    EXPECT_EQ(failure.code(), asio::error::eof);
  }
}

coro::task<coro::result<std::size_t>> read_answered(socket_type& socket) {
  std::array<char, 16> storage{};
  const asio::mutable_buffer buffer = asio::buffer(storage);
  co_return co_await socket.async_read_some(buffer, use_result);
}

TEST(UseTask, UseResultAnswersErrorAndValue) {
  bridge_world world;
  socket_pair pair(world.context());
  coro::sync_wait(world.runtime(), write_all(pair.far, "abc"));
  const auto got = coro::sync_wait(world.runtime(), read_answered(pair.near));
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 3U);
  pair.far.close();
  const auto end = coro::sync_wait(world.runtime(), read_answered(pair.near));
  EXPECT_EQ(end.error(), asio::error::eof);
}

coro::task<std::string> read_ten(socket_type& socket) {
  std::string text(10, '?');
  const asio::mutable_buffer buffer = asio::buffer(text);
  co_await asio::async_read(socket, buffer, use_task);
  co_return text;
}

TEST(UseTask, ComposedOperationOfAsioWorks) {
  bridge_world world;
  socket_pair pair(world.context());
  coro::scope writers(world.runtime().queue());
  writers.spawn(write_all(pair.far, "01234"));
  writers.spawn(write_all(pair.far, "56789"));
  EXPECT_EQ(coro::sync_wait(world.runtime(), read_ten(pair.near)), "0123456789");
  coro::sync_wait(world.runtime(), writers.join());
}

coro::task<std::tuple<std::error_code, std::size_t>> read_until_end(socket_type& socket) {
  std::string text(10, '?');
  const asio::mutable_buffer buffer = asio::buffer(text);
  co_return co_await asio::async_read(socket, buffer, coro::use_tuple);
}

TEST(UseTask, UseTupleKeepsTheBytesBeforeTheEnd) {
  bridge_world world;
  socket_pair pair(world.context());
  coro::sync_wait(world.runtime(), write_all(pair.far, "0123"));
  pair.far.close();
  const auto [error, bytes] = coro::sync_wait(world.runtime(), read_until_end(pair.near));
  EXPECT_EQ(error, asio::error::eof);
  EXPECT_EQ(bytes, 4U);
}

// An operation of the test's own: (error, int, string), completed inside the initiation.
template <class Token>
auto async_inline(std::error_code code, Token&& token) {
  const auto initiate = [](auto handler, std::error_code given) {
    std::move(handler)(given, 4, std::string("four"));
  };
  return asio::async_initiate<Token, void(std::error_code, int, std::string)>(initiate, token,
                                                                              code);
}

coro::task<std::string> several_values(std::error_code code) {
  const std::tuple<int, std::string> both = co_await async_inline(code, use_task);
  co_return std::get<1>(both) + std::to_string(std::get<0>(both));
}

TEST(UseTask, SeveralValuesAreATuple) {
  bridge_world world;
  EXPECT_EQ(coro::sync_wait(world.runtime(), several_values(std::error_code())), "four4");
  const auto code = std::make_error_code(std::errc::io_error);
  EXPECT_THROW(coro::sync_wait(world.runtime(), several_values(code)), std::system_error);
}

coro::task<std::int64_t> inline_many(int count) {
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const std::tuple<int, std::string> both = co_await async_inline(std::error_code(), use_task);
    sum += std::get<0>(both);
  }
  co_return sum;
}

TEST(UseTask, OperationThatCompletesInsideItsInitiationNeedsConstantStack) {
  bridge_world world;
  EXPECT_EQ(coro::sync_wait(world.runtime(), inline_many(100'000)), 400'000);
}

template <class Token>
auto async_throwing(std::exception_ptr error, Token&& token) {
  const auto initiate = [](auto handler, std::exception_ptr given) {
    std::move(handler)(given, 5);
  };
  return asio::async_initiate<Token, void(std::exception_ptr, int)>(initiate, token, error);
}

coro::task<int> with_exception(std::exception_ptr error) {
  co_return co_await async_throwing(error, use_task);
}
coro::task<coro::result<int>> with_exception_answered(std::exception_ptr error) {
  co_return co_await async_throwing(error, use_result);
}

TEST(UseTask, ExceptionPointerIsRethrownOrAnswered) {
  bridge_world world;
  EXPECT_EQ(coro::sync_wait(world.runtime(), with_exception(nullptr)), 5);
  const auto failure = std::make_exception_ptr(
      std::system_error(std::make_error_code(std::errc::no_space_on_device)));
  EXPECT_THROW(coro::sync_wait(world.runtime(), with_exception(failure)), std::system_error);
  const auto answered = coro::sync_wait(world.runtime(), with_exception_answered(failure));
  EXPECT_EQ(answered.error(), std::errc::no_space_on_device);
  const auto other = std::make_exception_ptr(std::runtime_error("other"));
  EXPECT_THROW(static_cast<void>(coro::sync_wait(world.runtime(), with_exception_answered(other))),
               std::runtime_error);
}

coro::task<void> post_and_note(asio::io_context& context, std::vector<int>& order) {
  order.push_back(1);
  co_await asio::post(context, use_task);
  order.push_back(3);
}

TEST(UseTask, PostResumesFromTheLoop) {
  bridge_world world;
  std::vector<int> order;
  coro::scope work(world.runtime().queue());
  work.spawn(post_and_note(world.context(), order));
  order.push_back(2);
  world.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

coro::task<void> ping(socket_type& near, socket_type& far, int count) {
  std::array<char, 1> storage{'x'};
  const asio::mutable_buffer in = asio::buffer(storage);
  const asio::const_buffer out = asio::buffer(storage);
  for (int i = 0; i < count; ++i) {
    co_await far.async_write_some(out, use_task);
    co_await near.async_read_some(in, use_task);
  }
}

coro::task<std::uint64_t> allocations_of_pings(socket_pair& pair) {
  co_await ping(pair.near, pair.far, 100);
  const std::uint64_t before = allocation_count();
  co_await ping(pair.near, pair.far, 1000);
  co_return allocation_count() - before;
}

TEST(UseTask, WarmOperationAllocatesNothing) {
  bridge_world world;
  socket_pair pair(world.context());
  std::uint64_t allocations = 1;
  const auto note = [](socket_pair& sockets, std::uint64_t& count) -> coro::task<void> {
    count = co_await allocations_of_pings(sockets);
  };
  coro::scope work(world.runtime().queue());
  asio::post(world.context(), [&] { work.spawn(note(pair, allocations)); });
  world.run();  // Asio recycles memory only inside run()
  EXPECT_EQ(allocations, 0U);
}

coro::task<std::error_code> sleep_in_task(asio::steady_timer& timer, coro::stop_token stop) {
  timer.expires_after(std::chrono::hours(1));
  const coro::use_result_t token = use_result(stop);
  const coro::result<void> slept = co_await timer.async_wait(token);
  co_return slept.error();
}

coro::task<void> stop_it(coro::stop_source& source) {
  source.request_stop();
  co_return;
}

coro::task<void> note_code(coro::task<std::error_code> work, std::error_code& code) {
  code = co_await std::move(work);
}

TEST(UseTask, StopTokenCancelsASuspendedOperation) {
  bridge_world world;
  asio::steady_timer timer(world.context());
  coro::stop_source source;
  std::error_code code;
  coro::scope work(world.runtime().queue());
  work.spawn(note_code(sleep_in_task(timer, coro::stop_token(source)), code));
  coro::sync_wait(world.runtime(), stop_it(source));
  coro::sync_wait(world.runtime(), work.join());
  EXPECT_EQ(code, asio::error::operation_aborted);
  EXPECT_TRUE(coro::is_aborted(code));
}

TEST(UseTask, StopBeforeTheStartInitiatesNothing) {
  bridge_world world;
  asio::steady_timer timer(world.context());
  coro::stop_source source;
  source.request_stop();
  const coro::stop_token stop(source);
  EXPECT_EQ(coro::sync_wait(world.runtime(), sleep_in_task(timer, stop)),
            asio::error::operation_aborted);
  EXPECT_EQ(world.context().poll(), 0U);
}

TEST(UseTask, StopAfterTheEndHarmsNobody) {
  bridge_world world;
  socket_pair pair(world.context());
  coro::stop_source source;
  const auto read = [](socket_type& socket, coro::stop_token stop) -> coro::task<std::size_t> {
    std::array<char, 4> storage{};
    const asio::mutable_buffer buffer = asio::buffer(storage);
    const coro::use_task_t token = use_task(stop);
    co_return co_await socket.async_read_some(buffer, token);
  };
  coro::sync_wait(world.runtime(), write_all(pair.far, "ab"));
  EXPECT_EQ(coro::sync_wait(world.runtime(), read(pair.near, coro::stop_token(source))), 2U);
  source.request_stop();
}

TEST(UseTask, BoundSlotCancels) {
  bridge_world world;
  asio::steady_timer timer(world.context(), std::chrono::hours(1));
  asio::cancellation_signal signal;
  const auto sleep = [](asio::steady_timer& target,
                        asio::cancellation_slot slot) -> coro::task<std::error_code> {
    auto token = asio::bind_cancellation_slot(slot, use_result);
    const coro::result<void> slept = co_await target.async_wait(token);
    co_return slept.error();
  };
  std::error_code code;
  coro::scope work(world.runtime().queue());
  work.spawn(note_code(sleep(timer, signal.slot()), code));
  signal.emit(asio::cancellation_type::terminal);
  coro::sync_wait(world.runtime(), work.join());
  EXPECT_EQ(code, asio::error::operation_aborted);
}

TEST(UseTask, HandlerThatItsContextDestroysEndsTheOperation) {
  bridge_world world;
  std::error_code code;
  coro::scope work(world.runtime().queue());
  {
    asio::io_context shortlived(1);
    asio::steady_timer timer(shortlived);
    work.spawn(note_code(sleep_in_task(timer, coro::stop_token()), code));
    EXPECT_EQ(work.live(), 1U);
  }
  EXPECT_EQ(work.live(), 0U);
  EXPECT_EQ(code, asio::error::operation_aborted);
}

coro::task<void> post_and_note_error(asio::io_context& context, coro::stop_token stop,
                                     std::error_code& code, bool& resumed) {
  const coro::use_task_t token = use_task(stop);
  try {
    co_await asio::post(context, token);
    resumed = true;
  } catch (const std::system_error& failure) {
    code = failure.code();
  }
}

TEST(UseTask, OperationWithoutAnErrorIsAbortedByTheEndOfItsContext) {
  bridge_world world;
  std::error_code code;
  bool resumed = false;
  coro::scope work(world.runtime().queue());
  {
    asio::io_context shortlived(1);
    work.spawn(post_and_note_error(shortlived, coro::stop_token(), code, resumed));
    EXPECT_EQ(work.live(), 1U);
  }
  EXPECT_EQ(work.live(), 0U);
  EXPECT_FALSE(resumed);
  EXPECT_EQ(code, asio::error::operation_aborted);
}

TEST(UseTask, StopBeforeTheStartCountsForAnOperationWithoutAnError) {
  bridge_world world;
  coro::stop_source source;
  source.request_stop();
  std::error_code code;
  bool resumed = false;
  coro::scope work(world.runtime().queue());
  work.spawn(post_and_note_error(world.context(), coro::stop_token(source), code, resumed));
  EXPECT_EQ(work.live(), 0U);
  EXPECT_FALSE(resumed);
  EXPECT_EQ(code, asio::error::operation_aborted);
  EXPECT_EQ(world.context().poll(), 0U);
}

// Asks for its own stop while it starts, and completes inside the cancellation.
template <class Token>
auto async_stop_itself(coro::stop_source& source, Token&& token) {
  const auto initiate = [](auto handler, coro::stop_source* asked) {
    using handler_type = decltype(handler);
    auto slot = asio::get_associated_cancellation_slot(handler);
    const auto kept = std::make_shared<handler_type>(std::move(handler));
    slot.assign([kept](asio::cancellation_type) {
      const std::error_code aborted = asio::error::operation_aborted;
      std::move (*kept)(aborted);
    });
    asked->request_stop();
  };
  return asio::async_initiate<Token, void(std::error_code)>(initiate, token, &source);
}

coro::task<std::error_code> stop_itself(coro::stop_source& source) {
  const coro::use_result_t token = use_result(coro::stop_token(source));
  const coro::result<void> ended = co_await async_stop_itself(source, token);
  co_return ended.error();
}

TEST(UseTask, StopDuringTheStartMayCompleteTheOperationInline) {
  bridge_world world;
  coro::stop_source source;
  EXPECT_EQ(coro::sync_wait(world.runtime(), stop_itself(source)), asio::error::operation_aborted);
}

TEST(UseTask, ObjectOfAnotherThreadComesBackToTheOwner) {
  bridge_world world;
  asio::io_context elsewhere(1);
  asio::steady_timer timer(elsewhere, std::chrono::milliseconds(1));
  const auto sleep = [](asio::steady_timer& target,
                        coro::asio_runtime& runtime) -> coro::task<std::thread::id> {
    auto token = asio::bind_executor(runtime.get_executor(), use_task);
    co_await target.async_wait(token);
    co_return std::this_thread::get_id();
  };
  const auto guard = asio::make_work_guard(elsewhere);
  std::thread other([&] { elsewhere.run(); });
  EXPECT_EQ(coro::sync_wait(world.runtime(), sleep(timer, world.runtime())),
            std::this_thread::get_id());
  elsewhere.stop();
  other.join();
}

}  // namespace
}  // namespace lentic::test
