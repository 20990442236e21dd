// SPDX-License-Identifier: Apache-2.0
#include "run_filter.hpp"

#include <lentic/endian.hpp>

#include <algorithm>
#include <cstring>

namespace lentic::detail {

namespace {

constexpr std::size_t word_count = 8;
// A large filter that may be folded has a multiple of this, and is halved up to four times.
constexpr std::size_t foldable_bytes = filter_block_bytes << 4;
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

std::size_t bytes_for(std::uint64_t keys) noexcept {
  const std::uint64_t bits = keys * filter_bits_per_key;
  return static_cast<std::size_t>((bits + 8 * filter_block_bytes - 1) / (8 * filter_block_bytes))
       * filter_block_bytes;
}

void set_bits(bytes& filter, std::uint64_t hash) noexcept {
  const std::size_t blocks = filter.size() / filter_block_bytes;
  std::byte* const block = filter.data() + chosen_block(hash, blocks) * filter_block_bytes;
  for (std::size_t word = 0; word < word_count; ++word) {
    std::byte* const at = block + 4 * word;
    store_le(load_le<std::uint32_t>(at) | chosen_bit(hash, word), at);
  }
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

void run_filter_writer::expect(std::uint64_t keys_max) {
  direct_ = keys_max != 0;
  if (!direct_) return;
  const std::size_t least = bytes_for(keys_max);
  const bool is_small = least < 4 * foldable_bytes;
  filter_.resize(is_small ? least : (least + foldable_bytes - 1) / foldable_bytes * foldable_bytes);
}

void run_filter_writer::add(std::uint64_t hash) {
  if (!direct_) return hashes_.push_back(hash);
  set_bits(filter_, hash);
  ++done_;
}

bool run_filter_writer::build_some() {
  if (direct_) {
    fold();
    return true;
  }
  if (filter_.empty()) filter_.resize(bytes_for(hashes_.size()));
  const std::size_t stop = std::min(hashes_.size(), done_ + keys_per_slice);
  for (; done_ < stop; ++done_) set_bits(filter_, hashes_[done_]);
  return done_ == hashes_.size();
}

// The block of a hash among half as many is half the number of its block: so neighbours are one.
void run_filter_writer::fold() {
  if (done_ == 0) filter_.clear();
  while (filter_.size() >= 2 * bytes_for(done_) && filter_.size() % (2 * filter_block_bytes) == 0
         && !filter_.empty()) {
    const std::size_t half = filter_.size() / 2;
    for (std::size_t to = 0; to < half; to += filter_block_bytes) {
      for (std::size_t i = 0; i < filter_block_bytes; ++i)
        filter_[to + i] = filter_[2 * to + i] | filter_[2 * to + filter_block_bytes + i];
    }
    filter_.resize(half);
  }
}

}  // namespace lentic::detail
