// SPDX-License-Identifier: Apache-2.0
#pragma once

// task<T>: a lazy coroutine with one result, awaited once. It starts when it is awaited, runs on
// the awaiting thread, and resumes its awaiter where it finished. Exceptions pass to the awaiter.
//
// Threads: a task belongs to one thread from creation to destruction.
// Lifetime: destroying an unstarted or finished task is fine. Destroying one that is suspended in
// I/O is a broken precondition; the I/O operation asserts it.
// Cancellation: none of its own; operations that can be stopped take a stop_token.

#include <lentic/coro/frame_pool.hpp>
#include <lentic/coro/handover.hpp>

#include <cassert>
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace lentic::coro {

template <class T = void>
class task;

namespace detail {

template <class T>
struct task_promise : handover_promise, pooled_frame {
  std::optional<T> value;
  std::exception_ptr error;

  task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::convertible_to<U&&, T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  void unhandled_exception() noexcept { error = std::current_exception(); }
  T take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
    return std::move(*value);
  }
};

template <>
struct task_promise<void> : handover_promise, pooled_frame {
  std::exception_ptr error;

  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { error = std::current_exception(); }
  void take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }
};

}  // namespace detail

template <class T>
class [[nodiscard("a task does nothing until it is awaited")]] task {
 public:
  using value_type = T;
  using promise_type = detail::task_promise<T>;
  using handle_type = std::coroutine_handle<promise_type>;

  task() noexcept = default;
  explicit task(handle_type handle) noexcept : handle_(handle) {}
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    task moved(std::move(other));
    std::swap(handle_, moved.handle_);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  handle_type handle() const noexcept { return handle_; }

  class awaiter {
   public:
    explicit awaiter(handle_type handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) const {
      return detail::hand_over(handle_, parent);
    }
    T await_resume() const { return handle_.promise().take(); }

   private:
    handle_type handle_;
  };

  // Precondition: not awaited before.
  awaiter operator co_await() && noexcept {
    assert(handle_ && !handle_.promise().parent && "a task is awaited once");
    return awaiter(handle_);
  }

 private:
  handle_type handle_{};
};

namespace detail {
template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}
}  // namespace detail

}  // namespace lentic::coro
