// SPDX-License-Identifier: Apache-2.0
#pragma once

// Queries: reading, and writing, an environment from other threads and executors.
//
//   const std::uint64_t total = co_await query(*env, [](environment& owned) { ... });  // Asio
//   auto count = async_query(*env, count_rows, asio::use_future);                      // any token
//
// `fn` takes an environment&, and a coro::stop_token if it likes, or nothing; it answers a value, a
// task or a maybe_ready. It runs on the owner's thread, in a turn of its runtime; its result, an
// owned copy, completes on the caller's executor. Queries start in the order of calls.
// Completes with void(std::exception_ptr, T), or without T for void, as coro::async_run does. A
// handler without an executor of its own runs where Asio runs such: on asio::system_executor.
// Errors: what `fn` throws; errc::closed once the environment is closed, also when close() comes
// first in a race. close() asks running queries to stop and waits for them, so a query must not
// await close(), nor what only the owner could bring about after it. Without the memory to post a
// completion its handler is destroyed uncalled: a future then has broken_promise.
// Cancellation: the token's slot (terminal, partial, total). A query that has not started completes
// with asio::error::operation_aborted; one that runs hears of it through its stop_token, or ends as
// it would. Threads: any, as long as the environment lives; env.gate() may be kept longer.
// Durability: none; what `fn` puts is part of the owner's next commit.
// Not promised: views. Refused as far as a type can tell (coro/borrowed.hpp).

#include <lentic/coro/asio_error.hpp>
#include <lentic/coro/async_run.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/coro/completion.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>
#include <lentic/query_gate.hpp>
#include <lentic/task.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/system_executor.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace lentic {

namespace detail {

template <class F>
decltype(auto) call_query(F& fn, environment& env, [[maybe_unused]] coro::stop_token stop) {
  if constexpr (std::invocable<F&, environment&, coro::stop_token>) {
    return fn(env, stop);
  } else if constexpr (std::invocable<F&, environment&>) {
    return fn(env);
  } else {
    return fn();
  }
}

// What a query answers: T for T, task<T> and maybe_ready<T>.
template <class Answer>
struct query_answer {
  using value_type = Answer;
  static constexpr bool awaited = false;
};
template <class T>
struct query_answer<task<T>> {
  using value_type = T;
  static constexpr bool awaited = true;
};
template <class T>
struct query_answer<maybe_ready<T>> : query_answer<task<T>> {};

template <class F>
using query_answer_of = query_answer<decltype(call_query(
    std::declval<F&>(), std::declval<environment&>(), coro::stop_token()))>;

template <class F, class Handler>
class query_operation final : public query_job {
 public:
  using answer = query_answer_of<F>;
  using value_type = typename answer::value_type;

  query_operation(F fn, Handler handler)
      : fn_(std::move(fn)), awaited_(std::in_place, std::move(handler), asio::system_executor()) {}

  task<void> run(environment& env, coro::stop_token closing) override {
    const coro::stop_callback relay(closing, &query_operation::relay_stop, &state_.stop);
    try {
      if (asked_) throw std::system_error(coro::aborted_code(), "query");
      if constexpr (!answer::awaited) {
        answer_now(env);
      } else if constexpr (std::is_void_v<value_type>) {
        co_await call_query(*fn_, env, coro::stop_token(state_.stop));
      } else {
        value_type value = co_await call_query(*fn_, env, coro::stop_token(state_.stop));
        state_.value.emplace(std::move(value));
      }
    } catch (...) {  // a spawn boundary: the handler gets it
      state_.error = coro::detail::caught_for_asio();
    }
    complete();
    co_return;
  }
  void request_stop() override { state_.stop.request_stop(); }
  void refuse(std::error_code error) override {
    state_.error = std::make_exception_ptr(std::system_error(error, "query"));
    complete();
  }
  // On the handler's executor: counts even before the owner hears of it.
  void ask() noexcept { asked_ = true; }

 private:
  static void relay_stop(void* source) noexcept {
    static_cast<coro::stop_source*>(source)->request_stop();
  }
  void answer_now(environment& env) {
    const coro::stop_token stop(state_.stop);
    if constexpr (std::is_void_v<value_type>) {
      call_query(*fn_, env, stop);
    } else {
      state_.value.emplace(call_query(*fn_, env, stop));
    }
  }
  // From the post on the caller may destroy its executor, and what fn_ refers to.
  void complete() {
    fn_.reset();
    coro::detail::post_outcome(awaited_, state_);
  }

  std::optional<F> fn_;
  std::optional<coro::detail::awaited_handler<Handler, asio::system_executor>> awaited_;
  coro::detail::run_state<value_type> state_;
  std::atomic<bool> asked_ = false;
};

struct query_initiation {
  template <class Handler, class F>
  void operator()(Handler&& handler, std::shared_ptr<query_gate> gate, F fn) const {
    using operation = query_operation<F, std::decay_t<Handler>>;
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto job = std::make_shared<operation>(std::move(fn), std::forward<Handler>(handler));
    if (slot.is_connected()) {
      slot.assign([gate, weak = std::weak_ptr(job)](asio::cancellation_type type) {
        const std::shared_ptr<operation> asked = weak.lock();
        if (!asked || type == asio::cancellation_type::none) return;
        asked->ask();
        gate->ask_to_stop(asked);
      });
    }
    gate->submit(std::move(job));
  }
};

}  // namespace detail

template <class F, class Token>
auto async_query(std::shared_ptr<query_gate> gate, F fn, Token&& token) {
  using value_type = typename detail::query_answer_of<F>::value_type;
  static_assert(!coro::is_borrowed<value_type>,
                "a query answers an owned copy: a view would dangle on the caller's thread");
  using signature = typename coro::detail::run_signature<value_type>::type;
  return asio::async_initiate<Token, signature>(detail::query_initiation(), token, std::move(gate),
                                                std::move(fn));
}

template <class F, class Token>
auto async_query(environment& env, F fn, Token&& token) {
  return async_query(env.gate(), std::move(fn), std::forward<Token>(token));
}

// Inside an asio::awaitable coroutine of any executor.
template <class F>
auto query(environment& env, F fn) {
  return async_query(env.gate(), std::move(fn), asio::use_awaitable);
}

}  // namespace lentic
