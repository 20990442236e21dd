// SPDX-License-Identifier: Apache-2.0
#pragma once

// when_all(works...): tasks and maybe_readys side by side; all results, once all have ended.
//
//   const std::tuple<A, B> both = co_await when_all(std::move(first), std::move(second));
//   const std::vector<T> each = co_await when_all(std::move(tasks));
//
// A void result is std::monostate in the tuple; a vector of task<void> answers nothing.
// Ready ones cost nothing: when all are, the await neither suspends nor builds a frame. The others
// start in order, at the await, and each costs one pooled frame.
// Errors: the first in time is thrown, after all have ended: nothing is left running behind.
// Cancellation: that of the works; hand them a common stop_token to stop the rest.
// Threads: one; the last to end resumes the awaiter, as a task does.

#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/task.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lentic::coro {

namespace detail {

struct when_all_state {
  std::size_t open = 1;  // one for the start itself
  std::coroutine_handle<> waiter{};
  std::exception_ptr error;

  void one_ended() {
    if (--open == 0) waiter.resume();
  }
  // True when the awaiter stays suspended.
  bool all_started() noexcept { return --open != 0; }
  void check() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }
};

template <class T>
class when_all_part {
 public:
  using result_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  explicit when_all_part(maybe_ready<T> work) : work_(std::move(work)) {}

  bool ready() const noexcept { return work_.ready(); }
  void start(when_all_state& state) {
    if (ready()) return;
    ++state.open;
    try {
      run(*this, state);
    } catch (...) {  // no memory for the frame; those that run already need the awaiter
      --state.open;
      if (!state.error) state.error = std::current_exception();
    }
  }
  // Precondition: ready or ended, without an error.
  result_type take() {
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return value_ ? std::move(*value_) : work_.take();
    }
  }

 private:
  static detached run(when_all_part& part, when_all_state& state) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await part.work_;
      } else {
        T value = co_await part.work_;
        part.value_.emplace(std::move(value));
      }
    } catch (...) {  // a spawn boundary: the awaiter throws it
      if (!state.error) state.error = std::current_exception();
    }
    state.one_ended();  // from here on part and state may be gone
  }

  maybe_ready<T> work_;
  std::optional<result_type> value_;
};

template <class... Ts>
class when_all_awaiter {
 public:
  using result_type = std::tuple<typename when_all_part<Ts>::result_type...>;

  explicit when_all_awaiter(maybe_ready<Ts>... works)
      : parts_(when_all_part<Ts>(std::move(works))...) {}
  when_all_awaiter(const when_all_awaiter&) = delete;
  when_all_awaiter& operator=(const when_all_awaiter&) = delete;

  bool await_ready() const noexcept {
    const auto all = [](const auto&... each) { return (each.ready() && ...); };
    return std::apply(all, parts_);
  }
  bool await_suspend(std::coroutine_handle<> handle) {
    state_.waiter = handle;
    const auto start = [this](auto&... each) { (each.start(state_), ...); };
    std::apply(start, parts_);
    return state_.all_started();
  }
  result_type await_resume() {
    state_.check();
    const auto take = [](auto&... each) { return result_type(each.take()...); };
    return std::apply(take, parts_);
  }

 private:
  when_all_state state_;
  std::tuple<when_all_part<Ts>...> parts_;
};

template <class T>
class when_all_of_vector {
 public:
  using result_type = std::conditional_t<std::is_void_v<T>, void,
                                         std::vector<typename when_all_part<T>::result_type>>;

  template <class Work>
  explicit when_all_of_vector(std::vector<Work> works) {
    parts_.reserve(works.size());
    for (Work& each : works) parts_.emplace_back(std::move(each));
  }
  when_all_of_vector(const when_all_of_vector&) = delete;
  when_all_of_vector& operator=(const when_all_of_vector&) = delete;

  bool await_ready() const noexcept {
    for (const auto& each : parts_) {
      if (!each.ready()) return false;
    }
    return true;
  }
  bool await_suspend(std::coroutine_handle<> handle) {
    state_.waiter = handle;
    for (auto& each : parts_) each.start(state_);
    return state_.all_started();
  }
  result_type await_resume() {
    state_.check();
    if constexpr (!std::is_void_v<T>) {
      result_type results;
      results.reserve(parts_.size());
      for (auto& each : parts_) results.push_back(each.take());
      return results;
    }
  }

 private:
  when_all_state state_;
  std::vector<when_all_part<T>> parts_;
};

}  // namespace detail

template <class... Works>
[[nodiscard("await it")]] detail::when_all_awaiter<typename Works::value_type...> when_all(
    Works... works)
  requires(requires { typename Works::value_type; } && ...)
{
  return detail::when_all_awaiter<typename Works::value_type...>(std::move(works)...);
}

// Of task<T> or maybe_ready<T>.
template <class Work>
[[nodiscard("await it")]] detail::when_all_of_vector<typename Work::value_type> when_all(
    std::vector<Work> works) {
  return detail::when_all_of_vector<typename Work::value_type>(std::move(works));
}

}  // namespace lentic::coro
