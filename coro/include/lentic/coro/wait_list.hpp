// SPDX-License-Identifier: Apache-2.0
#pragma once

// wait_list: coroutines that wait for one thing, first come first served, and may leave early.
// Intrusive: a node lives in the awaiting frame. For primitives that own a condition, such as event
// and async_mutex; a taken node is pushed on the run queue by its primitive, never resumed inline.
//
// Threads: one. Lifetime: a listed node stays where it is. All operations are O(1).

#include <lentic/coro/run_queue.hpp>

#include <cassert>

namespace lentic::coro {

class wait_list {
 public:
  struct node : ready_node {
    node() = default;
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    ~node() { assert(list == nullptr && "a frame was destroyed while it waited"); }

    wait_list* list = nullptr;  // where it waits
    node* before = nullptr;
    node* after = nullptr;
  };

  wait_list() = default;
  wait_list(const wait_list&) = delete;
  wait_list& operator=(const wait_list&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }

  void append(node& waiting) noexcept {
    assert(waiting.list == nullptr);
    waiting.list = this;
    waiting.before = last_;
    waiting.after = nullptr;
    (last_ != nullptr ? last_->after : first_) = &waiting;
    last_ = &waiting;
  }

  void remove(node& waiting) noexcept {
    assert(waiting.list == this);
    (waiting.before != nullptr ? waiting.before->after : first_) = waiting.after;
    (waiting.after != nullptr ? waiting.after->before : last_) = waiting.before;
    waiting.list = nullptr;
  }

  // The oldest, or null.
  node* take() noexcept {
    node* const oldest = first_;
    if (oldest != nullptr) remove(*oldest);
    return oldest;
  }

 private:
  node* first_ = nullptr;
  node* last_ = nullptr;
};

}  // namespace lentic::coro
