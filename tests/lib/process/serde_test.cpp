// SPDX-License-Identifier: Apache-2.0
#include <lentic/bytes.hpp>
#include <lentic/errc.hpp>
#include <lentic/process/serde.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>

namespace lentic::process {
namespace {

template <class T>
bytes encoded(const T& value) {
  bytes raw;
  serde<T>::encode(value, raw);
  return raw;
}

template <class T>
void round_trip(const T& value) {
  const result<T> back = serde<T>::decode(encoded(value));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, value);
}

// Every length but the right one is refused.
template <class T>
void refuses_other_lengths(std::size_t good) {
  for (std::size_t size = 0; size < 12; ++size) {
    const result<T> back = serde<T>::decode(bytes(size));
    EXPECT_EQ(back.has_value(), size == good) << size;
    if (size != good) {
      EXPECT_EQ(back.error(), errc::damaged);
    }
  }
}

TEST(Serde, TextIsItsBytes) {
  EXPECT_EQ(to_hex(encoded(std::string("ab\0c", 4))), "61620063");
  EXPECT_EQ(to_hex(encoded(std::string_view("ab"))), "6162");
  EXPECT_EQ(to_hex(encoded(std::string())), "");
  round_trip(std::string("text"));
}

TEST(Serde, BytesAreThemselves) {
  const bytes raw = to_bytes("\x01\xff");
  EXPECT_EQ(to_hex(encoded(raw)), "01ff");
  EXPECT_EQ(to_hex(encoded(bytes_view(raw))), "01ff");
  round_trip(raw);
}

TEST(Serde, AViewPointsIntoTheBytes) {
  const bytes raw = to_bytes("text");
  EXPECT_EQ(static_cast<const void*>(serde<std::string_view>::decode(raw)->data()),
            static_cast<const void*>(raw.data()));
  EXPECT_EQ(serde<bytes_view>::decode(raw)->data(), raw.data());
}

TEST(Serde, IntegersAreBigEndian) {
  EXPECT_EQ(to_hex(encoded(std::int16_t{-2})), "fffe");
  EXPECT_EQ(to_hex(encoded(std::int32_t{0x01020304})), "01020304");
  EXPECT_EQ(to_hex(encoded(std::int32_t{-2})), "fffffffe");
  EXPECT_EQ(to_hex(encoded(std::int64_t{42})), "000000000000002a");
  EXPECT_EQ(to_hex(encoded(std::numeric_limits<std::int64_t>::min())), "8000000000000000");
}

TEST(Serde, DoublesAreTheirBitsAndNaNIsOne) {
  EXPECT_EQ(to_hex(encoded(1.5)), "3ff8000000000000");
  EXPECT_EQ(to_hex(encoded(-0.0)), "8000000000000000");
  const double odd_nan = std::bit_cast<double>(std::uint64_t{0xfff8000000000123});
  EXPECT_EQ(to_hex(encoded(odd_nan)), "7ff8000000000000");
  EXPECT_TRUE(std::isnan(*serde<double>::decode(encoded(odd_nan))));
}

TEST(Serde, BoolsAreOneByte) {
  EXPECT_EQ(to_hex(encoded(true)), "01");
  EXPECT_EQ(to_hex(encoded(false)), "00");
  EXPECT_EQ(serde<bool>::decode(bytes{std::byte{2}}).error(), errc::damaged);
}

TEST(Serde, OtherLengthsAreRefused) {
  refuses_other_lengths<std::int16_t>(2);
  refuses_other_lengths<std::int32_t>(4);
  refuses_other_lengths<std::int64_t>(8);
  refuses_other_lengths<double>(8);
  refuses_other_lengths<bool>(1);
}

TEST(Serde, RandomNumbersComeBack) {
  constexpr std::uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t bits = random();
    round_trip(static_cast<std::int16_t>(bits));
    round_trip(static_cast<std::int32_t>(bits));
    round_trip(static_cast<std::int64_t>(bits));
    const auto number = std::bit_cast<double>(bits);
    if (!std::isnan(number)) round_trip(number);
  }
}

TEST(Serde, EncodeAppends) {
  bytes raw = to_bytes("x");
  serde<std::int16_t>::encode(1, raw);
  serde<std::string>::encode("y", raw);
  EXPECT_EQ(to_hex(raw), "78000179");
}

}  // namespace
}  // namespace lentic::process
