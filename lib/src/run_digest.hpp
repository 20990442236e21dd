// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sums of a run's rows (lentic/digest.hpp), between its filter and its footer:
//
//   0        4                36             36 + 8 n
//   +--------+----------------+--------------+
//   | CRC    | bits 32 B      | n sums ...   |   little endian
//   +--------+----------------+--------------+
//
// Bit i % 8 of byte i / 8 says that part i has a sum here; the others are zero. The CRC is that of
// a block at this offset. Not read at an open, only for a digest. Pure functions. Errors: bytes
// that are no such thing are answered as such.

#include <lentic/bytes.hpp>
#include <lentic/digest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lentic::detail {

inline constexpr std::size_t sums_head_bytes = 4 + digest_part_count / 8;

constexpr bool is_size_of_sums(std::uint64_t bytes) noexcept {
  return bytes >= sums_head_bytes && (bytes - sums_head_bytes) % 8 == 0
      && (bytes - sums_head_bytes) / 8 <= digest_part_count;
}

// The CRC is left zero.
bytes encode_sums(const std::array<std::uint64_t, digest_part_count>& parts);
// Adds them; false when `raw` has another size than its bits say. Its CRC is not looked at.
bool add_encoded_sums(bytes_view raw, std::array<std::uint64_t, digest_part_count>& to) noexcept;

}  // namespace lentic::detail
