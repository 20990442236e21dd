// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many coroutines of an io_context wait in as_awaitable. While there are any, the turn() of an
// asio_runtime on that io_context resumes coroutines from inside a handler only: then a dispatch at
// the end of the work runs the awaiter at once, and nobody comes between them.
//
// Threads: any; but a count means something only on the thread that runs the io_context.
// Lifetime: a service of the io_context; an asio_waiter lives in a coroutine that runs there.

#include <asio/execution/context.hpp>
#include <asio/execution_context.hpp>
#include <asio/query.hpp>

#include <atomic>

namespace lentic::coro::detail {

class asio_waiters final : public asio::execution_context::service {
 public:
  using key_type = asio_waiters;
  static inline asio::execution_context::id id;

  explicit asio_waiters(asio::execution_context& context)
      : asio::execution_context::service(context) {}

  void add(int change) noexcept { count_.fetch_add(change, std::memory_order_relaxed); }
  bool any() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }

 private:
  void shutdown() noexcept override {}

  std::atomic<int> count_ = 0;
};

// One coroutine that waits, for as long as this lives.
class asio_waiter {
 public:
  template <class Executor>
  explicit asio_waiter(const Executor& executor)
      : waiters_(&service_of(asio::query(executor, asio::execution::context))) {
    waiters_->add(1);
  }
  asio_waiter(const asio_waiter&) = delete;
  asio_waiter& operator=(const asio_waiter&) = delete;
  ~asio_waiter() { waiters_->add(-1); }

 private:
  static asio_waiters& service_of(asio::execution_context& context) {
    return asio::use_service<asio_waiters>(context);
  }

  asio_waiters* waiters_;
};

}  // namespace lentic::coro::detail
