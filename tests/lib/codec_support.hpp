// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the codec tests share: bytes written as hex, and every way to truncate a file or to flip a
// bit of it. Threads: plain functions.

#include <lentic/bytes.hpp>
#include <lentic/coro/sim_random.hpp>

#include <cstddef>
#include <string_view>

namespace lentic::test {

// "4c 52" -> two bytes; blanks and '|' are for the reader.
inline bytes hex(std::string_view text) {
  bytes raw;
  unsigned half = 0;
  bool second = false;
  for (const char c : text) {
    if (c == ' ' || c == '|') continue;
    const unsigned digit = static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (second) raw.push_back(static_cast<std::byte>(half * 16 + digit));
    half = digit;
    second = !second;
  }
  return raw;
}

inline bytes random_bytes(coro::sim_random& random, std::size_t size_max) {
  bytes raw(random.below(size_max + 1));
  for (std::byte& b : raw) b = static_cast<std::byte>(random.below(256));
  return raw;
}

// Calls check(bytes) for every proper prefix.
template <class Check>
void for_each_truncation(bytes_view whole, Check check) {
  for (std::size_t size = 0; size < whole.size(); ++size) check(to_bytes(whole.first(size)));
}

// Calls check(bytes, number of the bit) for every bit, flipped.
template <class Check>
void for_each_flip(bytes_view whole, Check check) {
  bytes flipped = to_bytes(whole);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    check(flipped, bit);
    flipped[bit / 8] = whole[bit / 8];
  }
}

}  // namespace lentic::test
