// SPDX-License-Identifier: Apache-2.0
#include "run_now.hpp"

#include <lentic/windows/key_ranges.hpp>

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace lentic::windows {
namespace {

using testing::from_hex;
using testing::hex;

std::string upper_hex(std::string_view key_hex, std::int64_t to_ms) {
  const bytes key = from_hex(key_hex);
  return hex(*store_key_bounds(key_selection::within(key, key), time_range{0, to_ms}).upper);
}

std::string lower_hex(std::string_view key_hex, std::int64_t from_ms) {
  const bytes key = from_hex(key_hex);
  return hex(
      *store_key_bounds(key_selection::within(key, key), time_range{from_ms, time_max}).lower);
}

// The next four: Kafka's WindowKeySchemaTest.

TEST(KeyRanges, UpperBoundStopsAtTheFirstByteThatIsSmallerThanTheTime) {
  EXPECT_EQ(upper_hex("0a0b0c", time_max), "0a7fffffffffffffff7fffffff");
  EXPECT_EQ(upper_hex("0c0c09", 0x0affffffffffffff), "0c0c0affffffffffffff7fffffff");
}

TEST(KeyRanges, UpperBoundKeepsAKeyWhoseBytesAreGreaterThanTheTime) {
  EXPECT_EQ(upper_hex("0a8f9f", time_max), "0a8f9f7fffffffffffffff7fffffff");
}

TEST(KeyRanges, UpperBoundOfTimeZeroKeepsTheWholeKey) {
  EXPECT_EQ(upper_hex("0c0c09", 0), "0c0c0900000000000000007fffffff");
}

TEST(KeyRanges, LowerBoundOfARangeDoesNotUseTheTime) {
  EXPECT_EQ(lower_hex("0a0b0c", 42), "0a0b0c000000000000000000000000");
  EXPECT_EQ(lower_hex("0a0b0c", time_max - 1), "0a0b0c000000000000000000000000");
}

TEST(KeyRanges, BoundsOfOneKeyAreItsFirstAndLastWindow) {
  const scan_bounds bounds =
      store_key_bounds(key_selection::one(as_bytes("k1")), time_range{-5, 1'700'000'000'000});
  EXPECT_EQ(hex(*bounds.lower), "6b31000000000000000000000000");
  EXPECT_EQ(hex(*bounds.upper), "6b310000018bcfe568007fffffff");
}

TEST(KeyRanges, AnOpenEndIsUnbounded) {
  const scan_bounds bounds = store_key_bounds(key_selection::all(), time_range{});
  EXPECT_FALSE(bounds.lower.has_value());
  EXPECT_FALSE(bounds.upper.has_value());
}

TEST(KeyRanges, TimeFirstBoundsAreKafkasBytes) {
  const scan_bounds bounds = time_first_bounds(key_selection::within(as_bytes("a"), as_bytes("k1")),
                                               time_range{-7, 1'700'000'000'000});
  EXPECT_EQ(hex(*bounds.lower), "00000000000000000061");
  EXPECT_EQ(hex(*bounds.upper), "000000018bcfe56800ffff7fffffff");
  const scan_bounds open = time_first_bounds(key_selection::all(), time_range{1, 2});
  EXPECT_EQ(hex(*open.lower), "000000000000000001");
  EXPECT_EQ(hex(*open.upper), "01");
}

TEST(KeyRanges, SelectionIncludesBothEnds) {
  const key_selection keys = key_selection::within(as_bytes("b"), as_bytes("d"));
  EXPECT_FALSE(keys.contains(as_bytes("a")));
  EXPECT_TRUE(keys.contains(as_bytes("b")));
  EXPECT_TRUE(keys.contains(as_bytes("cz")));
  EXPECT_TRUE(keys.contains(as_bytes("d")));
  EXPECT_FALSE(keys.contains(as_bytes("da")));
}

TEST(KeyRanges, AReversedRangeSelectsNothing) {
  const key_selection keys = key_selection::within(as_bytes("d"), as_bytes("b"));
  for (const char* key : {"b", "c", "d"}) EXPECT_FALSE(keys.contains(as_bytes(key)));
}

// Kafka's bound for this range is 0a 00 00 00 05 || suffix, which is smaller than the row of the
// shorter key.
TEST(KeyRanges, UpperBoundCoversShorterKeysWhoseTimeIsGreaterThanTheKeysNextBytes) {
  const bytes short_key = from_hex("0a");
  const bytes hi = from_hex("0a00000005");
  const bytes row = encode(window_key{short_key, 1'700'000'000'000, 0}).value();
  const scan_bounds bounds =
      store_key_bounds(key_selection::within(short_key, hi), time_range{0, 1'700'000'000'000});
  EXPECT_TRUE(compare(row, *bounds.upper) <= 0);
}

bytes random_key(std::mt19937_64& random) {
  bytes key(random() % 5);
  constexpr unsigned values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  for (std::byte& b : key) b = static_cast<std::byte>(values[random() % 5]);
  return key;
}

std::int64_t random_time(std::mt19937_64& random) {
  constexpr std::int64_t values[] = {0, 1, 0x7f, 0x80, 0x7f00000000000000, time_max, time_max - 1};
  return random() % 2 == 0 ? values[random() % 7]
                           : static_cast<std::int64_t>(random() >> (random() % 63) >> 1);
}

key_selection random_selection(std::mt19937_64& random) {
  const bytes lo = random_key(random);
  const bytes hi = random_key(random);
  switch (random() % 5) {
    case 0:
      return key_selection::one(lo);
    case 1:
      return key_selection::prefix(lo);
    case 2:
      return key_selection::within(lo, std::nullopt);
    case 3:
      return key_selection::within(std::nullopt, hi);
    default:
      return key_selection::within(lo, hi);
  }
}

bool within_bounds(const scan_bounds& bounds, bytes_view raw) {
  return (!bounds.lower || compare(*bounds.lower, raw) <= 0)
      && (!bounds.upper || compare(raw, *bounds.upper) <= 0);
}

TEST(KeyRanges, NoSelectedRowIsOutsideTheBounds) {
  std::mt19937_64 random(42);
  int hits = 0;
  for (int i = 0; i < 50'000; ++i) {
    const key_selection keys = random_selection(random);
    const time_range starts{random_time(random), random_time(random)};
    const bytes name = random_key(random);
    const window_key key{name, random_time(random), 0};
    if (!selected(key, keys, starts)) continue;
    ++hits;
    EXPECT_TRUE(within_bounds(store_key_bounds(keys, starts), encode(key).value()))
        << hex(key.key) << " at " << key.start_ms;
    EXPECT_TRUE(within_bounds(time_first_bounds(keys, starts),
                              encode(key, window_layout::time_first).value()))
        << hex(key.key) << " at " << key.start_ms;
  }
  EXPECT_GT(hits, 1000);
}

}  // namespace
}  // namespace lentic::windows
