// SPDX-License-Identifier: Apache-2.0
#pragma once

// Digests of rows: sums that tell whether two states hold the same rows, whatever the order in
// which these were put and the files that they lie in.
//
//   row      XXH3 (64 bits) of key and value, one behind the other, with a seed that is made of the
//            segment and of the number of the key's bytes (digest.cpp draws it)
//   part     the rows whose key has the same top 8 bits of XXH3 (64 bits, seed 0): 1/256 of the
//            keys; its digest is the sum, modulo 2^64, of those of its rows
//   total    of a segment, of a store: the sum of all that
//
// An environment keeps these sums up to date (environment::digest()); digest_of() makes them by a
// scan, of any store and any range of keys. A part that differs tells where to look.
// The seed is fixed, so that states can be compared that know nothing of each other. What equal
// sums prove, and what not against who chooses rows, is told in docs/guarantees.md.
// Pure functions and values; any thread, but for digest_of(), which reads a store.

#include <lentic/bytes.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/task.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lentic {

inline constexpr std::size_t digest_part_count = 256;

// Of one row; also in files: never change. O(bytes).
std::uint64_t row_digest(std::uint64_t segment, bytes_view key, bytes_view value) noexcept;
// The part that a key belongs to. O(bytes).
std::size_t digest_part_of(bytes_view key) noexcept;

struct segment_digest {
  std::uint64_t segment = 0;
  std::uint64_t rows = 0;
  std::array<std::uint64_t, digest_part_count> parts{};

  // A row that is there, or not any more. O(bytes).
  void add(bytes_view key, bytes_view value) noexcept;
  void subtract(bytes_view key, bytes_view value) noexcept;
  // O(parts).
  std::uint64_t total() const noexcept;

  bool operator==(const segment_digest&) const = default;
};

// Segments that hold a row, ascending.
struct store_digest {
  std::vector<segment_digest> segments;

  std::uint64_t rows() const noexcept;
  std::uint64_t total() const noexcept;

  bool operator==(const store_digest&) const = default;
};

// Of the rows of `store` with keys in `range`, as rows of that segment (0 for a plain byte store).
// O(rows); each block of the cursor is read as it is when it is reached, so nothing changes
// meanwhile, or the sums are of no one moment. The store outlives the task. Errors: the cursor's.
task<segment_digest> digest_of(byte_store& store, std::uint64_t segment, key_range range);
task<segment_digest> digest_of(byte_store& store, std::uint64_t segment = 0);

}  // namespace lentic
