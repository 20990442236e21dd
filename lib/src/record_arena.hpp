// SPDX-License-Identifier: Apache-2.0
#pragma once

// record_arena: memory for the records of one table, addressed by 32-bit numbers, so that a slot of
// an index takes 8 bytes with its hash. A number counts granules of 8 bytes; its upper bits choose
// a chunk. Chunks grow from 4 KiB to 1 MiB, a quarter of what there is, and are never moved: a
// table of a few rows stays small.
//
// What is given back is given out again for its size class; everything goes at once with the arena.
// Threads: one owner. Errors: std::bad_alloc, without an effect; also at 32 GiB. O(1).

#include "size_class.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace lentic::detail {

using record_number = std::uint32_t;
inline constexpr record_number no_record = 0;

class record_arena {
 public:
  // Chunks become no larger than this, or 4 KiB; before the first block.
  void limit_chunks(std::size_t bytes) noexcept;
  // A block of the class of `bytes`, aligned to 8; never no_record.
  record_number allocate(std::size_t bytes);
  // `bytes` is what was asked for, or the size of its class.
  void release(record_number at, std::size_t bytes) noexcept;

  void* operator[](record_number at) const noexcept {
    return chunks_[at >> chunk_bits].get() + std::size_t{at & place_mask} * size_granule;
  }
  // Given out and to be given out.
  std::size_t held_bytes() const noexcept { return held_bytes_; }

 private:
  static constexpr unsigned chunk_bits = 17;  // granules of the largest chunk
  static constexpr record_number place_mask = (record_number{1} << chunk_bits) - 1;
  static constexpr std::size_t chunk_bytes_min = 4096;
  static constexpr std::size_t chunk_part = 4;  // of what there is: so much may lie idle
  static constexpr std::size_t chunk_bytes_max = (std::size_t{1} << chunk_bits) * size_granule;
  static constexpr std::size_t chunk_count_max = std::size_t{1} << (32 - chunk_bits);

  void add_chunk(std::size_t bytes);

  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::size_t chunk_limit_ = chunk_bytes_max;
  std::size_t chunk_bytes_ = 0;  // of the last one
  std::size_t used_bytes_ = 0;   // of the last one
  std::size_t held_bytes_ = 0;
  std::array<record_number, size_class_count> free_{};  // a free block begins with the next one
};

}  // namespace lentic::detail
