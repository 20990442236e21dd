// SPDX-License-Identifier: Apache-2.0
#pragma once

// uring_buffers: an arena that the ring has pinned, in slots of a page: a read into it saves the
// kernel the pinning (a tenth of a read of cached 4 KiB, docs/design/0011-cold-reads.md).
//
// The arena is made when the first slot is asked for. Where the kernel refuses it, as when more
// memory would be locked than it allows, there are no slots.
// Threads: the ring's. Lifetime: the ring outlives its use, not the object.

#include <liburing.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lentic::coro::detail {

inline constexpr std::size_t uring_slot_bytes = 4096;
inline constexpr std::size_t uring_slots = 256;

class uring_buffers {
 public:
  uring_buffers() = default;
  uring_buffers(const uring_buffers&) = delete;
  uring_buffers& operator=(const uring_buffers&) = delete;
  ~uring_buffers();

  // Null when it is larger than a slot, or there is no free one.
  std::byte* lend(io_uring& ring, std::size_t bytes) noexcept;
  void take_back(std::byte* slot) noexcept;
  // Whether all of these bytes are in the arena.
  bool holds(const void* data, std::size_t bytes) const noexcept;

 private:
  bool make(io_uring& ring) noexcept;

  std::byte* arena_ = nullptr;
  bool refused_ = false;
  std::size_t free_count_ = 0;
  std::array<std::uint16_t, uring_slots> free_{};
};

}  // namespace lentic::coro::detail
