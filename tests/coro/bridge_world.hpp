// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of the Asio bridge share: an io_context with a runtime on it, tasks that suspend
// in chosen ways, and a way to run an asio::awaitable to its end.
// Threads: the test's. Errors: what the coroutine throws comes out of run().

#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/event.hpp>
#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/task.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace lentic::test {

class bridge_world {
 public:
  bridge_world() : context_(1), runtime_(context_) {}

  asio::io_context& context() noexcept { return context_; }
  coro::asio_runtime& runtime() noexcept { return runtime_; }

  // Runs handlers until there is no work left.
  void run() {
    context_.restart();
    context_.run();
  }
  // Runs the coroutine, and whatever else, to the end.
  void run(asio::awaitable<void> work) {
    std::exception_ptr failure;
    asio::co_spawn(context_, std::move(work), [&](std::exception_ptr error) { failure = error; });
    run();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  asio::io_context context_;
  coro::asio_runtime runtime_;
};

// Suspends `yields` times; 0 ends without suspending.
inline coro::task<int> slow(coro::runtime& runtime, int value, int yields = 1) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  co_return value;
}

inline coro::maybe_ready<int> lookup(coro::runtime& runtime, int value, bool ready) {
  if (ready) return value;
  return slow(runtime, value);
}

inline coro::task<int> fail_late(coro::runtime& runtime, int yields = 1) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  throw std::system_error(ENOSPC, std::system_category(), "late");
}

constexpr std::int64_t an_hour_ms = 3'600'000;

// Sleeps for an hour; ECANCELED when it is stopped.
inline coro::task<int> sleep_long(coro::runtime& runtime, coro::stop_token stop) {
  const std::int64_t deadline_ms = runtime.now_ms() + an_hour_ms;
  co_await coro::sleep_until(runtime, deadline_ms, stop);
  if (stop.stop_requested()) throw std::system_error(coro::aborted_code());
  co_return 1;
}

}  // namespace lentic::test
