// SPDX-License-Identifier: Apache-2.0
#pragma once

// size_class: the sizes in which blocks of memory are given out, so that what is given back fits
// what is asked for next. Multiples of 8 up to 256 bytes, above that four steps to each power of
// two: a block is at most a quarter larger than what was asked for.
//
// Threads: pure functions. O(1).

#include <bit>
#include <cstddef>

namespace lentic::detail {

inline constexpr std::size_t size_granule = 8;
inline constexpr std::size_t small_block_bytes_max = 256;
inline constexpr std::size_t small_class_count = small_block_bytes_max / size_granule;
inline constexpr std::size_t octave_first = 8;   // sizes above 2^8 bytes
inline constexpr std::size_t octave_count = 20;  // up to 2^28; larger blocks are not reused
inline constexpr std::size_t size_class_count = small_class_count + octave_count * 4;

struct size_class {
  std::size_t index = 0;  // may be size_class_count or more: see octave_count
  std::size_t bytes = 0;
};

constexpr size_class size_class_of(std::size_t bytes) noexcept {
  if (bytes <= small_block_bytes_max) {
    const std::size_t index = bytes == 0 ? 0 : (bytes - 1) / size_granule;
    return {index, (index + 1) * size_granule};
  }
  const auto octave = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;
  const std::size_t base = std::size_t{1} << octave;
  const std::size_t quarter = (bytes - 1 - base) / (base / 4);
  return {small_class_count + (octave - octave_first) * 4 + quarter,
          base + (quarter + 1) * (base / 4)};
}

// The bytes of a block of that class.
constexpr std::size_t size_class_bytes(std::size_t index) noexcept {
  if (index < small_class_count) return (index + 1) * size_granule;
  const std::size_t step = index - small_class_count;
  const std::size_t base = std::size_t{1} << (octave_first + step / 4);
  return base + (step % 4 + 1) * (base / 4);
}

}  // namespace lentic::detail
