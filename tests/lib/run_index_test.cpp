// SPDX-License-Identifier: Apache-2.0
#include "run_index.hpp"

#include "codec_support.hpp"
#include "run_block.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace lentic::detail {
namespace {

using test::hex;

constexpr std::uint64_t block_step = 100;  // bytes from one block to the next

bytes joined(const run_index_writer& writer) {
  bytes raw = to_bytes(writer.fences());
  raw.insert(raw.end(), writer.separators().begin(), writer.separators().end());
  return raw;
}

TEST(RunIndex, SeparatorsAreAsShortAsTheyCanBe) {
  run_index_writer writer;
  writer.add(0, {}, as_bytes("apple"));
  writer.add(100, as_bytes("banana"), as_bytes("bandit"));
  writer.add(4096, as_bytes("band"), as_bytes("bandit2"));
  EXPECT_EQ(to_hex(joined(writer)),
            to_hex(hex("00 00 00 00 00 00 | 00 00 00 00 00 00 |"
                       "64 00 00 00 00 00 | 04 00 00 00 00 00 |"
                       "00 10 00 00 00 00 | 09 00 00 00 00 00 | 62 61 6e 64 | 62 61 6e 64 69")));
}

// Short keys of few different bytes, zeros among them, behind a prefix that all share or not: many
// separators look alike in their first bytes.
TEST(RunIndex, FindsTheBlockOfEveryKey) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    coro::sim_random random(seed);
    const std::string prefix(random.below(3) * 3, 'p');
    const auto key = [&] {
      std::string text = random.below(20) == 0 ? std::string() : prefix;
      for (std::uint64_t n = random.below(9); n > 0; --n) text += "\0\0\x01\xff"[random.below(4)];
      return text;
    };
    std::set<std::string> chosen;
    for (std::uint64_t n = random.below(80); n > 0; --n) chosen.insert(key());
    const std::vector<std::string> keys(chosen.begin(), chosen.end());  // two rows a block
    if (keys.empty()) continue;
    run_index_writer writer;
    std::uint64_t blocks = 0;
    for (std::size_t at = 0; at < keys.size(); at += 2)
      writer.add(block_step * blocks++, at == 0 ? bytes_view() : as_bytes(keys[at - 1]),
                 as_bytes(keys[at]));
    run_index index;
    ASSERT_TRUE(index.load(joined(writer), blocks, block_step * blocks)) << seed;
    for (std::size_t at = 0; at < keys.size(); ++at)
      ASSERT_EQ(index.block_of(as_bytes(keys[at])), at / 2) << seed;
    for (int n = 0; n < 200; ++n) {  // keys that are not there: the separators decide
      const std::string absent = key();
      std::size_t wanted = 0;
      while (wanted + 1 < index.count()
             && compare(index.separator(wanted + 1), as_bytes(absent)) <= 0)
        ++wanted;
      ASSERT_EQ(index.block_of(as_bytes(absent)), wanted) << seed;
    }
  }
}

bool loads(std::string_view text, std::uint64_t count, std::uint64_t blocks_end) {
  run_index index;
  return index.load(hex(text), count, blocks_end);
}

TEST(RunIndex, WhatMakesNoSenseIsRefused) {
  constexpr std::string_view one = "00 00 00 00 00 00 | 00 00 00 00 00 00";
  EXPECT_TRUE(loads(one, 1, 16));
  EXPECT_FALSE(loads(one, 1, 15));                       // no room for a header
  EXPECT_FALSE(loads(one, 0, 16));                       // bytes without a block
  EXPECT_FALSE(loads(one, 2, 16));                       // more blocks than fences
  EXPECT_FALSE(loads(one, ~std::uint64_t{0}, 16));       // 12 times that is small again
  EXPECT_FALSE(loads(std::string(one) += "61", 1, 16));  // a byte of no separator
  EXPECT_TRUE(loads("", 0, 0));
  EXPECT_FALSE(loads("", 0, 16));
  const auto two = [&](std::string_view second) {
    return loads(std::string(one) += second, 2, 100);
  };
  EXPECT_TRUE(two("10 00 00 00 00 00 | 01 00 00 00 00 00 | 61"));
  EXPECT_FALSE(two("0f 00 00 00 00 00 | 01 00 00 00 00 00 | 61"));  // inside the header before
  EXPECT_FALSE(two("55 00 00 00 00 00 | 01 00 00 00 00 00 | 61"));  // no room behind it
  EXPECT_FALSE(two("10 00 00 00 00 01 | 01 00 00 00 00 00 | 61"));  // far behind the end
  EXPECT_FALSE(two("10 00 00 00 00 00 | 02 00 00 00 00 00 | 61"));  // longer than there is
  EXPECT_FALSE(two("10 00 00 00 00 00 | 00 00 00 00 00 00 | 61"));  // shorter
  EXPECT_FALSE(two("10 00 00 00 00 00 | 00 00 00 00 00 00"));       // two that are equal
}

}  // namespace
}  // namespace lentic::detail
