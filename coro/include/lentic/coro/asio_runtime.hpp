// SPDX-License-Identifier: Apache-2.0
#pragma once

// asio_runtime: the real runtime. Asio hosts the thread, the I/O engine is its guest: at the end of
// each turn finished operations are reaped at once, and an idle thread sleeps in the io_context.
//
// Two ways to drive it. turn() (under sync_wait) runs coroutines, and the io_context's handlers
// between them. Or the application calls io_context.run(): then coroutines run from a handler that
// the runtime posts whenever something becomes ready, and run() returns once nothing is under way.
//
// Threads: the creating thread only, except post(); io_context.run() and turn() are called on it.
// Lifetime: the io_context outlives the runtime; the runtime outlives every coroutine it resumes.
// At destruction no operation and no timer may be pending; the thread's idle frames are freed.
// Not promised: fairness between coroutines and handlers beyond one look at the handlers every 16
// turns; timers that are finer than a millisecond.

#include <lentic/coro/runtime.hpp>

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

namespace lentic::coro {

enum class engine_choice : std::uint8_t {
  automatic,  // io_uring; threads where the kernel or a container refuses it, with one log line
  uring,
  threads,
};

struct asio_runtime_options {
  engine_choice engine = engine_choice::automatic;
  std::function<void(std::string_view line)> log;  // null: nobody listens
};

class asio_runtime final : public runtime {
 public:
  // Throws std::system_error when the engine asked for cannot be had.
  explicit asio_runtime(asio::io_context& context, const asio_runtime_options& options = {});
  ~asio_runtime() override;

  // Of the io_context: where coroutines run.
  using executor_type = asio::io_context::executor_type;
  executor_type get_executor() noexcept;
  // Any thread may ask.
  bool on_owners_thread() const noexcept { return owner_ == std::this_thread::get_id(); }

  io_engine& io() noexcept override;
  std::int64_t now_ms() noexcept override;
  std::int64_t wall_ms() noexcept override;
  std::uint64_t random() noexcept override;

  // O(log n) in pending timers. Timers with one deadline wake in the order in which they started.
  void start_timer(timer_request& request) override;
  void cancel_timer(timer_request& request) noexcept override;

  // Counts as work of the io_context until it has run; needs one that locks (any but
  // ASIO_CONCURRENCY_HINT_UNSAFE).
  void post(std::function<void()> work) override;

  // False when no coroutine is ready, no operation and no timer is pending, and the io_context has
  // no work either. What the application waits for in Asio (a signal, a socket) counts as work.
  // Errors: what a handler of the application throws passes through. Not from inside a coroutine.
  bool turn() override;

 private:
  class host;

  const std::thread::id owner_ = std::this_thread::get_id();
  std::shared_ptr<host> host_;  // shared with handlers that the io_context still holds (weakly)
};

}  // namespace lentic::coro
