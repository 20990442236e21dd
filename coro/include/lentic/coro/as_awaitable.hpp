// SPDX-License-Identifier: Apache-2.0
#pragma once

// as_awaitable(work): a task or a maybe_ready inside an asio::awaitable coroutine.
//
//   std::optional<value_view> found = co_await as_awaitable(store.get(key));
//   const auto commit = [&](coro::stop_token stop) { return env.commit(stop); };
//   co_await as_awaitable(commit);
//
// Result and errors: those of the work; exceptions pass as they are, but work that was stopped is
// asio::error::operation_aborted here (asio_error.hpp).
// Suspension: work that ends without suspending costs no post; a ready answer costs one frame,
// which Asio recycles. Otherwise the work resumes the coroutine through its executor when it ends.
// Threads: the coroutine runs on the owner's thread. A view in the result obeys the contract of the
// work ("until the caller's next suspension") when the coroutine's executor is that of the owner's
// io_context, whether run() or turn() drives that; behind a strand others may run first: take
// copies there.
// Cancellation: work that is made from a stop_token is asked to stop by the coroutine's
// cancellation slot; how it ends is its own contract. Other work runs to its end.
// Lifetime: the runtime outlives the work; what the work refers to is the caller's care.

#include <lentic/coro/asio_waiters.hpp>
#include <lentic/coro/async_run.hpp>
#include <lentic/coro/completion.hpp>
#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/task.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace lentic::coro {

namespace detail {

// Empties `awaited` first: its executor may be gone before this returns.
template <class Awaited>
void dispatch_emptied(std::optional<Awaited>& awaited) {
  completion<Awaited> done(std::move(*awaited));
  awaited.reset();
  dispatch_completion(std::move(done));
}

// On one thread dispatch leaves no gap between the end of the work and its awaiter, in which others
// could outdate a view: it runs inline, because the runtime resumes the work from inside a handler
// (asio_waiters.hpp). It does so below the run queue, on nobody's stack.
template <class T, class Awaited>
detached dispatch_when_done(std::shared_ptr<run_state<T>> state, std::optional<Awaited> awaited) {
  co_await until_done<T>(*state);
  dispatch_emptied(awaited);
}

// Precondition of the initiation: the state is not done.
template <bool Stoppable, class T, class Executor, class Token>
auto async_wait_until_done(const Executor& owner, std::shared_ptr<run_state<T>> state,
                           Token&& token) {
  const auto initiate = [owner](auto handler, std::shared_ptr<run_state<T>> waited) {
    if constexpr (Stoppable) connect_slot(handler, waited, owner);
    using awaited = awaited_handler<decltype(handler), Executor>;
    std::optional<awaited> waiting(std::in_place, std::move(handler), owner);
    dispatch_when_done(std::move(waited), std::move(waiting));
  };
  return asio::async_initiate<Token, void()>(initiate, token, std::move(state));
}

template <class Executor, class Work>
asio::awaitable<work_value_t<Work>, Executor> await_work(Work work) {
  using value_type = work_value_t<Work>;
  auto state = std::make_shared<run_state<value_type>>();
  run_into(std::move(work), state);
  if (!state->done) {
    const Executor executor = co_await asio::this_coro::executor;
    const asio_waiter counted(executor);
    asio::use_awaitable_t<Executor> token;
    co_await async_wait_until_done<stoppable_work<Work>>(executor, state, token);
  }
  co_return state->take();
}

template <class Executor, class T>
asio::awaitable<T, Executor> await_value(T value) {
  co_return std::move(value);
}

template <class Executor>
asio::awaitable<void, Executor> await_nothing() {
  co_return;
}

}  // namespace detail

template <class Executor = asio::any_io_executor, class T>
asio::awaitable<T, Executor> as_awaitable(maybe_ready<T> work) {
  if (!work.ready()) return detail::await_work<Executor>(std::move(work).into_task());
  if constexpr (std::is_void_v<T>) {
    return detail::await_nothing<Executor>();
  } else {
    return detail::await_value<Executor>(work.take());
  }
}

template <class Executor = asio::any_io_executor, class T>
asio::awaitable<T, Executor> as_awaitable(task<T> work) {
  return detail::await_work<Executor>(std::move(work));
}

// `work` is called when the coroutine awaits, and lives until the work has ended.
template <class Executor = asio::any_io_executor, stoppable_work Work>
asio::awaitable<detail::work_value_t<Work>, Executor> as_awaitable(Work work) {
  return detail::await_work<Executor>(std::move(work));
}

}  // namespace lentic::coro
