// SPDX-License-Identifier: Apache-2.0
#pragma once

// The filter of a run: tells for nearly every absent key that it is not there, without a look at a
// block. 12 to 24 bits a key; 0.55 % of absent keys pass with 12 (a million, run_filter_test.cpp).
//
// A split block Bloom filter (F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient
// Bloom Filters", 2007, section 3; here with one bit in each of eight words): blocks of 32 bytes,
// each eight little-endian words of 32 bits. The hash h of a key (hash64.hpp) chooses
//
//   block   h * blocks / 2^64, whole part
//   bit     in word w: bits 5w .. 5w+4 of h
//
// On disk: never change. Threads: plain values. Errors: std::bad_alloc.

#include <lentic/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lentic::detail {

inline constexpr std::size_t filter_block_bytes = 32;
inline constexpr std::size_t filter_bits_per_key = 12;

class run_filter {
 public:
  // Copies a filter as it is on disk, so that no lookup faults. False when that is none.
  bool load(bytes_view raw);
  // False: no row has a key of that hash. Without blocks: always false. O(1), one cache line.
  bool may_hold(std::uint64_t hash) const noexcept;
  std::size_t memory_bytes() const noexcept { return blocks_.capacity() * filter_block_bytes; }

 private:
  struct alignas(filter_block_bytes) block {
    std::array<std::byte, filter_block_bytes> raw;
  };
  std::vector<block> blocks_;
};

// Who knows how many keys there can be at most has the bits set at once, and the filter folded if
// half or less of them came. Without that, 8 bytes a key are held until the filter is built.
class run_filter_writer {
 public:
  // Before the first key; 0: not known.
  void expect(std::uint64_t keys_max);
  void add(std::uint64_t hash);
  // Sets the bits of a bounded number of keys; true when all are set. Nothing may be added then.
  bool build_some();
  // The filter as it is on disk, once it is built.
  bytes_view built() const noexcept { return filter_; }
  std::size_t held_bytes() const noexcept {
    return hashes_.capacity() * sizeof(std::uint64_t) + filter_.capacity();
  }

 private:
  void fold();

  std::vector<std::uint64_t> hashes_;
  std::size_t done_ = 0;  // of hashes_, or of the keys that came
  bool direct_ = false;
  bytes filter_;
};

}  // namespace lentic::detail
