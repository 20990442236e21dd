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
// What a state becomes when `Bytes` zeros follow. The remainder is linear over GF(2), so 32 images
// of single bits say all; doubling the distance applies the map to itself. As four tables of 256.
using shift_table = std::array<std::array<std::uint32_t, 256>, 4>;

template <std::size_t Bytes>
constexpr shift_table make_shift() {
  static_assert((Bytes & (Bytes - 1)) == 0, "a power of two");
  const auto apply = [](const std::array<std::uint32_t, 32>& images, std::uint32_t state) {
    std::uint32_t sum = 0;
    for (unsigned bit = 0; state != 0; ++bit, state >>= 1) sum ^= (state & 1) * images[bit];
    return sum;
  };
  std::array<std::uint32_t, 32> images{};
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::uint32_t state = std::uint32_t{1} << bit;
    images[bit] = (state >> 8) ^ table[state & 0xff];
  }
  for (std::size_t distance = 1; distance < Bytes; distance *= 2) {
    std::array<std::uint32_t, 32> twice{};
    for (unsigned bit = 0; bit < 32; ++bit) twice[bit] = apply(images, images[bit]);
    images = twice;
  }
  shift_table tables{};
  for (unsigned byte = 0; byte < 4; ++byte)
    for (std::uint32_t value = 0; value < 256; ++value)
      tables[byte][value] = apply(images, value << (8 * byte));
  return tables;
}

template <std::size_t Bytes>
std::uint32_t shifted(std::uint64_t state) noexcept {
  static constexpr shift_table tables = make_shift<Bytes>();
  return tables[0][state & 0xff] ^ tables[1][(state >> 8) & 0xff] ^ tables[2][(state >> 16) & 0xff]
       ^ tables[3][(state >> 24) & 0xff];
}

std::uint64_t word_at(const std::byte* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

// The instruction answers after three cycles but takes an operand in each: three streams of `Lane`
// bytes at a time, joined by moving the earlier ones over the bytes that follow them.
template <std::size_t Lane>
__attribute__((target("sse4.2"))) std::uint64_t three_lanes(bytes_view& data,
                                                            std::uint64_t state) noexcept {
  while (data.size() >= 3 * Lane) {
    const std::byte* const at = data.data();
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < Lane; i += 8) {
      state = _mm_crc32_u64(state, word_at(at + i));
      second = _mm_crc32_u64(second, word_at(at + Lane + i));
      third = _mm_crc32_u64(third, word_at(at + 2 * Lane + i));
    }
    state = shifted<Lane>(shifted<Lane>(state) ^ second) ^ third;
    data = data.subspan(3 * Lane);
  }
  return state;
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(bytes_view data,
                                                               std::uint32_t state) noexcept {
  std::uint64_t wide = three_lanes<1024>(data, state);
  wide = three_lanes<256>(data, wide);
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
