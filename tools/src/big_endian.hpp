// SPDX-License-Identifier: Apache-2.0
#pragma once

// 64-bit integers as eight bytes, most significant first, in every record of the command.
// Threads: pure functions.

#include <cstddef>
#include <cstdint>

namespace lentic::tool {

inline void put_be64(std::byte* at, std::uint64_t value) noexcept {
  for (unsigned i = 0; i < 8; ++i) at[i] = static_cast<std::byte>(value >> (56 - 8 * i));
}

inline std::uint64_t get_be64(const std::byte* at) noexcept {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
  return value;
}

}  // namespace lentic::tool
