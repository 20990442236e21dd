// SPDX-License-Identifier: Apache-2.0
#pragma once

// The index of a run: where each block begins, and a separator: a key that is above all keys of the
// block before and not above any of its own, as short as that allows; the first block's is empty.
//
//   +--------+--------+-----+--------------+     fence: 12 bytes, little endian
//   | fence0 | fence1 | ... | separators   |       0  offset of the block     6 B
//   +--------+--------+-----+--------------+       6  end of its separator    6 B, from the first's
//                                                                                  begin
// In memory the same bytes, so ~0.25 bytes a row of 64 bytes, and four bytes more for each block:
// its separator's first ones behind what all separators begin with, side by side, so that a search
// seldom looks at separators. Offsets end at 2^48 (256 TiB).
// Threads: plain values. Errors: std::bad_alloc; load() trusts nothing.

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lentic::detail {

inline constexpr std::size_t fence_bytes = 12;

class run_index {
 public:
  // Copies an index of `count` blocks that end at `blocks_end`. False when that is none.
  bool load(bytes_view raw, std::uint64_t count, std::uint64_t blocks_end);

  std::size_t count() const noexcept { return count_; }
  std::uint64_t begin(std::size_t block) const noexcept;
  std::uint64_t end(std::size_t block) const noexcept;
  bytes_view separator(std::size_t block) const noexcept;
  // The last block whose separator is <= key. Precondition: there is a block. O(log blocks).
  std::size_t block_of(bytes_view key) const noexcept;
  std::size_t memory_bytes() const noexcept {
    return raw_.capacity() + heads_.capacity() * sizeof(std::uint32_t);
  }

 private:
  void fill_heads();
  std::uint32_t head_of(bytes_view key) const noexcept;
  bool makes_sense() const noexcept;
  std::uint64_t separator_end(std::size_t block) const noexcept;

  bytes raw_;
  std::size_t count_ = 0;
  std::uint64_t blocks_end_ = 0;
  std::size_t shared_ = 0;            // bytes that all separators but the first begin with
  std::vector<std::uint32_t> heads_;  // of the blocks behind the first
};

class run_index_writer {
 public:
  // A block that begins at `offset`; its first key, and the last key of the block before.
  void add(std::uint64_t offset, bytes_view last_before, bytes_view first);
  std::uint64_t count() const noexcept { return fences_.size() / fence_bytes; }
  bytes_view fences() const noexcept { return fences_; }
  bytes_view separators() const noexcept { return separators_; }
  std::size_t held_bytes() const noexcept { return fences_.capacity() + separators_.capacity(); }

 private:
  bytes fences_;
  bytes separators_;
};

}  // namespace lentic::detail
