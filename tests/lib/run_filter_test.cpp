// SPDX-License-Identifier: Apache-2.0
#include "run_filter.hpp"

#include "hash64.hpp"

#include <lentic/endian.hpp>

#include <gtest/gtest.h>

#include <array>

namespace lentic::detail {
namespace {

// The hash of a window key: key 16 bytes, start, sequence number.
std::uint64_t hash_of(std::uint64_t number) {
  std::array<std::byte, 28> key{};
  store_be(number, key.data() + 8);
  store_be(number % 5 * 60000, key.data() + 16);
  return hash64(key);
}

run_filter filter_of(std::uint64_t keys) {
  run_filter_writer writer;
  for (std::uint64_t number = 0; number < keys; ++number) writer.add(hash_of(number));
  while (!writer.build_some()) {
  }
  run_filter filter;
  EXPECT_TRUE(filter.load(writer.built()));
  return filter;
}

// The share of absent keys that pass.
double passing(const run_filter& filter, std::uint64_t keys, std::uint64_t asked) {
  std::uint64_t passed = 0;
  for (std::uint64_t number = keys; number < keys + asked; ++number)
    passed += filter.may_hold(hash_of(number)) ? 1U : 0U;
  return static_cast<double>(passed) / static_cast<double>(asked);
}

TEST(RunFilter, HoldsEveryKeyOfAMillionAndFewOthers) {
  constexpr std::uint64_t keys = 1'000'000;
  const run_filter filter = filter_of(keys);
  std::uint64_t missing = 0;
  for (std::uint64_t number = 0; number < keys; ++number)
    missing += filter.may_hold(hash_of(number)) ? 0U : 1U;
  EXPECT_EQ(missing, 0U);
  const double rate = passing(filter, keys, 1'000'000);
  RecordProperty("passing_per_million", static_cast<int>(rate * 1'000'000));
  EXPECT_LT(rate, 0.006);  // 0.0055; a filter of 12 bits without blocks: 0.0031
  EXPECT_GT(rate, 0.003);  // fewer would be another filter than the one that is described
  EXPECT_LE(static_cast<double>(filter.memory_bytes()), 1.501 * static_cast<double>(keys));
}

TEST(RunFilter, SmallOnesHoldTheirKeysToo) {
  for (std::uint64_t keys = 1; keys < 200; ++keys) {
    const run_filter filter = filter_of(keys);
    for (std::uint64_t number = 0; number < keys; ++number)
      ASSERT_TRUE(filter.may_hold(hash_of(number))) << keys;
    ASSERT_LT(passing(filter, 1000, 5000), 0.02) << keys;
    if (keys > 20) keys += 17;
  }
}

TEST(RunFilter, WithoutKeysHoldsNone) {
  EXPECT_FALSE(filter_of(0).may_hold(0));
}

// Written out: blocks, words and bits are on disk.
TEST(RunFilter, HasTheBitsThatTheHashChooses) {
  run_filter_writer writer;
  constexpr std::array<unsigned, 8> bits = {0, 1, 7, 8, 15, 16, 30, 31};
  std::uint64_t hash = std::uint64_t{1} << 63;  // the second half: block 1 of 2
  for (unsigned word = 0; word < 8; ++word) hash |= std::uint64_t{bits[word]} << (5 * word);
  for (int keys = 0; keys < 22; ++keys) writer.add(hash);  // 264 bits: two blocks
  ASSERT_TRUE(writer.build_some());
  EXPECT_EQ(to_hex(writer.built().first(32)), to_hex(bytes(32)));
  EXPECT_EQ(to_hex(writer.built().last(32)),
            "01000000"
            "02000000"
            "80000000"
            "00010000"
            "00800000"
            "00000100"
            "00000040"
            "00000080");
}

TEST(RunFilter, AnotherLengthIsRefused) {
  run_filter filter;
  EXPECT_FALSE(filter.load(bytes(33)));
  EXPECT_TRUE(filter.load(bytes(64)));
}

}  // namespace
}  // namespace lentic::detail
