// SPDX-License-Identifier: Apache-2.0
#include "run_filter.hpp"

#include <lentic/endian.hpp>

#include <algorithm>
#include <cstring>

namespace lentic::detail {

namespace {

constexpr std::size_t word_count = 8;
// So many that a slice stays short where each one misses the cache.
constexpr std::size_t keys_per_slice = std::size_t{1} << 16;

// The whole part of hash * blocks / 2^64: the upper half of the product.
std::size_t chosen_block(std::uint64_t hash, std::uint64_t blocks) noexcept {
  const std::uint64_t low = (hash & 0xffffffff) * (blocks & 0xffffffff);
  const std::uint64_t left = (hash >> 32) * (blocks & 0xffffffff) + (low >> 32);
  const std::uint64_t right = (hash & 0xffffffff) * (blocks >> 32) + (left & 0xffffffff);
  return static_cast<std::size_t>((hash >> 32) * (blocks >> 32) + (left >> 32) + (right >> 32));
}

std::uint32_t chosen_bit(std::uint64_t hash, std::size_t word) noexcept {
  return std::uint32_t{1} << ((hash >> (5 * word)) & 31);
}

}  // namespace

bool run_filter::load(bytes_view raw) {
  if (raw.size() % filter_block_bytes != 0) return false;
  blocks_.resize(raw.size() / filter_block_bytes);
  if (!raw.empty()) std::memcpy(blocks_.data(), raw.data(), raw.size());
  return true;
}

bool run_filter::may_hold(std::uint64_t hash) const noexcept {
  if (blocks_.empty()) return false;
  const block& chosen = blocks_[chosen_block(hash, blocks_.size())];
  std::uint32_t missing = 0;
  for (std::size_t word = 0; word < word_count; ++word)
    missing |= ~load_le<std::uint32_t>(chosen.raw.data() + 4 * word) & chosen_bit(hash, word);
  return missing == 0;
}

bool run_filter_writer::build_some() {
  if (filter_.empty()) {
    const std::size_t bits = hashes_.size() * filter_bits_per_key;
    const std::size_t blocks = (bits + 8 * filter_block_bytes - 1) / (8 * filter_block_bytes);
    filter_.resize(blocks * filter_block_bytes);
  }
  const std::size_t blocks = filter_.size() / filter_block_bytes;
  const std::size_t stop = std::min(hashes_.size(), done_ + keys_per_slice);
  for (; done_ < stop; ++done_) {
    const std::uint64_t hash = hashes_[done_];
    std::byte* const block = filter_.data() + chosen_block(hash, blocks) * filter_block_bytes;
    for (std::size_t word = 0; word < word_count; ++word) {
      std::byte* const at = block + 4 * word;
      store_le(load_le<std::uint32_t>(at) | chosen_bit(hash, word), at);
    }
  }
  return done_ == hashes_.size();
}

}  // namespace lentic::detail
