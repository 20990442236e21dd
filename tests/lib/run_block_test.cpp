// SPDX-License-Identifier: Apache-2.0
#include "run_block.hpp"

#include "codec_support.hpp"
#include "store_shell.hpp"

#include <gtest/gtest.h>

namespace lentic::detail {
namespace {

using test::hex;
using test::text_rows;

bytes block_of(const text_rows& rows) {
  run_block_writer writer;
  for (const auto& [key, value] : rows) writer.add(as_bytes(key), as_bytes(value));
  bytes raw;
  writer.end_block(raw);
  return raw;
}

std::optional<text_rows> read_all(bytes_view raw) {
  const std::optional<run_block> block = run_block::take_apart(raw);
  block_rows copies;
  if (!block || !block->copy_to(copies)) return std::nullopt;
  text_rows rows;
  for (const row& each : copies.rows()) rows.emplace_back(as_text(each.key), as_text(each.value));
  return rows;
}

TEST(RunBlock, StoresOnceWhatAllKeysShare) {
  EXPECT_EQ(to_hex(block_of({{"key1=", "one"}, {"key3=", ""}, {"key4=", "4"}})),
            to_hex(hex("00 00 00 00 | 07 00 00 00 | 03 00 | 01 00 | 03 00 | 01 00 |"
                       "00 00 04 00 05 00 | 6b 65 79 | 3d | 31 6f 6e 65 | 33 | 34 34")));
}

TEST(RunBlock, KeepsTheBytesOfEachStemWhereTheyDiffer) {
  EXPECT_EQ(to_hex(block_of({{"", "v"}, {"ab", ""}})),
            to_hex(hex("00 00 00 00 | 03 00 00 00 | 02 00 | ff ff | 00 00 | 00 00 |"
                       "00 00 00 00 01 00 02 00 | 76 | 61 62")));
}

// Prefix and suffix may not overlap: "aaa" is part of both in "aaa" and "aaaaa".
TEST(RunBlock, KeysThatOverlapThemselvesComeBack) {
  for (const text_rows& rows :
       {text_rows{{"aaa", "1"}, {"aaaaa", "2"}}, text_rows{{"a", ""}, {"aa", ""}, {"aba", "x"}},
        text_rows{{"", "e"}}, text_rows{{"ab", "1"}, {"abab", "2"}}})
    EXPECT_EQ(read_all(block_of(rows)), rows);
}

TEST(RunBlock, FindsTheFirstKeyThatIsNotBelow) {
  const text_rows rows = {{"xx10zz", "1"}, {"xx20zz", "2"}, {"xx30zz", "3"}};
  const bytes raw = block_of(rows);
  const run_block block = run_block::take_apart(raw).value();
  const auto expect = [&block](std::string_view key, std::size_t row, bool is_equal) {
    const run_block::place found = block.find(as_bytes(key)).value();
    EXPECT_EQ(found.row, row) << key;
    EXPECT_EQ(found.is_equal, is_equal) << key;
  };
  for (const std::string_view below : {"", "x", "xx", "xw", "xx1", "xx10", "xx10z", "xx0"})
    expect(below, 0, false);
  expect("xx10zz", 0, true);
  for (const std::string_view between : {"xx10zza", "xx15", "xx20", "xx20z", "xx20zy"})
    expect(between, 1, false);
  expect("xx20zz", 1, true);
  expect("xx30zz", 2, true);
  for (const std::string_view above : {"xx30zz0", "xx31", "xy", "y"}) expect(above, 3, false);
}

TEST(RunBlock, TellsItsSizeBeforeARowIsAdded) {
  coro::sim_random random(7);
  for (int round = 0; round < 200; ++round) {
    run_block_writer writer;
    std::size_t told = 0;
    std::string key;
    for (std::uint64_t n = 1 + random.below(20); n > 0; --n) {
      const std::string value(random.below(30), 'v');
      if (random.below(2) == 0) key += "k";
      key += static_cast<char>('a' + random.below(3));
      told = writer.bytes_with(as_bytes(key), as_bytes(value));
      writer.add(as_bytes(key), as_bytes(value));
    }
    bytes raw;
    writer.end_block(raw);
    ASSERT_EQ(raw.size(), told);
  }
}

// A header whose parts do not fit is refused before anything is read or allocated.
TEST(RunBlock, WhatDoesNotFitIsRefused) {
  const bytes good = block_of({{"key1=", "one"}, {"key3=", ""}, {"key4=", "4"}});
  for (const std::size_t field : {4U, 5U, 6U, 7U, 8U, 9U, 11U, 12U, 13U, 14U, 15U}) {
    bytes raw = good;
    raw[field] = std::byte{0x7f};
    EXPECT_EQ(read_all(raw), std::nullopt) << field;
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(run_block::take_apart(bytes_view(good).first(size))) << size;
}

// 60,000 rows of a block of 190 KB whose keys would be 7.8 GB.
TEST(RunBlock, KeysThatWouldFillTheMemoryAreRefused) {
  bytes raw = hex("00 00 00 00 | 00 00 00 00 | 60 ea | 00 00 | ff ff | ff ff");
  raw.resize(16 + 2 * 60'000 + 2 * 65'535);
  EXPECT_FALSE(run_block::take_apart(raw));
}

// Table entries that point elsewhere: an answer from inside the block, or none.
TEST(RunBlock, EveryFlipOfTheTableStaysInside) {
  const bytes good = block_of({{"a", "one"}, {"ab", "two"}, {"b", "three"}});
  test::for_each_flip(good, [](const bytes& raw, std::size_t) {
    const std::optional<run_block> block = run_block::take_apart(raw);
    if (!block) return;
    block_rows copies;
    static_cast<void>(block->copy_to(copies));
    for (std::size_t row = 0; row < block->rows(); ++row) {
      const std::optional<bytes_view> value = block->value(row);
      if (!value) continue;
      ASSERT_GE(value->data(), raw.data());
      ASSERT_LE(value->data() + value->size(), raw.data() + raw.size());
    }
    for (const char* const key : {"", "a", "ab", "zz"})
      static_cast<void>(block->find(as_bytes(key)));
  });
}

}  // namespace
}  // namespace lentic::detail
