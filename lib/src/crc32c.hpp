// SPDX-License-Identifier: Apache-2.0
#pragma once

// CRC-32C (Castagnoli, reflected, as in RFC 3720): the checksum of everything we write.
// Pure functions; any thread. Check value: crc32c("123456789") = e3069283.

#include <lentic/bytes.hpp>

#include <cstdint>

namespace lentic::detail {

// The checksum of `data`, continued from `seed` = checksum of what came before. O(n).
std::uint32_t crc32c(bytes_view data, std::uint32_t seed = 0) noexcept;
// The same without the processor's instruction; what crc32c() does where there is none.
std::uint32_t crc32c_by_table(bytes_view data, std::uint32_t seed = 0) noexcept;

}  // namespace lentic::detail
