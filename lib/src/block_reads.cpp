// SPDX-License-Identifier: Apache-2.0
#include "block_reads.hpp"

#include <lentic/coro/io_buffer.hpp>
#include <lentic/errc.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace lentic::detail {

namespace {

// Between two looks for stalls, each a system call of about 0.3 us.
constexpr std::uint32_t touches_per_look = 64;
// Of the memory budget: buffers together, and one of them.
constexpr std::uint64_t budget_part = 16;
constexpr std::uint64_t budget_part_of_one = 64;
constexpr std::uint64_t piece_bytes_min = 4096;

std::uint64_t piece_bytes(std::uint64_t budget) noexcept {
  if (budget == 0) return read_bytes_max;
  return std::clamp<std::uint64_t>(budget / budget_part_of_one, piece_bytes_min, read_bytes_max);
}

task<void> unheard(task<void> work) {
  try {
    co_await std::move(work);
  } catch (...) {  // a spawn boundary: who needs the block reads it again, and hears
  }
}

}  // namespace

class block_reads::room {
 public:
  room(block_reads& of, std::uint64_t bytes) noexcept : of_(&of), bytes_(bytes) {
    of_->in_use_.add(bytes_);
  }
  room(const room&) = delete;
  room& operator=(const room&) = delete;
  ~room() {
    of_->in_use_.set(of_->bytes_in_use() - bytes_);
    of_->freed_.wake_all();
    if (of_->told_ != nullptr) of_->told_->wake_all();
  }

 private:
  block_reads* of_;
  std::uint64_t bytes_;
};

block_reads::block_reads(coro::runtime& owner, std::uint64_t bytes_max,
                         std::shared_ptr<memory_account> memory) noexcept
    : runtime_(&owner),
      account_(std::move(memory)),
      bytes_max_(within_budget(bytes_max)),
      piece_bytes_max_(piece_bytes(account_->budget())),
      in_use_(account_.get(), memory_holder::blocks),
      touches_left_(touches_per_look),
      faults_seen_(owner.io().blocking_faults()),
      turn_(owner.queue()),
      freed_(owner.queue()),
      idle_(owner.queue()),
      background_(owner.queue()) {}

void block_reads::check_open() const {
  if (shut_) fail(errc::closed, "a read of a run");
}

std::uint64_t block_reads::within_budget(std::uint64_t bytes) const noexcept {
  const std::uint64_t budget = account_->budget();
  return budget == 0 ? bytes : std::min(bytes, budget / budget_part);
}

// One read may always go on, however large it is.
bool block_reads::has_room(std::uint64_t bytes) const noexcept {
  const std::uint64_t used = bytes_in_use();
  return used == 0 || (used < bytes_max_ && bytes <= bytes_max_ - used);
}

void block_reads::set_bytes_max(std::uint64_t bytes) noexcept {
  bytes_max_ = within_budget(bytes);
  freed_.wake_all();
}

task<void> block_reads::wait_for_room(std::uint64_t bytes) {
  const coro::async_mutex::guard first = co_await turn_.lock();
  while (!shut_ && !has_room(bytes)) co_await freed_.wait();
  check_open();
}

task<void> block_reads::read(coro::file& from, std::uint64_t begin, std::uint64_t end) {
  check_open();
  const visit here(*this);
  while (begin < end) {
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, piece_bytes_max_));
    if (turn_.is_locked() || !has_room(bytes)) co_await wait_for_room(bytes);
    const room taken(*this, bytes);
    const coro::io_buffer buffer(engine(), bytes);
    const std::span<std::byte> to = buffer.span();
    const std::size_t got = co_await from.read(to, begin);
    ++reads_;
    bytes_read_ += got;
    if (got < bytes)
      fail(errc::damaged, from.name() + " ends before " + std::to_string(begin + bytes));
    begin += bytes;
  }
}

void block_reads::start(task<void> work) {
  if (shut_ || bytes_in_use() > bytes_max_ / 2) return;
  background_.spawn(unheard(std::move(work)));
}

task<void> block_reads::shut() {
  shut_ = true;
  freed_.wake_all();
  while (open_ != 0) co_await idle_.wait();
  co_await background_.join();
}

std::uint64_t block_reads::stalls() noexcept {
  look_for_stalls();
  return stalls_;
}

void block_reads::look_for_stalls() noexcept {
  touches_left_ = touches_per_look;
  const std::uint64_t faults = engine().blocking_faults();
  if (faults == faults_seen_) return;
  stalls_ += faults - faults_seen_;
  faults_seen_ = faults;
  forget();
}

}  // namespace lentic::detail
