// SPDX-License-Identifier: Apache-2.0
#pragma once

// scope: where background work lives. spawn() starts a task at once, on the caller's stack until
// its first suspension; join() waits for all of them and rethrows the first error. The first error
// also asks the others to stop.
//
// There is no detached work: a scope must be joined before it is destroyed.
// Threads: one.

#include <lentic/coro/event.hpp>
#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/task.hpp>

#include <cassert>
#include <cstddef>
#include <exception>
#include <utility>

namespace lentic::coro {

namespace detail {
// A coroutine that owns itself: started at once, freed at its end. Its body must not throw.
struct detached {
  struct promise_type : pooled_frame {
    detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};
}  // namespace detail

class scope {
 public:
  explicit scope(run_queue& queue) noexcept : idle_(queue) { idle_.set(); }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope() { assert(live_ == 0 && "a scope was destroyed before it was joined"); }

  // Begins the work. When there is no memory for it, it throws and has no effect.
  void spawn(task<void> work) { run(*this, std::move(work)); }

  std::size_t live() const noexcept { return live_; }
  // The first error so far, which join() will throw; null when there is none.
  std::exception_ptr error() const noexcept { return error_; }
  stop_token token() noexcept { return stop_token(stop_); }
  void request_stop() { stop_.request_stop(); }

  // Waits until nothing is live. Throws the first error, once. Not cancellable.
  task<void> join() {
    while (live_ != 0) co_await idle_.wait();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  // Counts only once there is a frame: spawn() may find no memory for it.
  static detail::detached run(scope& self, task<void> work) {
    ++self.live_;
    self.idle_.reset();
    try {
      co_await std::move(work);
    } catch (...) {  // a spawn boundary: join() reports it
      if (!self.error_) self.error_ = std::current_exception();
    }
    if (self.error_ && !self.stop_.stop_requested()) self.stop_.request_stop();
    if (--self.live_ == 0) self.idle_.set();
  }

  std::size_t live_ = 0;
  event idle_;
  stop_source stop_;
  std::exception_ptr error_;
};

}  // namespace lentic::coro
