// SPDX-License-Identifier: Apache-2.0
#pragma once

// digest_sums: the sums of lentic/digest.hpp where they are kept: by a young table with each change
// of its rows, by a writer of a run for its footer.
//
// Row, XXH3 (64 bits) of
//
//   0           n                n + m
//   +-----------+----------------+
//   | key ...   | value ...      |   seeded with XXH3(segment, 8 B LE; digest_seed) + n *
//   digest_step
//   +-----------+----------------+
//
// so a row in memory whose value lies behind its key is hashed as it lies there. The product keeps
// ("ab", "c") and ("a", "bc") apart: seeds that lie side by side could be made up for by rows of a
// few bytes. In segment 7, ("a", "1") -> 7d65264506c805fb.
// Threads: none of its own. Errors: none.

#include <lentic/bytes.hpp>
#include <lentic/digest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lentic::detail {

// On disk, in the runs. Never change.
inline constexpr std::uint64_t digest_seed = 0x6c656e7469632e31;  // "lentic.1"
inline constexpr std::uint64_t digest_step = 0x9e3779b97f4a7c15;

// What all rows of a segment share.
std::uint64_t segment_seed(std::uint64_t segment) noexcept;
std::uint64_t seeded_digest(std::uint64_t seed, bytes_view key, bytes_view value) noexcept;
// The same of a row whose value lies behind its key, of `key_bytes` bytes.
std::uint64_t joined_digest(std::uint64_t seed, bytes_view row, std::size_t key_bytes) noexcept;

struct digest_sums {
  explicit digest_sums(std::uint64_t segment) noexcept : seed(segment_seed(segment)) {}

  void add(bytes_view key, bytes_view value) noexcept {
    parts[digest_part_of(key)] += seeded_digest(seed, key, value);
  }
  void subtract(bytes_view key, bytes_view value) noexcept {
    parts[digest_part_of(key)] -= seeded_digest(seed, key, value);
  }

  std::uint64_t seed;
  std::array<std::uint64_t, digest_part_count> parts{};
};

}  // namespace lentic::detail
