// SPDX-License-Identifier: Apache-2.0
#pragma once

// How one coroutine hands control to another and gets it back, without tail calls: g++ overflows
// the stack with symmetric transfer at -O0 and under sanitizers.
//
// The child is resumed inside the parent's await_suspend. If it finishes there, await_suspend
// answers "do not suspend" and the parent runs on: a loop of ready children needs constant stack in
// every build. If it suspends, its final suspend resumes the parent later.
//
// Stack depth equals call depth, so recursion over data must be written as a loop.
// Threads: parent and child run on one thread; nothing here is synchronised.

#include <coroutine>

namespace lentic::coro::detail {

struct handover_promise {
  std::coroutine_handle<> parent{};
  bool inside = false;    // the parent's await_suspend is still on the stack
  bool finished = false;  // final suspend was reached

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      handover_promise& promise = self.promise();
      promise.finished = true;
      if (!promise.inside && promise.parent) promise.parent.resume();
    }
    void await_resume() const noexcept {}
  };
  final_awaiter final_suspend() const noexcept { return {}; }
};

// Starts `child` on behalf of `parent`. Returns what await_suspend returns: true = stay suspended.
template <class Promise>
bool hand_over(std::coroutine_handle<Promise> child, std::coroutine_handle<> parent) {
  handover_promise& promise = child.promise();
  promise.parent = parent;
  promise.inside = true;
  child.resume();
  promise.inside = false;
  return !promise.finished;
}

}  // namespace lentic::coro::detail
