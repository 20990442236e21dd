// SPDX-License-Identifier: Apache-2.0
#pragma once

// event: a flag that coroutines wait for. set() wakes all waiters through the run queue, never
// inline; a wait on a set event is ready. Waiters resume on the owner's thread in FIFO order.
//
// Threads: one. Lifetime: nobody may wait when it is destroyed.

#include <lentic/coro/run_queue.hpp>

#include <cassert>
#include <coroutine>

namespace lentic::coro {

class event {
 public:
  explicit event(run_queue& queue) noexcept : queue_(&queue) {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { assert(first_ == nullptr && "an event was destroyed under a waiter"); }

  bool is_set() const noexcept { return set_; }
  void reset() noexcept { set_ = false; }
  void set() noexcept {
    set_ = true;
    wake_all();
  }
  // Wakes who waits now and leaves the flag as it is: for loops that test a condition of their own.
  void wake_all() noexcept {
    while (ready_node* const node = first_) {
      first_ = node->next;
      node->next = nullptr;
      queue_->push(*node);
    }
    last_ = nullptr;
  }

  class waiter : ready_node {
   public:
    explicit waiter(event& target) noexcept : target_(&target) {}
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    bool await_ready() const noexcept { return target_->set_; }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      ready_node::waiter = handle;
      target_->enlist(*this);
    }
    void await_resume() const noexcept {}

   private:
    event* target_;
  };
  [[nodiscard]] waiter wait() noexcept { return waiter(*this); }

 private:
  void enlist(ready_node& node) noexcept {
    if (last_ == nullptr) {
      first_ = &node;
    } else {
      last_->next = &node;
    }
    last_ = &node;
  }

  run_queue* queue_;
  bool set_ = false;
  ready_node* first_ = nullptr;
  ready_node* last_ = nullptr;
};

}  // namespace lentic::coro
