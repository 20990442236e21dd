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

#include "size_class.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <memory_resource>
#include <new>

namespace lentic::detail {

class block_pool final : public std::pmr::memory_resource {
 private:
  struct free_block {
    free_block* next = nullptr;
  };
  void* do_allocate(std::size_t bytes, [[maybe_unused]] std::size_t alignment) override {
    assert(alignment <= size_granule);
    const size_class fit = size_class_of(bytes);
    if (fit.index >= free_.size() || free_[fit.index] == nullptr)
      return blocks_.allocate(fit.bytes, size_granule);
    free_block* const reused = free_[fit.index];
    free_[fit.index] = reused->next;
    return reused;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    const size_class fit = size_class_of(bytes);
    if (fit.index >= free_.size()) return;
    auto* const freed = ::new (block) free_block();
    freed->next = free_[fit.index];
    free_[fit.index] = freed;
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::monotonic_buffer_resource blocks_;
  std::array<free_block*, size_class_count> free_{};
};

}  // namespace lentic::detail
