// SPDX-License-Identifier: Apache-2.0
#pragma once

// memory_account: what an environment holds in memory, by holder, against one budget. Whoever holds
// much charges what it takes and credits what it gives back, large ones in chunks: a few
// instructions, and no atomic.
//
//   0 ............................ 7/8 of the budget ......... budget
//   anybody may charge up to here  | only the flush path may   | nobody waits here: over_budget
//
// admits() is the question before a row is put. While a flush goes on (flush_guard) the answer is
// given against the whole budget, so that a flush into a full environment makes progress; while
// somebody waits for room it is no, so that nobody overtakes him. docs/design/0012-memory-budget.md
// says what follows from a no.
//
// Threads: the environment's owner. Errors: none; a charge is never refused.
// Not promised: the bytes of the allocator's own records, of code and stacks, of mapped files.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace lentic {

enum class memory_holder : std::uint8_t {
  rows,         // young rows of open segments, with their indexes
  frozen_rows,  // rows on their way into a run
  uncommitted,  // room that the next frame needs for what was put since the last cut
  frames,       // cut, and not durable yet
  outbox,       // output that was not acknowledged
  runs,         // indexes and filters of runs
  seals,        // what a seal works with
  caches,       // entries of caches that are bound to the account
  blocks,       // buffers of reads that are under way
  snapshots,    // old values that open snapshots show
};
inline constexpr std::size_t memory_holder_count = 10;

// "young rows", as in messages.
const char* to_text(memory_holder which) noexcept;

// Who can give up memory at once, without I/O.
class memory_donor {
 public:
  // Gives up about so many bytes, or what it has; answers how many.
  virtual std::uint64_t give_up(std::uint64_t wanted) noexcept = 0;

 protected:
  ~memory_donor() = default;
};

class memory_account {
 public:
  // The part of the budget that is the flush path's.
  static constexpr std::uint64_t reserve_part = 8;

  // 0: no limit; everything is counted all the same.
  explicit memory_account(std::uint64_t budget = 0) noexcept : budget_(budget) { renew_ceiling(); }
  memory_account(const memory_account&) = delete;
  memory_account& operator=(const memory_account&) = delete;

  void charge(memory_holder holder, std::uint64_t bytes) noexcept {
    held_[static_cast<std::size_t>(holder)] += bytes;
    bytes_ += bytes;
    if (bytes_ > bytes_max_) bytes_max_ = bytes_;
  }
  void credit(memory_holder holder, std::uint64_t bytes) noexcept {
    held_[static_cast<std::size_t>(holder)] -= bytes;
    bytes_ -= bytes;
  }
  void move(memory_holder from, memory_holder to, std::uint64_t bytes) noexcept {
    held_[static_cast<std::size_t>(from)] -= bytes;
    held_[static_cast<std::size_t>(to)] += bytes;
  }

  // There is room for so many bytes more. Below 2^62.
  bool admits(std::uint64_t bytes) const noexcept { return bytes_ + bytes <= ceiling_; }
  // The same for the first of those who wait.
  bool admits_waiter(std::uint64_t bytes) const noexcept { return bytes_ + bytes <= open_bytes(); }

  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t bytes_of(memory_holder holder) const noexcept {
    return held_[static_cast<std::size_t>(holder)];
  }
  std::uint64_t bytes_max() const noexcept { return bytes_max_; }  // ever
  std::uint64_t budget() const noexcept { return budget_; }        // 0: no limit
  // What may be held by all, now: without the reserve, unless a flush goes on.
  std::uint64_t open_bytes() const noexcept {
    if (budget_ == 0) return std::numeric_limits<std::uint64_t>::max() / 2;
    return flushes_ != 0 ? budget_ : budget_ - budget_ / reserve_part;
  }
  // "1048576 of 1048576 bytes: young rows 900000, frames 148576", the largest first.
  std::string describe() const;

  // For the span of a flush.
  class [[nodiscard]] flush_guard {
   public:
    explicit flush_guard(memory_account& account) noexcept : account_(&account) {
      ++account.flushes_;
      account.renew_ceiling();
    }
    flush_guard(flush_guard&& other) noexcept : account_(std::exchange(other.account_, nullptr)) {}
    flush_guard& operator=(flush_guard&&) = delete;
    ~flush_guard() {
      if (account_ == nullptr) return;
      --account_->flushes_;
      account_->renew_ceiling();
    }

   private:
    memory_account* account_;
  };
  // For the span of a wait for room.
  class [[nodiscard]] wait_guard {
   public:
    explicit wait_guard(memory_account& account) noexcept : account_(&account) {
      ++account.waiters_;
      account.renew_ceiling();
    }
    wait_guard(const wait_guard&) = delete;
    wait_guard& operator=(const wait_guard&) = delete;
    ~wait_guard() {
      --account_->waiters_;
      account_->renew_ceiling();
    }

   private:
    memory_account* account_;
  };
  std::size_t waiters() const noexcept { return waiters_; }

  // The donor leaves before it goes. Throws std::bad_alloc.
  void add_donor(memory_donor& donor) { donors_.push_back(&donor); }
  // The same for who loses something by it, and is asked only when nothing else helps.
  void add_last_donor(memory_donor& donor) { last_donors_.push_back(&donor); }
  void remove_donor(memory_donor& donor) noexcept {
    std::erase(donors_, &donor);
    std::erase(last_donors_, &donor);
  }
  // Asks the donors in turn; answers how many bytes they gave up.
  std::uint64_t collect(std::uint64_t wanted) noexcept { return collect(donors_, wanted); }
  std::uint64_t collect_last(std::uint64_t wanted) noexcept {
    return collect(last_donors_, wanted);
  }

 private:
  static std::uint64_t collect(const std::vector<memory_donor*>& donors,
                               std::uint64_t wanted) noexcept;
  void renew_ceiling() noexcept { ceiling_ = waiters_ != 0 && flushes_ == 0 ? 0 : open_bytes(); }

  std::uint64_t bytes_ = 0;
  std::uint64_t ceiling_ = 0;
  std::uint64_t bytes_max_ = 0;
  std::uint64_t budget_;
  std::size_t flushes_ = 0;
  std::size_t waiters_ = 0;
  std::array<std::uint64_t, memory_holder_count> held_{};
  std::vector<memory_donor*> donors_;
  std::vector<memory_donor*> last_donors_;
};

// One holder's part of an account, given back where it ends. Without an account it only counts.
class memory_share {
 public:
  memory_share() noexcept = default;
  memory_share(memory_account* account, memory_holder holder) noexcept
      : account_(account), holder_(holder) {}
  memory_share(const memory_share&) = delete;
  memory_share& operator=(const memory_share&) = delete;
  ~memory_share() { set(0); }

  void set(std::uint64_t bytes) noexcept {
    const std::uint64_t before = std::exchange(bytes_, bytes);
    if (account_ == nullptr) return;
    if (bytes > before) account_->charge(holder_, bytes - before);
    if (bytes < before) account_->credit(holder_, before - bytes);
  }
  void add(std::uint64_t bytes) noexcept { set(bytes_ + bytes); }
  void move_to(memory_holder holder) noexcept {
    if (account_ != nullptr) account_->move(holder_, holder, bytes_);
    holder_ = holder;
  }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  memory_account* account_ = nullptr;
  memory_holder holder_ = memory_holder::rows;
  std::uint64_t bytes_ = 0;
};

}  // namespace lentic
