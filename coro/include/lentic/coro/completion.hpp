// SPDX-License-Identifier: Apache-2.0
#pragma once

// How async_run, as_awaitable and queries hand a handler back to Asio: everything that refers to
// the handler's executor travels with the handler. Once it is on its way another thread may run it,
// stop its io_context and destroy that, so nothing of it may stay behind.
//
// Threads: made on one, called on another. Lifetime: the work guard goes after the handler has
// returned, or with the io_context that destroys the completion uncalled.
// Errors: when there is no memory for the post, std::bad_alloc; the handler is then destroyed.

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <tuple>
#include <utility>

namespace lentic::coro::detail {

// A handler and the executor that it will be called on, which it keeps busy.
template <class Handler, class Fallback>
class awaited_handler {
 public:
  using handler_type = Handler;
  using executor_type = asio::associated_executor_t<Handler, Fallback>;

  awaited_handler(Handler handler, const Fallback& fallback)
      : handler_(std::move(handler)), guard_(asio::get_associated_executor(handler_, fallback)) {}

  Handler& handler() noexcept { return handler_; }
  const Handler& handler() const noexcept { return handler_; }
  executor_type executor() const noexcept { return guard_.get_executor(); }

 private:
  Handler handler_;
  asio::executor_work_guard<executor_type> guard_;
};

// The handler with its arguments; keeps its executor busy until it has returned.
template <class Awaited, class... Values>
class completion {
 public:
  using allocator_type = asio::associated_allocator_t<typename Awaited::handler_type>;

  explicit completion(Awaited awaited, Values... values)
      : awaited_(std::move(awaited)), values_(std::move(values)...) {}

  // Not associated: whoever posts it has chosen the executor.
  typename Awaited::executor_type target() const noexcept { return awaited_.executor(); }
  allocator_type get_allocator() const noexcept {
    return asio::get_associated_allocator(awaited_.handler());
  }
  void operator()() {
    auto slot = asio::get_associated_cancellation_slot(awaited_.handler());
    if (slot.is_connected()) slot.clear();
    const auto call = [this](Values&... each) {
      std::move(awaited_.handler())(std::move(each)...);
    };
    std::apply(call, values_);
  }

 private:
  Awaited awaited_;
  std::tuple<Values...> values_;
};

template <class Completion>
void post_completion(Completion done) {
  const auto target = done.target();
  asio::post(target, std::move(done));
}
template <class Completion>
void dispatch_completion(Completion done) {
  const auto target = done.target();
  asio::dispatch(target, std::move(done));
}

}  // namespace lentic::coro::detail
