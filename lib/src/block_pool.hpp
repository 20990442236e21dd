// SPDX-License-Identifier: Apache-2.0
#pragma once

// block_pool: memory for the nodes, keys and values of one table. What is given back is given out
// again for the same size; everything goes at once with the pool.
//
// Own code, because the pools of the standard library that we build with (libstdc++ 12) do not
// survive an allocation that fails: the next one reads through a null pointer.
//
// Threads: one. Errors: std::bad_alloc, without an effect. O(1). Sizes are rounded up to the next
// multiple of 8, above 256 bytes by a quarter at most.

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <memory_resource>
#include <new>

namespace lentic::detail {

class block_pool final : public std::pmr::memory_resource {
 private:
  static constexpr std::size_t granule = 8;
  static constexpr std::size_t small_bytes_max = 256;
  static constexpr std::size_t small_count = small_bytes_max / granule;
  static constexpr std::size_t octave_first = 8;   // sizes above 2^8 bytes
  static constexpr std::size_t octave_count = 20;  // up to 2^28; larger blocks are not reused

  struct free_block {
    free_block* next = nullptr;
  };
  struct size_class {
    std::size_t index = 0;
    std::size_t bytes = 0;
  };

  static size_class class_of(std::size_t bytes) noexcept {
    if (bytes <= small_bytes_max) {
      const std::size_t index = bytes == 0 ? 0 : (bytes - 1) / granule;
      return {index, (index + 1) * granule};
    }
    const auto octave = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;
    const std::size_t base = std::size_t{1} << octave;
    const std::size_t quarter = (bytes - 1 - base) / (base / 4);
    return {small_count + (octave - octave_first) * 4 + quarter, base + (quarter + 1) * (base / 4)};
  }

  void* do_allocate(std::size_t bytes, [[maybe_unused]] std::size_t alignment) override {
    assert(alignment <= granule);
    const size_class fit = class_of(bytes);
    if (fit.index >= free_.size() || free_[fit.index] == nullptr)
      return blocks_.allocate(fit.bytes, granule);
    free_block* const reused = free_[fit.index];
    free_[fit.index] = reused->next;
    return reused;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    const size_class fit = class_of(bytes);
    if (fit.index >= free_.size()) return;
    auto* const freed = ::new (block) free_block();
    freed->next = free_[fit.index];
    free_[fit.index] = freed;
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::monotonic_buffer_resource blocks_;
  std::array<free_block*, small_count + octave_count * 4> free_{};
};

}  // namespace lentic::detail
