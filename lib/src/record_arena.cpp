// SPDX-License-Identifier: Apache-2.0
#include "record_arena.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace lentic::detail {

record_number record_arena::allocate(std::size_t bytes) {
  if (bytes > chunk_bytes_max / 2) throw std::bad_alloc();
  const size_class fit = size_class_of(bytes);
  record_number& first_free = free_[fit.index];
  if (first_free != no_record) {
    const record_number at = first_free;
    std::memcpy(&first_free, (*this)[at], sizeof(first_free));
    return at;
  }
  if (chunk_bytes_ - used_bytes_ < fit.bytes) add_chunk(fit.bytes);
  const std::size_t at = (chunks_.size() - 1) << chunk_bits | used_bytes_ / size_granule;
  used_bytes_ += fit.bytes;
  return static_cast<record_number>(at);
}

void record_arena::limit_chunks(std::size_t bytes) noexcept {
  chunk_limit_ = std::clamp(bytes, chunk_bytes_min, chunk_bytes_max);
}

void record_arena::release(record_number at, std::size_t bytes) noexcept {
  record_number& first_free = free_[size_class_of(bytes).index];
  std::memcpy((*this)[at], &first_free, sizeof(first_free));
  first_free = at;
}

void record_arena::add_chunk(std::size_t bytes) {
  if (chunks_.size() == chunk_count_max) throw std::bad_alloc();
  const std::size_t unused = chunks_.empty() ? size_granule : 0;  // number 0 means none
  const std::size_t grown = std::clamp(held_bytes_ / chunk_part / size_granule * size_granule,
                                       chunk_bytes_min, chunk_limit_);
  const std::size_t size = std::max(grown, size_class_of(bytes + unused).bytes);
  chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
  chunk_bytes_ = size;
  used_bytes_ = unused;
  held_bytes_ += size;
}

}  // namespace lentic::detail
