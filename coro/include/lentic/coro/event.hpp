// SPDX-License-Identifier: Apache-2.0
#pragma once

// event: a flag that coroutines wait for. set() wakes all waiters through the run queue, never
// inline; a wait on a set event is ready. Waiters resume on the owner's thread in FIFO order.
// Cancellation: wait(stop) also returns once the token asks; the caller looks which it was.
//
// Threads: one. Lifetime: nobody may wait when it is destroyed.

#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/wait_list.hpp>

#include <cassert>
#include <coroutine>
#include <optional>

namespace lentic::coro {

class event {
 public:
  explicit event(run_queue& queue) noexcept : queue_(&queue) {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { assert(waiting_.empty() && "an event was destroyed under a waiter"); }

  bool is_set() const noexcept { return set_; }
  void reset() noexcept { set_ = false; }
  void set() noexcept {
    set_ = true;
    wake_all();
  }
  // Wakes who waits now and leaves the flag as it is: for loops that test a condition of their own.
  void wake_all() noexcept {
    while (wait_list::node* const node = waiting_.take()) queue_->push(*node);
  }

  class waiter : wait_list::node {
   public:
    explicit waiter(event& target) noexcept : target_(&target) {}
    bool await_ready() const noexcept { return target_->set_; }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      ready_node::waiter = handle;
      target_->waiting_.append(*this);
    }
    void await_resume() const noexcept {}

   private:
    friend class event;
    event* target_;
  };
  [[nodiscard]] waiter wait() noexcept { return waiter(*this); }

  class stoppable_waiter {
   public:
    stoppable_waiter(event& target, stop_token stop) noexcept : waiter_(target), stop_(stop) {}
    stoppable_waiter(const stoppable_waiter&) = delete;
    stoppable_waiter& operator=(const stoppable_waiter&) = delete;
    bool await_ready() const noexcept { return stop_.stop_requested() || waiter_.await_ready(); }
    void await_suspend(std::coroutine_handle<> handle) {
      waiter_.await_suspend(handle);
      callback_.emplace(stop_, &stoppable_waiter::leave, this);
    }
    void await_resume() noexcept { callback_.reset(); }

   private:
    static void leave(void* self) noexcept {
      waiter& leaving = static_cast<stoppable_waiter*>(self)->waiter_;
      if (leaving.list == nullptr) return;  // woken, and not resumed yet
      leaving.list->remove(leaving);
      leaving.target_->queue_->push(leaving);
    }

    waiter waiter_;
    stop_token stop_;
    std::optional<stop_callback> callback_;
  };
  [[nodiscard]] stoppable_waiter wait(stop_token stop) noexcept {
    return stoppable_waiter(*this, stop);
  }

 private:
  run_queue* queue_;
  bool set_ = false;
  wait_list waiting_;
};

}  // namespace lentic::coro
