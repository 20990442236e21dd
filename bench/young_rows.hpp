// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the benches of young tables share: keys, and the processor's time.

#include <array>
#include <cstddef>
#include <cstdint>

#include <time.h>

namespace lentic {

inline constexpr std::size_t key_bytes = 28;
using key_type = std::array<char, key_bytes>;

// Of this thread.
inline double processor_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Each number once, in an order that has nothing to do with it.
inline key_type key_of(std::uint64_t number) {
  key_type key;
  key.fill('0');
  std::uint64_t mixed = number * 0x9e3779b97f4a7c15U;
  for (std::size_t i = 0; i < 16; ++i, mixed >>= 4)
    key[key_bytes - 1 - i] = "0123456789abcdef"[mixed & 15];
  return key;
}

}  // namespace lentic
