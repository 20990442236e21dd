// SPDX-License-Identifier: Apache-2.0
#pragma once

// hosted_engine: an io_engine on the real file system that lives in somebody's event loop. The host
// calls flush() at the end of each turn, and sleeps on event_fd() when nothing is ready.
//
//   mute(); run what is ready; flush(); ...; unmute(); flush(); sleep on event_fd()
//
// The second flush() closes the gap between the last look and the unmuting.
// Threads: the host's only. Lifetime: nothing may be in flight at destruction (idle()).
// Errors: a descriptor that cannot be made throws std::system_error from the constructor.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/run_queue.hpp>

#include <cstddef>
#include <span>

namespace lentic::coro {

class hosted_engine : public io_engine {
 public:
  ~hosted_engine() override;

  // Hands on what was started and completes what has finished. Never blocks, never resumes anybody.
  virtual void flush() = 0;
  // Nothing is started that has not completed.
  virtual bool idle() const noexcept = 0;
  // The next flush() has something to hand on.
  virtual bool pending() const noexcept = 0;

  // Readable once something finished while unmuted. Muting saves the signal while the host is awake
  // and flushes anyway; an engine may signal all the same.
  int event_fd() const noexcept { return event_fd_; }
  void clear_event() noexcept;
  virtual void mute() noexcept = 0;
  virtual void unmute() noexcept = 0;

  // Calls `hook(argument)` when the engine becomes pending() or is idle() no longer, so that a host
  // which is not in a turn arranges one. It runs inside start() and cancel().
  using pending_hook = void (*)(void* argument) noexcept;
  void on_pending(pending_hook hook, void* argument) noexcept {
    hook_ = hook;
    hook_argument_ = argument;
  }

  result<std::span<const std::byte>> map(int fd, std::size_t bytes) final;
  void unmap(std::span<const std::byte> mapping) noexcept final;
  int require_regular(int fd) noexcept final;
  std::uint64_t blocking_faults() const noexcept final;
  void close_now(int fd) noexcept final;

 protected:
  explicit hosted_engine(run_queue& queue);
  void tell_pending() const noexcept {
    if (hook_ != nullptr) hook_(hook_argument_);
  }

 private:
  int event_fd_;
  pending_hook hook_ = nullptr;
  void* hook_argument_ = nullptr;
};

}  // namespace lentic::coro
