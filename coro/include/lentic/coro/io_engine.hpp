// SPDX-License-Identifier: Apache-2.0
#pragma once

// io_engine: the only door to files, maps and descriptors. Three live behind it: uring_engine
// (io_uring), thread_engine (where io_uring is not permitted) and the simulator. Each operation is
// numbered in the order in which it was started, so that a test can fail the n-th one.
//
// Threads: all calls on the engine's thread; completions are pushed on its run queue and never
// resume anybody inline.
// Order: operations run in any order, unless linked: start_linked() runs the next only after the
// one before succeeded in full (a short transfer counts as failure; the rest gets -ECANCELED).
// A sync that is not linked does not cover a write that has not completed.

#include <lentic/coro/io_request.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/run_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace lentic::coro {

class io_engine {
 public:
  explicit io_engine(run_queue& queue) noexcept : queue_(&queue) {}
  io_engine(const io_engine&) = delete;
  io_engine& operator=(const io_engine&) = delete;
  virtual ~io_engine() = default;

  // "io_uring", "threads", "simulator": for logs and statistics.
  virtual std::string_view name() const noexcept = 0;

  // Starts one operation. Never blocks for its completion, never resumes anybody.
  void start(io_request& request) {
    number(request);
    io_request* const one = &request;
    submit(std::span<io_request* const>(&one, 1));
  }
  // Starts a chain as a unit: request i + 1 runs only after request i succeeded in full.
  void start_linked(std::span<io_request* const> chain) {
    for (io_request* const request : chain) number(*request);
    submit(chain);
  }
  // Asks that a started operation ends early, with -ECANCELED. It completes in any case; a write
  // that runs is not stopped.
  virtual void cancel(io_request& request) = 0;

  // Maps the first `bytes` (> 0) of a file read-only, with advice against read-ahead, which holds
  // for reads of the descriptor too; synchronous.
  // The map stays valid after the descriptor is closed, until unmap().
  virtual result<std::span<const std::byte>> map(int fd, std::size_t bytes) = 0;
  virtual void unmap(std::span<const std::byte> mapping) noexcept = 0;

  // 0 when the descriptor is a regular file, from which O_NONBLOCK is taken then; else -EISDIR,
  // -ENXIO or the system's error; synchronous. Who opens a name that should be a regular file opens
  // it with O_NONBLOCK, because a pipe in its place would wait for its other end, and asks this.
  virtual int require_regular(int fd) noexcept = 0;

  // Memory that operations of this engine reach more cheaply; null when it has none of that size
  // left. Goes back when nothing in flight uses it. Use io_buffer.
  virtual std::byte* lend(std::size_t bytes) noexcept {
    static_cast<void>(bytes);
    return nullptr;
  }
  virtual void take_back(std::byte* lent) noexcept { static_cast<void>(lent); }

  // Times that this thread has waited for a page of a map to be read from the device, since some
  // moment in the past; whatever the page was of. 0 for ever where that is not counted.
  virtual std::uint64_t blocking_faults() const noexcept { return 0; }

  // Closes a descriptor at once: for destructors, where nothing can be awaited.
  virtual void close_now(int fd) noexcept = 0;

  // Operations started so far; the number of the latest.
  std::uint64_t operations() const noexcept { return operations_; }
  run_queue& queue() const noexcept { return *queue_; }

 protected:
  virtual void submit(std::span<io_request* const> chain) = 0;

  // For engines: stores the result and wakes the waiter through the run queue.
  void complete(io_request& request, std::int64_t outcome) noexcept {
    request.result = outcome;
    request.state = io_state::done;
    if (request.joined == nullptr) {
      queue_->push(request);
    } else if (--request.joined->open == 0) {
      queue_->push(*request.joined->wake);
    }
  }

 private:
  void number(io_request& request) noexcept {
    request.engine_number = ++operations_;
    request.state = io_state::started;
    request.cancel_asked = false;
    request.engine_linked = false;
    request.engine_polling = false;
    request.engine_next = nullptr;
  }

  run_queue* queue_;
  std::uint64_t operations_ = 0;
};

}  // namespace lentic::coro
