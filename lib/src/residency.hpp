// SPDX-License-Identifier: Apache-2.0
#pragma once

// residency: which blocks of a run are known to be in memory, a bit each. What was noted under
// another epoch of block_reads counts as unknown.
// Threads: a plain value. Errors: std::bad_alloc from the constructor alone.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lentic::detail {

class residency {
 public:
  residency() = default;
  explicit residency(std::size_t blocks) : words_((blocks + 63) / 64) {}

  bool test(std::size_t block, std::uint64_t epoch) const noexcept {
    return epoch == epoch_ && (words_[block / 64] >> (block % 64) & 1) != 0;
  }
  void set(std::size_t block, std::uint64_t epoch) noexcept {
    if (epoch != epoch_) fill(0, epoch);
    words_[block / 64] |= std::uint64_t{1} << (block % 64);
  }
  void set_all(std::uint64_t epoch) noexcept { fill(~std::uint64_t{0}, epoch); }
  std::size_t memory_bytes() const noexcept { return words_.capacity() * sizeof(std::uint64_t); }

 private:
  void fill(std::uint64_t word, std::uint64_t epoch) noexcept {
    std::fill(words_.begin(), words_.end(), word);
    epoch_ = epoch;
  }

  std::vector<std::uint64_t> words_;
  std::uint64_t epoch_ = 0;  // block_reads begins with 1
};

}  // namespace lentic::detail
