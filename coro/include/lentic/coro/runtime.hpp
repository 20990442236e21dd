// SPDX-License-Identifier: Apache-2.0
#pragma once

// runtime: what one thread of coroutines needs of the world: a run queue, an I/O engine, a clock,
// timers and randomness, all handed in, so that the same store runs on io_uring and in the
// simulator. asio_runtime is the real one, sim_runtime the simulated one.
//
// Threads: everything here is for the owning thread, except post(). Time: milliseconds; now_ms() is
// monotonic and has no epoch, wall_ms() counts from 1970.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/stop_token.hpp>

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>

namespace lentic::coro {

struct timer_request : ready_node {
  std::int64_t deadline_ms = 0;  // of now_ms()
  bool pending = false;          // set by start_timer, cleared before the push
};

class runtime {
 public:
  runtime() = default;
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  virtual ~runtime() = default;

  run_queue& queue() noexcept { return queue_; }
  virtual io_engine& io() noexcept = 0;
  virtual std::int64_t now_ms() noexcept = 0;
  virtual std::int64_t wall_ms() noexcept = 0;
  virtual std::uint64_t random() noexcept = 0;

  // Pushes the request on the run queue at its deadline, or at cancel_timer.
  virtual void start_timer(timer_request& request) = 0;
  virtual void cancel_timer(timer_request& request) noexcept = 0;

  // The one call for other threads: `work` runs on the owner's thread in one of its next turns, in
  // the order of posts. The caller sees to it that the runtime lives; work that gets no turn before
  // the runtime ends is destroyed. What it throws comes out of the turn.
  virtual void post(std::function<void()> work) = 0;

  // One turn: runs what is ready, else waits for a completion or a timer. False when nothing is
  // ready and nothing is under way: whoever waits, waits for ever.
  virtual bool turn() = 0;

  // Ends that are still under way: what was dropped without being closed and waits for its last
  // operations. sync_wait() and the end of a runtime turn until there is none.
  std::size_t open_ends() const noexcept { return open_ends_; }

 protected:
  run_queue queue_;

 private:
  friend class open_end;
  std::size_t open_ends_ = 0;
};

// One of runtime::open_ends(), for as long as it lives.
class open_end {
 public:
  explicit open_end(runtime& owner) noexcept : owner_(&owner) { ++owner_->open_ends_; }
  open_end(const open_end&) = delete;
  open_end& operator=(const open_end&) = delete;
  ~open_end() { --owner_->open_ends_; }

 private:
  runtime* owner_;
};

// co_await sleep_until(runtime, deadline, stop): returns at the deadline, or early when stopped.
class sleep_until {
 public:
  sleep_until(runtime& owner, std::int64_t deadline_ms, stop_token stop = {}) noexcept
      : owner_(&owner), stop_(stop) {
    request_.deadline_ms = deadline_ms;
  }
  sleep_until(const sleep_until&) = delete;
  sleep_until& operator=(const sleep_until&) = delete;
  ~sleep_until() { assert(!request_.pending && "a frame was destroyed while it slept"); }

  bool await_ready() const noexcept {
    return stop_.stop_requested() || owner_->now_ms() >= request_.deadline_ms;
  }
  void await_suspend(std::coroutine_handle<> handle) {
    request_.waiter = handle;
    owner_->start_timer(request_);
    const auto wake = [](void* self) noexcept {
      sleep_until& sleeper = *static_cast<sleep_until*>(self);
      if (sleeper.request_.pending) sleeper.owner_->cancel_timer(sleeper.request_);
    };
    callback_.emplace(stop_, wake, this);
  }
  void await_resume() noexcept { callback_.reset(); }

 private:
  runtime* owner_;
  stop_token stop_;
  timer_request request_;
  std::optional<stop_callback> callback_;
};

// co_await yield(runtime): lets everybody else who is ready run first, and the turn end, so that
// completions are reaped. For loops without I/O.
class yield : ready_node {
 public:
  explicit yield(runtime& owner) noexcept : queue_(&owner.queue()) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    waiter = handle;
    queue_->push(*this);
  }
  void await_resume() const noexcept {}

 private:
  run_queue* queue_;
};

}  // namespace lentic::coro
