// SPDX-License-Identifier: Apache-2.0
#pragma once

// async_run(owner, work, token): a task or a maybe_ready as an Asio operation, for any completion
// token: a callback, asio::use_future, asio::use_awaitable. `owner` is the executor on which the
// coroutines of the caller run, or what has one (asio_runtime, io_context).
//
//   async_run(runtime, store.get_copy(key), [](std::exception_ptr error, auto value) { ... });
//   async_run(runtime, [&](coro::stop_token stop) { return read(file, stop); }, token);
//
// Completes with void(std::exception_ptr, T), or void(std::exception_ptr) for void: the form of
// asio::co_spawn, so that use_future and use_awaitable rethrow the very exception; only work that
// was stopped is asio::error::operation_aborted (asio_error.hpp). T is default constructible, for
// the value beside an error, and not a view (borrowed.hpp).
// Threads: called on the owner's thread, where the work starts at once, on the caller's stack;
// builds with assertions check that for an asio_runtime. The handler is posted to its associated
// executor, else to the owner's; never called inline.
// Cancellation: work that is made from a stop_token is asked to stop when the token's cancellation
// slot fires (terminal, partial or total); how it ends is its own contract. Other work ignores it.
// Lifetime: what the work refers to, and the executors, outlive the operation, which ends when the
// handler is called: that may stop and destroy its own io_context. Until then it counts as work of
// the handler's executor. The post uses the handler's allocator.

#include <lentic/coro/asio_error.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/coro/completion.hpp>
#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/task.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/dispatch.hpp>

#include <cassert>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace lentic::coro {

// f(stop_token) -> task<T> or maybe_ready<T>.
template <class Work>
concept stoppable_work =
    requires(Work work, stop_token stop) { typename decltype(work(stop))::value_type; };

namespace detail {

template <class Work>
struct value_of_work {
  using type = typename Work::value_type;
};
template <stoppable_work Work>
struct value_of_work<Work> {
  using type = typename std::invoke_result_t<Work&, stop_token>::value_type;
};
template <class Work>
using work_value_t = typename value_of_work<Work>::type;

// A running task, shared by who runs it and who hears of its end.
template <class T>
struct run_state {
  stop_source stop;
  bool done = false;
  std::exception_ptr error;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  std::coroutine_handle<> waiter{};

  T take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
  void finish() {
    done = true;
    if (waiter) waiter.resume();
  }
};

// co_await until_done(state): the one waiter of a run_state.
template <class T>
class until_done {
 public:
  explicit until_done(run_state<T>& state) noexcept : state_(&state) {}
  bool await_ready() const noexcept { return state_->done; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { state_->waiter = handle; }
  void await_resume() const noexcept {}

 private:
  run_state<T>* state_;
};

template <class Work, class T>
auto begin_work(Work& work, run_state<T>& state) {
  if constexpr (stoppable_work<Work>) {
    return work(stop_token(state.stop));
  } else {
    return std::move(work);
  }
}

// Starts the work at once. Its frame is gone before the waiter goes on.
template <class Work, class T>
detached run_into(Work work, std::shared_ptr<run_state<T>> state) {
  try {
    auto running = begin_work(work, *state);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(running);
    } else {
      T value = co_await std::move(running);
      state->value.emplace(std::move(value));
    }
  } catch (...) {  // a spawn boundary: whoever takes the result rethrows it
    state->error = caught_for_asio();
  }
  state->finish();
}

// The slot may fire on the handler's thread: the request goes to the owner's.
template <class Handler, class T, class Executor>
void connect_slot(const Handler& handler, const std::shared_ptr<run_state<T>>& state,
                  const Executor& owner) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (!slot.is_connected()) return;
  slot.assign([owner, weak = std::weak_ptr(state)](asio::cancellation_type type) {
    if (type == asio::cancellation_type::none) return;
    asio::dispatch(owner, [weak] {
      if (const auto running = weak.lock()) running->stop.request_stop();
    });
  });
}

// Moves the outcome: nobody else keeps a reference to the exception when another thread gets it.
template <class T, class Awaited>
auto with_outcome(Awaited awaited, run_state<T>& state) {
  auto error = std::exchange(state.error, nullptr);
  if constexpr (std::is_void_v<T>) {
    return completion<Awaited, std::exception_ptr>(std::move(awaited), std::move(error));
  } else {
    T value = state.value ? std::move(*state.value) : T();
    return completion<Awaited, std::exception_ptr, T>(std::move(awaited), std::move(error),
                                                      std::move(value));
  }
}

// Empties `awaited` first: its executor may be gone before this returns.
template <class T, class Awaited>
void post_outcome(std::optional<Awaited>& awaited, run_state<T>& state) {
  auto done = with_outcome(std::move(*awaited), state);
  awaited.reset();
  post_completion(std::move(done));
}

template <class T, class Awaited>
detached post_when_done(std::shared_ptr<run_state<T>> state, std::optional<Awaited> awaited) {
  co_await until_done<T>(*state);
  post_outcome(awaited, *state);
}

template <class T, class Executor>
class run_initiation {
 public:
  using executor_type = Executor;

  explicit run_initiation(const Executor& owner) noexcept : owner_(owner) {}
  executor_type get_executor() const noexcept { return owner_; }

  template <class Handler, class Work>
  void operator()(Handler&& handler, Work work) const {
    using awaited = awaited_handler<std::decay_t<Handler>, Executor>;
    // Not by the handler's allocator: what that gave must be back before the handler runs.
    auto state = std::make_shared<run_state<T>>();
    if constexpr (stoppable_work<Work>) connect_slot(handler, state, owner_);
    std::optional<awaited> waiting(std::in_place, std::forward<Handler>(handler), owner_);
    run_into(std::move(work), state);
    post_when_done(std::move(state), std::move(waiting));
  }

 private:
  Executor owner_;
};

template <class T>
struct run_signature {
  using type = void(std::exception_ptr, T);
};
template <>
struct run_signature<void> {
  using type = void(std::exception_ptr);
};

template <class Owner>
auto executor_of(Owner& owner) {
  if constexpr (requires { owner.get_executor(); }) {
    return owner.get_executor();
  } else {
    return owner;
  }
}

}  // namespace detail

template <class Owner, class Work, class Token>
  requires stoppable_work<Work> || requires { typename Work::value_type; }
auto async_run(Owner&& owner, Work work, Token&& token) {
  using value_type = detail::work_value_t<Work>;
  using signature = typename detail::run_signature<value_type>::type;
  static_assert(!is_borrowed<value_type>, "the handler runs later: hand it a copy, not a view");
  if constexpr (requires { owner.on_owners_thread(); }) {
    assert(owner.on_owners_thread() && "async_run is called on the owner's thread");
  }
  auto executor = detail::executor_of(owner);
  detail::run_initiation<value_type, decltype(executor)> initiation(executor);
  return asio::async_initiate<Token, signature>(std::move(initiation), token, std::move(work));
}

}  // namespace lentic::coro
