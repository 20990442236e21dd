// SPDX-License-Identifier: Apache-2.0
#pragma once

// hash64: the one hash of keys in memory, for tables and caches. Its values are never written to
// disk, so it may change. Not promised: resistance to keys that were chosen to collide.
// Threads: a pure function. O(bytes).

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lentic::detail {

// Eight bytes at a time, each mixed by a multiplication whose high half is folded back (the idea of
// wyhash, Wang Yi 2019). The last word overlaps the one before it; a key below eight bytes is
// filled with zeros. The length starts the sum. The upper half is the better one.
inline std::uint64_t hash64(bytes_view key) noexcept {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  std::uint64_t sum = key.size() * odd;
  const std::byte* at = key.data();
  std::size_t left = key.size();
  for (; left >= sizeof(sum); at += sizeof(sum), left -= sizeof(sum)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));  // of a known size: one load
    sum = (sum ^ word) * odd;
    sum ^= sum >> 32;
  }
  if (left != 0) {
    std::uint64_t word = 0;
    if (key.size() >= sizeof(word)) {
      std::memcpy(&word, at + left - sizeof(word), sizeof(word));
    } else {
      std::memcpy(&word, at, left);
    }
    sum = (sum ^ word) * odd;
    sum ^= sum >> 32;
  }
  return sum * odd;
}

}  // namespace lentic::detail
