// SPDX-License-Identifier: Apache-2.0
#include "run_file.hpp"

#include "codec_support.hpp"
#include "crc32c.hpp"
#include "store_shell.hpp"

#include <lentic/endian.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace lentic::detail {
namespace {

using test::for_each_flip;
using test::for_each_truncation;
using test::hex;
using test::numbered_text;
using test::text_rows;

// The worked example of docs/format.md: one block, its index entry, the footer.
constexpr std::string_view example_bytes =
    "01 01 61 31 | 01 00 62 | 00 07 0c e3 5d ee 01 61 |"
    "4c 52 55 4e | 00 00 | 00 00 | 08 07 06 05 04 03 02 01 | 01 00 00 00 00 00 00 00 |"
    "07 00 00 00 00 00 00 00 | 01 00 00 00 00 00 00 00 | 02 00 00 00 00 00 00 00 |"
    "03 00 00 00 00 00 00 00 | 07 00 00 00 00 00 00 00 | 08 00 00 00 00 00 00 00 |"
    "07 cd 5e 9f | e6 d7 7f 33";

run_identity example_identity() {
  run_identity identity;
  identity.environment = 0x0102030405060708;
  identity.store = 1;
  identity.segment = 7;
  identity.generation = 1;
  return identity;
}

bytes write(const text_rows& rows) {
  run_writer writer(example_identity());
  for (const auto& [key, value] : rows) writer.add(as_bytes(key), as_bytes(value));
  writer.finish();
  return writer.take();
}

result<std::unique_ptr<run_reader>> open(bytes_view raw) {
  return run_reader::open(raw, example_identity(), "example.run");
}

text_rows read_all(run_reader& run, const walk_start& start) {
  text_rows rows;
  const auto walk = run.walk(start);
  for (; walk->current() != nullptr; walk->advance())
    rows.emplace_back(as_text(walk->current()->key), as_text(walk->current()->value));
  return rows;
}

text_rows read_all(run_reader& run) {
  return read_all(run, walk_start());
}

// Three blocks of a few rows, one with a value larger than a block.
text_rows sample() {
  text_rows rows;
  for (int i = 0; i < 60; ++i)
    rows.emplace_back(numbered_text("key", 100 + i), std::string(70, 'v'));
  rows.emplace_back("large", std::string(9000, 'x'));
  rows.emplace_back("last", "");
  return rows;
}

// What a reader makes of damaged bytes: refused at open, damaged at the read, or the same rows.
// Anything else fails the test.
void expect_never_wrong(bytes_view raw, const text_rows& rows) {
  const auto opened = open(raw);
  if (!opened) {
    EXPECT_EQ(opened.error(), errc::damaged);
    return;
  }
  try {
    EXPECT_EQ(read_all(**opened), rows);
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::damaged);
  }
  for (const auto& [key, value] : rows) {
    try {
      const std::optional<bytes_view> found = (*opened)->find(as_bytes(key));
      ASSERT_TRUE(found) << "a miss in place of damage: " << key;
      EXPECT_EQ(as_text(*found), value);
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::damaged);
    }
  }
}

TEST(RunFile, HasTheBytesOfTheWorkedExample) {
  EXPECT_EQ(to_hex(write({{"a", "1"}, {"b", ""}})), to_hex(hex(example_bytes)));
}

TEST(RunFile, RowsComeBackInBothDirections) {
  const text_rows rows = sample();
  const bytes raw = write(rows);
  auto run = open(raw).value();
  EXPECT_GT(run->block_count(), 2U);
  EXPECT_EQ(run->rows(), rows.size());
  EXPECT_EQ(read_all(*run), rows);
  walk_start from_end;
  from_end.order = direction::backward;
  EXPECT_EQ(read_all(*run, from_end), text_rows(rows.rbegin(), rows.rend()));
}

TEST(RunFile, FindsEveryRowAndNothingElse) {
  const text_rows rows = sample();
  const bytes raw = write(rows);
  auto run = open(raw).value();
  for (const auto& [key, value] : rows) {
    EXPECT_EQ(as_text(run->find(as_bytes(key)).value()), value);
    EXPECT_FALSE(run->find(as_bytes(key + "x")));
  }
  EXPECT_FALSE(run->find(as_bytes("")));
  EXPECT_FALSE(run->find(as_bytes("zzz")));
}

// Every key and every gap as a start, forward (at and after) and backward, against a map.
TEST(RunFile, WalksStartWhereTheyAreTold) {
  const text_rows rows = sample();
  const bytes raw = write(rows);
  auto run = open(raw).value();
  std::vector<std::string> starts = {"", "a", "zzz"};
  for (const auto& [key, value] : rows) {
    starts.push_back(key);
    starts.push_back(key + "x");
  }
  for (const std::string& start : starts) {
    const auto below = std::count_if(rows.begin(), rows.end(),
                                     [&start](const auto& each) { return each.first < start; });
    const auto here = std::count_if(rows.begin(), rows.end(),
                                    [&start](const auto& each) { return each.first == start; });
    walk_start at;
    at.key = as_bytes(start);
    EXPECT_EQ(read_all(*run, at), text_rows(rows.begin() + below, rows.end())) << start;
    at.exclusive = true;
    EXPECT_EQ(read_all(*run, at), text_rows(rows.begin() + below + here, rows.end())) << start;
    at.order = direction::backward;
    EXPECT_EQ(read_all(*run, at), text_rows(rows.rend() - below, rows.rend())) << start;
  }
}

TEST(RunFile, RandomRowsComeBack) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    coro::sim_random random(seed);
    std::map<std::string, std::string> rows;
    for (std::uint64_t n = random.below(300); n > 0; --n) {
      const bytes key = test::random_bytes(random, 20);
      const bytes value = test::random_bytes(random, random.below(20) == 0 ? 6000 : 50);
      rows[std::string(as_text(key))] = as_text(value);
    }
    const bytes raw = write(text_rows(rows.begin(), rows.end()));
    auto run = open(raw).value();
    EXPECT_EQ(read_all(*run), text_rows(rows.begin(), rows.end())) << "seed " << seed;
  }
}

TEST(RunFile, EveryTruncationIsRefusedAtOpen) {
  for_each_truncation(write(sample()), [](const bytes& part) {
    ASSERT_EQ(open(part).error(), errc::damaged) << part.size();
  });
}

TEST(RunFile, NoFlippedBitMakesAWrongValue) {
  const text_rows rows = {{"a", "1"}, {"b", std::string(5000, 'b')}, {"c", "3"}};
  for_each_flip(write(rows), [&rows](const bytes& flipped, std::size_t bit) {
    SCOPED_TRACE(bit);
    expect_never_wrong(flipped, rows);
  });
}

TEST(RunFile, ADamagedBlockSparesTheOthers) {
  const text_rows rows = sample();
  bytes raw = write(rows);
  raw[10] ^= std::byte{1};
  auto run = open(raw).value();
  EXPECT_THROW(run->find(as_bytes("key100")), std::system_error);
  EXPECT_EQ(as_text(run->find(as_bytes("last")).value()), "");
}

TEST(RunFile, ARunOfAnotherPlaceIsRefused) {
  const bytes raw = hex(example_bytes);
  for (std::uint64_t run_identity::*field : {&run_identity::environment, &run_identity::store,
                                             &run_identity::segment, &run_identity::generation}) {
    run_identity other = example_identity();
    ++(other.*field);
    EXPECT_EQ(run_reader::open(raw, other, "example.run").error(), errc::damaged);
  }
}

TEST(RunFile, ANewerFormatIsRefusedByName) {
  bytes raw = hex(example_bytes);
  std::byte* const footer = raw.data() + raw.size() - run_footer_bytes;
  store_le(std::uint16_t{run_format + 1}, footer + 4);
  store_le(crc32c({footer, run_footer_bytes - 4}), footer + run_footer_bytes - 4);
  EXPECT_EQ(open(raw).error(), errc::newer_format);
}

}  // namespace
}  // namespace lentic::detail
