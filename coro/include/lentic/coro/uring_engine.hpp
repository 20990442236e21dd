// SPDX-License-Identifier: Apache-2.0
#pragma once

// uring_engine: the io_engine over io_uring. One ring, owned by the thread that made it.
//
// What is started waits in a backlog until flush(), which hands it on in one system call. A chain
// enters the kernel as a unit; operations in flight never pass the completion queue, so nothing
// overflows. Kinds that the ring lacks (truncate, list_directory, size, lock) run inside start(),
// block the thread meanwhile, and complete through the run queue like all others.
//
// Threads: only the creating one (the kernel refuses others). Lifetime: nothing may be in flight at
// destruction; a build without asserts cancels and waits.
// Preconditions: a chain is made of ring kinds only, has at most `entries` requests, and moves less
// than 2 GiB per request.
// Not promised: an order between operations that are not linked.

#include <lentic/coro/hosted_engine.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/run_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

namespace lentic::coro {

// How the ring asks the kernel to run completions; each falls back on the next where it is refused.
enum class uring_mode : std::uint8_t { deferred, cooperative, plain };

struct uring_options {
  unsigned entries = 256;          // of the submission queue; a power of two
  unsigned completions = 4 * 256;  // of the completion queue; at least `entries`
  uring_mode mode = uring_mode::deferred;
};

class uring_engine final : public hosted_engine {
 public:
  // An engine, or why the kernel refuses: ENOSYS, EPERM (container), ENOMEM, or EOPNOTSUPP when it
  // is too old.
  static result<std::unique_ptr<uring_engine>> create(run_queue& queue,
                                                      const uring_options& options = {});
  ~uring_engine() override;

  std::string_view name() const noexcept override { return "io_uring"; }
  // A request that has not been handed on ends at once, with what is linked behind it; one that has
  // ends when the kernel says so. O(requests in the backlog).
  void cancel(io_request& request) override;
  // Throws std::system_error when the kernel rejects the ring itself (never in normal operation).
  void flush() override;
  bool idle() const noexcept override { return in_flight_ == 0 && first_ == nullptr; }
  bool pending() const noexcept override;
  // Slots of up to 4 KiB, 1 MiB in all, pinned when the first is asked for.
  std::byte* lend(std::size_t bytes) noexcept override;
  void take_back(std::byte* lent) noexcept override;
  void mute() noexcept override;
  void unmute() noexcept override;

  // Operations that the kernel holds now.
  std::size_t in_flight() const noexcept { return in_flight_; }

 protected:
  void submit(std::span<io_request* const> chain) override;

 private:
  struct ring;

  uring_engine(run_queue& queue, std::unique_ptr<ring> opened);

  void append(io_request& request) noexcept;
  bool cut_backlog(io_request& request) noexcept;
  bool has_room() const noexcept;
  void fill();
  void hand_on();
  void drop_torn_chain() noexcept;
  std::size_t reap() noexcept;
  void settle(io_request& request, std::int64_t outcome) noexcept;
  void forget_cancel(const io_request& request) noexcept;

  std::unique_ptr<ring> ring_;
  std::thread::id owner_ = std::this_thread::get_id();
  std::size_t in_flight_ = 0;
  io_request* first_ = nullptr;  // the backlog, in order of start, through engine_next
  io_request* last_ = nullptr;
  io_request* cancels_ = nullptr;  // in flight and asked to end, the kernel not yet told
};

}  // namespace lentic::coro
