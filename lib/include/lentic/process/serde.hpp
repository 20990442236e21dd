// SPDX-License-Identifier: Apache-2.0
#pragma once

// serde<T>: how a key or value becomes bytes, and back: with the bytes of Kafka's serializers.
//
//   T                              bytes                              Kafka
//   std::string, std::string_view  as they are                        StringSerializer
//   bytes, bytes_view              as they are                        BytesSerializer
//   std::int16/32/64_t             big endian, two's complement       Short-, Integer-, Long-
//   double                         IEEE 754, big endian; one NaN      DoubleSerializer
//   bool                           00 or 01                           BooleanSerializer
//
// For a type of your own, specialise it with the same two functions:
//   static void encode(const T& from, bytes& to);            // appends; never fails
//   static result<T> decode(bytes_view raw) noexcept;        // errc::damaged for other bytes
//
// Pure functions; any thread. encode() appends to a buffer that is used again: no allocation once
// it has grown. Lifetime: a decoded view points into `raw`. Not promised: valid UTF-8.

#include <lentic/bytes.hpp>
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/task.hpp>

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::process {

template <class T>
struct serde;

template <class T>
concept has_serde = requires(const T& from, bytes& to, bytes_view raw) {
  serde<T>::encode(from, to);
  { serde<T>::decode(raw) } -> std::same_as<result<T>>;
};

namespace detail {

inline void append_raw(bytes_view from, bytes& to) {
  to.insert(to.end(), from.begin(), from.end());
}

// (std::int32_t{-2}) -> ff ff ff fe
template <std::signed_integral Integer>
struct integer_serde {
  static void encode(const Integer& from, bytes& to) { append_be(to, from); }
  static result<Integer> decode(bytes_view raw) noexcept {
    if (raw.size() != sizeof(Integer)) return make_error_code(errc::damaged);
    return load_be<Integer>(raw.data());
  }
};

}  // namespace detail

template <>
struct serde<std::string> {
  static void encode(const std::string& from, bytes& to) { detail::append_raw(as_bytes(from), to); }
  static result<std::string> decode(bytes_view raw) { return std::string(as_text(raw)); }
};

template <>
struct serde<std::string_view> {
  static void encode(const std::string_view& from, bytes& to) {
    detail::append_raw(as_bytes(from), to);
  }
  static result<std::string_view> decode(bytes_view raw) noexcept { return as_text(raw); }
};

template <>
struct serde<bytes> {
  static void encode(const bytes& from, bytes& to) { detail::append_raw(from, to); }
  static result<bytes> decode(bytes_view raw) { return to_bytes(raw); }
};

template <>
struct serde<bytes_view> {
  static void encode(const bytes_view& from, bytes& to) { detail::append_raw(from, to); }
  static result<bytes_view> decode(bytes_view raw) noexcept { return raw; }
};

template <>
struct serde<std::int16_t> : detail::integer_serde<std::int16_t> {};
template <>
struct serde<std::int32_t> : detail::integer_serde<std::int32_t> {};
template <>
struct serde<std::int64_t> : detail::integer_serde<std::int64_t> {};

// 1.5 -> 3f f8 00 00 00 00 00 00. Every NaN is written as 7f f8 00 ..., as Double.doubleToLongBits
// does.
template <>
struct serde<double> {
  static void encode(const double& from, bytes& to) {
    const std::uint64_t bits =
        std::isnan(from) ? std::uint64_t{0x7ff8} << 48 : std::bit_cast<std::uint64_t>(from);
    append_be(to, bits);
  }
  static result<double> decode(bytes_view raw) noexcept {
    if (raw.size() != sizeof(double)) return make_error_code(errc::damaged);
    return std::bit_cast<double>(load_be<std::uint64_t>(raw.data()));
  }
};

template <>
struct serde<bool> {
  static void encode(const bool& from, bytes& to) {
    to.push_back(from ? std::byte{1} : std::byte{0});
  }
  static result<bool> decode(bytes_view raw) noexcept {
    if (raw.size() != 1 || raw[0] > std::byte{1}) return make_error_code(errc::damaged);
    return raw[0] == std::byte{1};
  }
};

}  // namespace lentic::process
