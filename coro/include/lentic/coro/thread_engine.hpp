// SPDX-License-Identifier: Apache-2.0
#pragma once

// thread_engine: the io_engine for places without io_uring. A small pool of threads makes the
// system calls; completions come back through a list and an eventfd.
//
// Reads and writes of streams (no_offset) may wait for ever, so each that is in flight is given a
// thread of its own on top of the pool, waits with poll(2), and can be cancelled. A stream that is
// not a regular file takes at most 4096 bytes a write: more could block after poll said it would
// not (pipe(7), PIPE_BUF).
//
// Threads: the creating one calls; the workers are private and block all signals.
// Lifetime: nothing may be in flight at destruction; a build without asserts cancels and waits.
// Errors: a thread or descriptor that cannot be made throws std::system_error, from the constructor
// or from start() of a stream operation.
// Not promised: an order between operations that are not linked.

#include <lentic/coro/hosted_engine.hpp>
#include <lentic/coro/run_queue.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace lentic::coro {

class thread_engine final : public hosted_engine {
 public:
  static constexpr std::size_t threads_default = 4;

  explicit thread_engine(run_queue& queue, std::size_t threads = threads_default);
  ~thread_engine() override;

  std::string_view name() const noexcept override { return "threads"; }
  // An operation that no thread has begun ends at once, with what is linked behind it; a waiting
  // stream operation ends soon; any other runs to its end. O(chains that wait for a thread).
  void cancel(io_request& request) override;
  void flush() override;
  bool idle() const noexcept override { return in_flight_ == 0; }
  bool pending() const noexcept override { return false; }  // start() hands on by itself
  void mute() noexcept override;
  void unmute() noexcept override;

 protected:
  void submit(std::span<io_request* const> chain) override;

 private:
  class worker;

  // First-in first-out list of requests through engine_next.
  struct request_list {
    io_request* first = nullptr;
    io_request* last = nullptr;
    void append(io_request& request) noexcept;
    io_request* take() noexcept;
  };

  void add_worker();
  bool remove_waiting(io_request& request, request_list& ended) noexcept;
  void work(worker& self) noexcept;
  void run_chain(worker& self, io_request* first) noexcept;
  std::int64_t run(worker& self, const io_request& request) noexcept;
  std::int64_t run_stream(const worker& self, const io_request& request) noexcept;
  void publish(io_request& request, std::int64_t outcome) noexcept;

  std::size_t threads_;
  std::size_t in_flight_ = 0;  // owner's thread only, as is streams_
  std::size_t streams_ = 0;
  std::vector<std::unique_ptr<worker>> workers_;

  std::mutex mutex_;  // guards what follows, cancel_asked of requests, and worker::current
  std::condition_variable work_arrived_;
  request_list waiting_;   // chains that no worker has taken, one behind the other
  request_list finished_;  // results that flush() has not taken
  bool muted_ = false;
  bool stopping_ = false;
};

}  // namespace lentic::coro
