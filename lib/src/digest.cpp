// SPDX-License-Identifier: Apache-2.0
// The functions of XXH3 are compiled into this file: for rows of a few bytes the call would cost as
// much as the hash, and rows in two pieces need its state on the stack.
#define XXH_INLINE_ALL
#include "digest_sums.hpp"

#include <lentic/endian.hpp>
#include <lentic/store/byte_store.hpp>

#include <cstring>
#include <numeric>
#include <span>

#include <xxhash.h>

namespace lentic {

namespace detail {

namespace {

// A row in two pieces is copied up to this size: cheaper than the state that takes pieces.
constexpr std::size_t copied_bytes_max = 1024;

std::uint64_t row_seed(std::uint64_t seed, std::size_t key_bytes) noexcept {
  return seed + key_bytes * digest_step;
}

}  // namespace

std::uint64_t segment_seed(std::uint64_t segment) noexcept {
  std::array<std::byte, sizeof(segment)> raw;
  store_le(segment, raw.data());
  return XXH3_64bits_withSeed(raw.data(), raw.size(), digest_seed);
}

std::uint64_t joined_digest(std::uint64_t seed, bytes_view row, std::size_t key_bytes) noexcept {
  return XXH3_64bits_withSeed(row.data(), row.size(), row_seed(seed, key_bytes));
}

std::uint64_t seeded_digest(std::uint64_t seed, bytes_view key, bytes_view value) noexcept {
  if (value.empty()) return joined_digest(seed, key, key.size());
  const std::size_t whole = key.size() + value.size();
  if (whole <= copied_bytes_max) {
    std::array<std::byte, copied_bytes_max> row;  // as far as it is used
    if (!key.empty()) std::memcpy(row.data(), key.data(), key.size());
    std::memcpy(row.data() + key.size(), value.data(), value.size());
    return joined_digest(seed, bytes_view(row).first(whole), key.size());
  }
  XXH3_state_t state{};  // reset reads it
  XXH3_64bits_reset_withSeed(&state, row_seed(seed, key.size()));
  if (!key.empty()) XXH3_64bits_update(&state, key.data(), key.size());
  XXH3_64bits_update(&state, value.data(), value.size());
  return XXH3_64bits_digest(&state);
}

}  // namespace detail

std::uint64_t row_digest(std::uint64_t segment, bytes_view key, bytes_view value) noexcept {
  return detail::seeded_digest(detail::segment_seed(segment), key, value);
}

std::size_t digest_part_of(bytes_view key) noexcept {
  constexpr unsigned below_top_byte = 56;
  return static_cast<std::size_t>(XXH3_64bits(key.data(), key.size()) >> below_top_byte);
}

void segment_digest::add(bytes_view key, bytes_view value) noexcept {
  parts[digest_part_of(key)] += row_digest(segment, key, value);
  ++rows;
}

void segment_digest::subtract(bytes_view key, bytes_view value) noexcept {
  parts[digest_part_of(key)] -= row_digest(segment, key, value);
  --rows;
}

std::uint64_t segment_digest::total() const noexcept {
  return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
}

std::uint64_t store_digest::rows() const noexcept {
  std::uint64_t sum = 0;
  for (const segment_digest& each : segments) sum += each.rows;
  return sum;
}

std::uint64_t store_digest::total() const noexcept {
  std::uint64_t sum = 0;
  for (const segment_digest& each : segments) sum += each.total();
  return sum;
}

namespace {

task<segment_digest> digest_rows(cursor rows, std::uint64_t segment) {
  segment_digest found;
  found.segment = segment;
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) co_return found;
    for (const row& each : block) found.add(each.key, each.value);
  }
}

}  // namespace

task<segment_digest> digest_of(byte_store& store, std::uint64_t segment, key_range range) {
  return digest_rows(store.range(range), segment);
}

task<segment_digest> digest_of(byte_store& store, std::uint64_t segment) {
  return digest_of(store, segment, everything());
}

}  // namespace lentic
