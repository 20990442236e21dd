// SPDX-License-Identifier: Apache-2.0
#pragma once

// The queue of coroutines that may go on. Completions and wake-ups push here and never resume
// inline, so nobody runs on a stranger's stack; the runtime drains it once a turn.
//
// Intrusive and FIFO: a waiter is a ready_node in the awaiting frame, so a push allocates nothing.
// A host that sleeps elsewhere hears of the first push through on_first_push().
// Threads: one thread. Lifetime: a queued node must stay where it is until it is resumed.

#include <cassert>
#include <coroutine>
#include <cstddef>

namespace lentic::coro {

struct ready_node {
  std::coroutine_handle<> waiter{};
  ready_node* next = nullptr;
};

class run_queue {
 public:
  run_queue() = default;
  run_queue(const run_queue&) = delete;
  run_queue& operator=(const run_queue&) = delete;

  // Calls `hook(argument)` at every push that finds the queue empty. One hook; null for none. It
  // runs inside the push: it may note or post, never resume.
  using push_hook = void (*)(void* argument) noexcept;
  void on_first_push(push_hook hook, void* argument) noexcept {
    hook_ = hook;
    hook_argument_ = argument;
  }

  void push(ready_node& node) noexcept {
    assert(node.waiter && node.next == nullptr && &node != last_);
    if (last_ == nullptr) {
      first_ = &node;
      last_ = &node;
      if (hook_ != nullptr) hook_(hook_argument_);
    } else {
      last_->next = &node;
      last_ = &node;
    }
  }

  bool empty() const noexcept { return first_ == nullptr; }

  // Resumes the oldest; false when there is none.
  bool run_one() {
    ready_node* const node = first_;
    if (node == nullptr) return false;
    first_ = node->next;
    if (first_ == nullptr) last_ = nullptr;
    node->next = nullptr;
    node->waiter.resume();  // may destroy the node
    return true;
  }

  // Resumes at most `limit` waiters; returns how many. The bound keeps a turn finite.
  std::size_t run(std::size_t limit) {
    std::size_t count = 0;
    while (count < limit && run_one()) ++count;
    return count;
  }

  // Resumes at most `limit` of those that wait now, and none that they push: between two calls the
  // host reaps completions, so a coroutine that yields in a loop cannot starve them.
  std::size_t run_present(std::size_t limit) {
    const ready_node* const end = last_;
    std::size_t count = 0;
    while (count < limit && first_ != nullptr) {
      const bool final = first_ == end;
      run_one();
      ++count;
      if (final) break;
    }
    return count;
  }

 private:
  ready_node* first_ = nullptr;
  ready_node* last_ = nullptr;
  push_hook hook_ = nullptr;
  void* hook_argument_ = nullptr;
};

}  // namespace lentic::coro
