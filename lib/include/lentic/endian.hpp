// SPDX-License-Identifier: Apache-2.0
#pragma once

// Fixed-width integers to and from bytes, both byte orders: big endian where Kafka defines the
// layout or the bytes must sort, little endian in our own files. Pure functions; any thread.
// Precondition of every read: `from` holds sizeof(Integer) bytes.

#include <lentic/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lentic {

namespace detail {
// The next byte from below.
template <std::unsigned_integral Bits>
constexpr Bits shifted_in(Bits bits, std::byte next) noexcept {
  const auto wide = static_cast<std::uint64_t>(bits) << 8;
  return static_cast<Bits>(wide | std::to_integer<std::uint64_t>(next));
}
}  // namespace detail

template <std::integral Integer>
void store_be(Integer value, std::byte* to) noexcept {
  auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  for (std::size_t i = sizeof(Integer); i-- > 0; bits = static_cast<decltype(bits)>(bits >> 7 >> 1))
    to[i] = static_cast<std::byte>(bits & 0xff);
}

template <std::integral Integer>
Integer load_be(const std::byte* from) noexcept {
  std::make_unsigned_t<Integer> bits = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) bits = detail::shifted_in(bits, from[i]);
  return static_cast<Integer>(bits);
}

template <std::integral Integer>
void store_le(Integer value, std::byte* to) noexcept {
  auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  for (std::size_t i = 0; i < sizeof(Integer);
       ++i, bits = static_cast<decltype(bits)>(bits >> 7 >> 1))
    to[i] = static_cast<std::byte>(bits & 0xff);
}

template <std::integral Integer>
Integer load_le(const std::byte* from) noexcept {
  std::make_unsigned_t<Integer> bits = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;) bits = detail::shifted_in(bits, from[i]);
  return static_cast<Integer>(bits);
}

template <std::integral Integer>
void append_be(bytes& to, Integer value) {
  to.resize(to.size() + sizeof(Integer));
  store_be(value, to.data() + to.size() - sizeof(Integer));
}

template <std::integral Integer>
void append_le(bytes& to, Integer value) {
  to.resize(to.size() + sizeof(Integer));
  store_le(value, to.data() + to.size() - sizeof(Integer));
}

}  // namespace lentic
