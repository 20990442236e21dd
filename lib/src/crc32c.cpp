// SPDX-License-Identifier: Apache-2.0
#include "crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace lentic::detail {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t remainder = i;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82f63b78U : 0U);
    table[i] = remainder;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(bytes_view data,
                                                               std::uint32_t state) noexcept {
  std::uint64_t wide = state;
  while (data.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, data.data(), 8);
    wide = _mm_crc32_u64(wide, word);
    data = data.subspan(8);
  }
  state = static_cast<std::uint32_t>(wide);
  for (const std::byte b : data) state = _mm_crc32_u8(state, std::to_integer<unsigned char>(b));
  return state;
}

const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

std::uint32_t crc32c(bytes_view data, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
  if (has_instruction) return ~by_instruction(data, ~seed);
#endif
  return crc32c_by_table(data, seed);
}

std::uint32_t crc32c_by_table(bytes_view data, std::uint32_t seed) noexcept {
  std::uint32_t state = ~seed;
  for (const std::byte b : data)
    state = (state >> 8) ^ table[(state ^ std::to_integer<std::uint32_t>(b)) & 0xff];
  return ~state;
}

}  // namespace lentic::detail
