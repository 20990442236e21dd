// SPDX-License-Identifier: Apache-2.0
#pragma once

// block_reads: how the runs of an environment get what is not known to be in memory: through the
// engine, so that the thread goes on meanwhile. What is read goes into a buffer and is dropped
// there: its use is that the pages are in the page cache when the map is touched next
// (docs/design/0011-cold-reads.md).
//
//   known to be resident   written or read by us since the last forget(): touched in the map
//   not known              read through the engine first
//
// A page that the system took back meanwhile is a wrong guess: the touch blocks, which is a stall.
// Every so many reads stalls are looked for, and when there were some, everything is forgotten.
//
// Buffers in flight are bounded; who finds no room waits, in order.
// Threads: one owner. Lifetime: the runtime outlives it; files outlive the reads of them. Errors:
// the system's; errc::damaged where a file is too short; errc::closed after shut().
// Cancellation: none; a read that has started ends, and its buffer lives as long.

#include <lentic/coro/async_mutex.hpp>
#include <lentic/coro/event.hpp>
#include <lentic/coro/file.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/memory_account.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace lentic::detail {

// Of one read operation.
inline constexpr std::size_t read_bytes_max = std::size_t{256} << 10;

class block_reads {
 public:
  // Buffers are charged to the account. With a budget they are a small part of it at most, and so
  // is what one operation reads.
  block_reads(coro::runtime& owner, std::uint64_t bytes_max,
              std::shared_ptr<memory_account> memory) noexcept;
  // Woken whenever a buffer was freed, up to the end of shut().
  void tell_freed(coro::event& who) noexcept { told_ = &who; }

  coro::io_engine& engine() const noexcept { return runtime_->io(); }
  coro::run_queue& queue() const noexcept { return runtime_->queue(); }

  // What was known to be resident under another epoch is not any more.
  std::uint64_t epoch() const noexcept { return epoch_; }
  void forget() noexcept { ++epoch_; }
  // Before a touch of what is known to be resident.
  void count_touch() noexcept {
    if (--touches_left_ == 0) look_for_stalls();
  }
  // Major faults of the thread between two looks, whatever they were of; the last look is now.
  std::uint64_t stalls() noexcept;

  // Reads [begin, end) of the file.
  task<void> read(coro::file& from, std::uint64_t begin, std::uint64_t end);
  // Begins `work`, whose errors nobody hears; drops it when buffers are scarce.
  void start(task<void> work);

  std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  void set_bytes_max(std::uint64_t bytes) noexcept;
  // Of buffers in flight.
  std::uint64_t bytes_in_use() const noexcept { return in_use_.bytes(); }
  std::uint64_t reads() const noexcept { return reads_; }
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }

  // What shut() waits for, from its start to its end.
  class visit;

  bool is_idle() const noexcept { return open_ == 0 && background_.live() == 0; }
  // Refuses new reads and waits for those under way. Who awaits one goes on first, up to its next
  // suspension.
  task<void> shut();

 private:
  class room;

  std::uint64_t within_budget(std::uint64_t bytes) const noexcept;
  bool has_room(std::uint64_t bytes) const noexcept;
  task<void> wait_for_room(std::uint64_t bytes);
  void check_open() const;
  void look_for_stalls() noexcept;

  coro::runtime* runtime_;
  std::shared_ptr<memory_account> account_;
  std::uint64_t bytes_max_;
  std::uint64_t piece_bytes_max_;
  memory_share in_use_;
  coro::event* told_ = nullptr;
  std::uint64_t epoch_ = 1;
  std::uint32_t touches_left_;
  std::uint64_t faults_seen_;
  std::uint64_t stalls_ = 0;
  std::uint64_t reads_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::size_t open_ = 0;  // visits
  bool shut_ = false;
  coro::async_mutex turn_;  // to wait for room
  coro::event freed_;
  coro::event idle_;
  coro::scope background_;
};

class block_reads::visit {
 public:
  explicit visit(block_reads& of) noexcept : of_(&of) { ++of_->open_; }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  ~visit() {
    if (--of_->open_ == 0) of_->idle_.wake_all();
  }

 private:
  block_reads* of_;
};

}  // namespace lentic::detail
