// SPDX-License-Identifier: Apache-2.0
#pragma once

// block_pool: memory for the nodes, keys and values of one table. What is given back is given out
// again for the same size; everything goes at once with the pool.
//
// Own code, because the pools of the standard library that we build with (libstdc++ 12) do not
// survive an allocation that fails: the next one reads through a null pointer.
//
// Threads: one. Errors: std::bad_alloc, without an effect. O(1). Sizes are rounded up to the next
// multiple of 8, above 256 bytes by a quarter at most. Chunks grow from 1 KiB to 128 KiB; a block
// that is not much smaller than that is taken on its own.

#include "size_class.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <utility>

namespace lentic::detail {

class block_pool final : public std::pmr::memory_resource {
 public:
  block_pool() noexcept : source_(std::pmr::get_default_resource()) {}
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;
  ~block_pool() override {
    while (chunk* const gone = chunks_) {
      chunks_ = gone->next;
      source_->deallocate(gone, gone->bytes, size_granule);
    }
  }

  // Chunks become no larger than this, or 4 KiB; before the first block.
  void limit_chunks(std::size_t bytes) noexcept {
    chunk_limit_ = std::clamp(bytes, std::size_t{4096}, chunk_bytes_max);
  }
  // Given out and to be given out.
  std::size_t held_bytes() const noexcept { return held_bytes_; }

 private:
  static constexpr std::size_t chunk_bytes_min = 1024;
  static constexpr std::size_t chunk_bytes_max = std::size_t{128} << 10;
  static constexpr std::size_t own_chunk_part = 4;

  struct free_block {
    free_block* next = nullptr;
  };
  struct chunk {
    chunk* next = nullptr;
    std::size_t bytes = 0;
  };

  void* do_allocate(std::size_t bytes, [[maybe_unused]] std::size_t alignment) override {
    assert(alignment <= size_granule);
    const size_class fit = size_class_of(bytes);
    if (fit.index >= free_.size() || free_[fit.index] == nullptr) return make_block(fit.bytes);
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

  void* make_block(std::size_t bytes) {
    if (bytes > chunk_limit_ / own_chunk_part) return add_chunk(sizeof(chunk) + bytes);
    if (bytes > left_) {
      next_ = add_chunk(std::max(next_chunk_bytes_, sizeof(chunk) + bytes));
      left_ = chunks_->bytes - sizeof(chunk);
      next_chunk_bytes_ = std::min(2 * next_chunk_bytes_, chunk_limit_);
    }
    left_ -= bytes;
    return std::exchange(next_, next_ + bytes);
  }
  // Answers what is behind its head.
  std::byte* add_chunk(std::size_t bytes) {
    auto* const made = ::new (source_->allocate(bytes, size_granule)) chunk();
    made->bytes = bytes;
    made->next = std::exchange(chunks_, made);
    held_bytes_ += bytes;
    return static_cast<std::byte*>(static_cast<void*>(made)) + sizeof(chunk);
  }

  std::pmr::memory_resource* source_;
  chunk* chunks_ = nullptr;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t chunk_limit_ = chunk_bytes_max;
  std::size_t next_chunk_bytes_ = chunk_bytes_min;
  std::size_t held_bytes_ = 0;
  std::array<free_block*, size_class_count> free_{};
};

}  // namespace lentic::detail
