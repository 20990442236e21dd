// SPDX-License-Identifier: Apache-2.0
#pragma once

// Awaiters over io_engine, kept in the awaiting frame: no allocation per operation.
// `co_await io_op(engine, request)` answers the raw result: >= 0, or -errno.
//
// Threads: the engine's. Cancellation: a stop_token asks the engine; the awaiter returns only after
// the completion, so buffers may be freed as soon as it has returned.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/stop_token.hpp>

#include <array>
#include <coroutine>
#include <cstdint>
#include <optional>

namespace lentic::coro {

class io_op {
 public:
  io_op(io_engine& engine, const io_request& request, stop_token stop = {}) noexcept
      : engine_(&engine), request_(request), stop_(stop) {}
  io_op(const io_op&) = delete;
  io_op& operator=(const io_op&) = delete;
  // Precondition: not in flight.
  ~io_op();

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> handle);
  std::int64_t await_resume() noexcept {
    callback_.reset();
    return request_.result;
  }

 private:
  io_engine* engine_;
  io_request request_;
  stop_token stop_;
  std::optional<stop_callback> callback_;
};

// Two operations linked: the second runs only after the first succeeded in full. Answers both raw
// results once both have completed. Not cancellable.
struct linked_results {
  std::int64_t first = 0;
  std::int64_t second = 0;
};

class linked_io_op {
 public:
  linked_io_op(io_engine& engine, const io_request& first, const io_request& second) noexcept
      : engine_(&engine), requests_{first, second} {}
  linked_io_op(const linked_io_op&) = delete;
  linked_io_op& operator=(const linked_io_op&) = delete;
  ~linked_io_op();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  linked_results await_resume() const noexcept {
    return {requests_[0].result, requests_[1].result};
  }

 private:
  io_engine* engine_;
  std::array<io_request, 2> requests_;
  ready_node wake_;
  io_request::group group_;
};

}  // namespace lentic::coro
