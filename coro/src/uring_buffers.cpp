// SPDX-License-Identifier: Apache-2.0
#include "uring_buffers.hpp"

#include <cassert>
#include <functional>

#include <sys/mman.h>
#include <sys/uio.h>

namespace lentic::coro::detail {

namespace {

constexpr std::size_t arena_bytes = uring_slot_bytes * uring_slots;

}  // namespace

uring_buffers::~uring_buffers() {
  if (arena_ != nullptr) munmap(arena_, arena_bytes);
}

bool uring_buffers::make(io_uring& ring) noexcept {
  refused_ = true;
  void* const made =
      mmap(nullptr, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made == MAP_FAILED) return false;
  madvise(made, arena_bytes, MADV_DONTFORK);  // as the ring: a child has no use for it
  const iovec whole{made, arena_bytes};
  if (io_uring_register_buffers(&ring, &whole, 1) < 0) {
    munmap(made, arena_bytes);
    return false;
  }
  arena_ = static_cast<std::byte*>(made);
  for (; free_count_ < uring_slots; ++free_count_)
    free_[free_count_] = static_cast<std::uint16_t>(uring_slots - 1 - free_count_);
  return true;
}

std::byte* uring_buffers::lend(io_uring& ring, std::size_t bytes) noexcept {
  if (bytes > uring_slot_bytes || (arena_ == nullptr && (refused_ || !make(ring)))) return nullptr;
  if (free_count_ == 0) return nullptr;
  return arena_ + free_[--free_count_] * uring_slot_bytes;
}

void uring_buffers::take_back(std::byte* slot) noexcept {
  assert(holds(slot, uring_slot_bytes) && free_count_ < uring_slots);
  const auto offset = static_cast<std::size_t>(slot - arena_);
  free_[free_count_++] = static_cast<std::uint16_t>(offset / uring_slot_bytes);
}

bool uring_buffers::holds(const void* data, std::size_t bytes) const noexcept {
  const auto* const at = static_cast<const std::byte*>(data);
  const std::less<const std::byte*> before;  // a total order, also of unrelated pointers
  if (arena_ == nullptr || before(at, arena_) || !before(at, arena_ + arena_bytes)) return false;
  return bytes <= static_cast<std::size_t>(arena_ + arena_bytes - at);
}

}  // namespace lentic::coro::detail
