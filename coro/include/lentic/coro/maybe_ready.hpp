// SPDX-License-Identifier: Apache-2.0
#pragma once

// maybe_ready<T>: a value that is there now, or a task that has not started. The return type of
// every operation that is usually answered from memory: awaiting a ready one neither suspends, nor
// builds a frame, nor allocates.
//
//   maybe_ready<std::optional<value_view>> found = store.get(key);
//   if (found.ready()) use(found.take());            // outside a coroutine
//   const auto value = co_await store.get(key);       // inside one
//
// Threads, lifetime and errors are those of task<T>; a ready result carries no error: an operation
// that fails at once throws from the call or hands out a task that throws.

#include <lentic/coro/task.hpp>

#include <cassert>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

namespace lentic::coro {

template <class T = void>
class [[nodiscard("await it, or take() it when ready()")]] maybe_ready {
 public:
  using value_type = T;

  maybe_ready(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}
  maybe_ready(task<T>&& pending) noexcept : pending_(std::move(pending)) {}

  bool ready() const noexcept { return !pending_; }
  // Precondition: ready().
  T take() {
    assert(ready());
    return std::move(*value_);
  }

  bool await_ready() const noexcept { return ready(); }
  bool await_suspend(std::coroutine_handle<> parent) {
    return detail::hand_over(pending_.handle(), parent);
  }
  T await_resume() {
    if (!pending_) [[likely]]
      return std::move(*value_);
    return pending_.handle().promise().take();
  }

  // The same as a task; builds a frame when ready.
  task<T> into_task() && {
    if (ready()) return of(take());
    return std::move(pending_);
  }

 private:
  static task<T> of(T value) { co_return value; }

  std::optional<T> value_;
  task<T> pending_;
};

template <>
class [[nodiscard("await it")]] maybe_ready<void> {
 public:
  using value_type = void;

  maybe_ready() noexcept = default;
  maybe_ready(task<void>&& pending) noexcept : pending_(std::move(pending)) {}

  bool ready() const noexcept { return !pending_; }
  void take() const noexcept { assert(ready()); }

  bool await_ready() const noexcept { return ready(); }
  bool await_suspend(std::coroutine_handle<> parent) {
    return detail::hand_over(pending_.handle(), parent);
  }
  void await_resume() {
    if (pending_) pending_.handle().promise().take();
  }

  task<void> into_task() && {
    if (ready()) return nothing();
    return std::move(pending_);
  }

 private:
  static task<void> nothing() { co_return; }

  task<void> pending_;
};

}  // namespace lentic::coro
