// SPDX-License-Identifier: Apache-2.0
#include "run_file.hpp"

#include "codec_support.hpp"
#include "crc32c.hpp"
#include "run_digest.hpp"
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

// The worked example of docs/format.md: one block, index, filter, sums, footer.
constexpr std::string_view example_bytes =
    "3c 81 39 b4 | 03 00 00 00 | 02 00 | 01 00 | 00 00 | 00 00 | 00 00 02 00 | 61 31 | 62 |"
    "00 00 00 00 00 00 | 00 00 00 00 00 00 |"
    "00 00 00 80 02 00 01 00 02 00 08 00 00 10 02 00 00 22 00 00 04 80 00 00 00 00 02 01 08 00 40 "
    "00 |"
    "7b 4e 84 18 | 00 00 00 00 00 00 00 00 00 00 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
    "00 "
    "00 40 00 00 00 | bd 32 bd ce 25 3b 4e a8 | fb 05 c8 06 45 26 65 7d |"
    "4c 52 55 4e | 02 00 | 01 00 | 08 07 06 05 04 03 02 01 | 01 00 00 00 00 00 00 00 |"
    "07 00 00 00 00 00 00 00 | 01 00 00 00 00 00 00 00 | 02 00 00 00 00 00 00 00 |"
    "03 00 00 00 00 00 00 00 | 01 00 00 00 00 00 00 00 | 17 00 00 00 00 00 00 00 |"
    "0c 00 00 00 00 00 00 00 | 20 00 00 00 00 00 00 00 | cb 9b 39 ad | 3c dc a6 1f";

// The same rows in format 1.
constexpr std::string_view older_bytes =
    "3c 81 39 b4 | 03 00 00 00 | 02 00 | 01 00 | 00 00 | 00 00 | 00 00 02 00 | 61 31 | 62 |"
    "00 00 00 00 00 00 | 00 00 00 00 00 00 |"
    "00 00 00 80 02 00 01 00 02 00 08 00 00 10 02 00 00 22 00 00 04 80 00 00 00 00 02 01 08 00 40 "
    "00 |"
    "4c 52 55 4e | 01 00 | 00 00 | 08 07 06 05 04 03 02 01 | 01 00 00 00 00 00 00 00 |"
    "07 00 00 00 00 00 00 00 | 01 00 00 00 00 00 00 00 | 02 00 00 00 00 00 00 00 |"
    "03 00 00 00 00 00 00 00 | 01 00 00 00 00 00 00 00 | 17 00 00 00 00 00 00 00 |"
    "0c 00 00 00 00 00 00 00 | 20 00 00 00 00 00 00 00 | cb 9b 39 ad | 85 35 59 65";

run_identity example_identity() {
  run_identity identity;
  identity.environment = 0x0102030405060708;
  identity.store = 1;
  identity.segment = 7;
  identity.generation = 1;
  return identity;
}

bytes write(const text_rows& rows, const run_identity& identity = example_identity()) {
  run_writer writer(identity);
  for (const auto& [key, value] : rows) writer.add(as_bytes(key), as_bytes(value));
  while (!writer.finish()) {
  }
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
    const std::size_t key_bytes = random.below(2) == 0 ? 12 : 0;  // all alike, or any
    for (std::uint64_t n = random.below(600); n > 0; --n) {
      bytes key = test::random_bytes(random, 20);
      if (key_bytes != 0) key.resize(key_bytes);
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

// Both have a right checksum, and the reader was told to expect a block there.
TEST(RunFile, SwappedBlocksAreDetected) {
  text_rows rows;
  for (int i = 0; i < 300; ++i)
    rows.emplace_back(numbered_text("key", 100 + i), std::string(60, 'v'));
  bytes raw = write(rows);
  const auto first = raw.begin();
  std::swap_ranges(first, first + run_page_bytes, first + run_page_bytes);
  auto run = open(raw).value();
  ASSERT_GT(run->block_count(), 3U);
  EXPECT_THROW(run->find(as_bytes("key100")), std::system_error);
  EXPECT_THROW(run->find(as_bytes(rows[80].first)), std::system_error);
  EXPECT_TRUE(run->find(as_bytes("key399")));
}

// The same page of an older generation, of another segment, store or environment.
TEST(RunFile, AStaleBlockIsDetected) {
  const text_rows rows = sample();
  for (std::uint64_t run_identity::*field : {&run_identity::environment, &run_identity::store,
                                             &run_identity::segment, &run_identity::generation}) {
    run_identity other = example_identity();
    ++(other.*field);
    const bytes stale = write(rows, other);
    bytes raw = write(rows);
    std::copy_n(stale.begin(), run_page_bytes, raw.begin());
    auto run = open(raw).value();
    EXPECT_THROW(run->find(as_bytes("key100")), std::system_error);
    EXPECT_TRUE(run->find(as_bytes("last")));
  }
}

TEST(RunFile, ADamagedBlockIsNamedWithTheKeysThatItLiesBetween) {
  bytes raw = write(sample());
  raw[run_page_bytes + 100] ^= std::byte{1};
  auto run = open(raw).value();
  std::string told;
  try {
    static_cast<void>(read_all(*run));
  } catch (const std::system_error& error) {
    told = error.what();
  }
  const std::string from = to_hex(as_bytes("key15"));
  EXPECT_EQ(told.find("example.run block 1 at 4096, from key " + from), 0U) << told;
  EXPECT_NE(told.find(" (hex), below key 6c (hex)"), std::string::npos) << told;  // "large"
}

// 200,000 window keys: 16 bytes, start, sequence number; values of 8 to 64 bytes, 36 on average.
TEST(RunFile, WindowRowsCostLittleOnDiskAndInMemory) {
  coro::sim_random random(3);
  std::map<std::string, std::string> rows;
  while (rows.size() < 200'000) {
    bytes key(28);
    store_be(random.below(std::uint64_t{1} << 60), key.data());
    store_be(random.below(std::uint64_t{1} << 60), key.data() + 8);
    store_be(random.below(5) * 60'000, key.data() + 16);
    rows[std::string(as_text(key))] = std::string(8 + random.below(57), 'v');
  }
  run_writer writer(example_identity());
  for (const auto& [key, value] : rows) writer.add(as_bytes(key), as_bytes(value));
  while (!writer.finish()) {
  }
  const bytes raw = writer.take();
  auto run = open(raw).value();
  const auto count = static_cast<double>(rows.size());
  const double disk = static_cast<double>(raw.size()) / static_cast<double>(run->row_bytes());
  const double memory = static_cast<double>(run->memory_bytes()) / count;
  RecordProperty("disk_per_mille", static_cast<int>(disk * 1000));
  RecordProperty("memory_millibytes", static_cast<int>(memory * 1000));
  EXPECT_LT(disk, 1.02);
  EXPECT_LT(memory, 1.85);
  EXPECT_EQ(run->rows(), rows.size());
}

TEST(RunFile, BlocksOfSmallRowsLieInOnePage) {
  text_rows rows;
  for (std::size_t i = 0; i < 2000; ++i)
    rows.emplace_back(numbered_text("key", 10000 + i), std::string(i % 90, 'v'));
  rows.emplace_back("l", std::string(10'000, 'x'));
  for (std::size_t i = 0; i < 2000; ++i)
    rows.emplace_back(numbered_text("m", 10000 + i), std::string(i % 90, 'v'));
  const bytes raw = write(rows);
  auto run = open(raw).value();
  std::size_t straddling = 0;
  for (std::size_t block = 0; block + 1 < run->block_count(); ++block) {
    const std::uint64_t begin = run->block_begin(block);
    const std::uint64_t end = run->block_begin(block + 1);
    if (begin / run_page_bytes != (end - 1) / run_page_bytes) ++straddling;
  }
  EXPECT_GT(run->block_count(), 40U);
  EXPECT_LE(straddling, 2U);  // the large row, and at most the block behind it
}

// Keys of 64 KiB, alone and beside each other; values larger than blocks; the empty key and value.
TEST(RunFile, LargeAndEmptyRowsComeBack) {
  text_rows rows = {{"", ""}, {"a", std::string(200'000, 'a')}};
  const std::string large(65'536, 'k');
  rows.emplace_back(large.substr(1), "");
  rows.emplace_back(large, "one");
  for (char last = 'm'; last < 'p'; ++last) {
    rows.emplace_back(large.substr(1) + last, std::string(5000, last));
    rows.emplace_back("kl" + large.substr(2) + last, "");
  }
  std::sort(rows.begin(), rows.end());
  const bytes raw = write(rows);
  auto run = open(raw).value();
  EXPECT_EQ(read_all(*run), rows);
  for (const auto& [key, value] : rows) {
    ASSERT_TRUE(run->find(as_bytes(key))) << key.size();
    EXPECT_EQ(as_text(*run->find(as_bytes(key))), value);
  }
}

// Many rows with a long common prefix: a block holds no more of them than a reader may put together
// again.
TEST(RunFile, LongSharedPrefixesComeBack) {
  text_rows rows;
  for (int i = 0; i < 3000; ++i)
    rows.emplace_back(numbered_text(std::string(2500, 'p'), 10000 + i), i % 3 == 0 ? "v" : "");
  const bytes raw = write(rows);
  EXPECT_LT(raw.size(), 3000U * 250);
  auto run = open(raw).value();
  EXPECT_EQ(read_all(*run), rows);
}

TEST(RunFile, AbsentKeysTouchNoBlock) {
  text_rows rows;
  for (int i = 0; i < 5000; ++i) rows.emplace_back(numbered_text("key", 10000 + i), "v");
  bytes raw = write(rows);
  auto run = open(raw).value();
  raw.at(20) ^= std::byte{1};  // who reads the first block throws
  std::size_t looked = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string absent = numbered_text("key100000", i);
    try {
      EXPECT_FALSE(run->find(as_bytes(absent)));
    } catch (const std::system_error&) {
      ++looked;
    }
  }
  EXPECT_LT(looked, 50U);
  EXPECT_THROW(run->find(as_bytes("key10000")), std::system_error);
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

TEST(RunFile, FormatOneIsReadAndHasNoSums) {
  const bytes raw = hex(older_bytes);
  auto run = open(raw).value();
  EXPECT_EQ(read_all(*run), (text_rows{{"a", "1"}, {"b", ""}}));
  EXPECT_FALSE(run->has_sums());
}

TEST(RunFile, SumsComeBack) {
  const text_rows rows = sample();
  const bytes raw = write(rows);
  auto run = open(raw).value();
  segment_digest expected;
  expected.segment = 7;
  for (const auto& [key, value] : rows) expected.add(as_bytes(key), as_bytes(value));
  ASSERT_TRUE(run->has_sums());
  segment_digest found;
  run->add_sums(found);
  EXPECT_EQ(found.parts, expected.parts);
  EXPECT_NE(found.total(), 0U);
}

// Their checksum is right.
TEST(RunFile, SumsThatAreNotWhatTheirBitsSayAreDamaged) {
  constexpr std::size_t sums_bytes = sums_head_bytes + 16;
  bytes raw = hex(example_bytes);
  const std::size_t at = raw.size() - run_footer_bytes - sums_bytes;
  for (std::size_t bit = 0; bit < 8 * (sums_head_bytes - 4); ++bit) {
    raw[at + 4 + bit / 8] ^= std::byte{1} << (bit % 8);
    const bytes_view sums = bytes_view(raw).subspan(at, sums_bytes);
    store_le(block_crc(place_crc(example_identity()), at, sums), raw.data() + at);
    auto run = open(raw).value();
    segment_digest found;
    EXPECT_THROW(run->add_sums(found), std::system_error) << bit;
    EXPECT_EQ(found, segment_digest());
    raw[at + 4 + bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

// Another number of bytes between filter and footer than sums can have.
TEST(RunFile, SumsOfAnotherSizeAreRefusedAtOpen) {
  const bytes raw = hex(example_bytes);
  const auto footer = raw.end() - static_cast<std::ptrdiff_t>(run_footer_bytes);
  std::size_t opened = 0;
  for (std::size_t more = 0; more < 2100; ++more) {
    bytes longer = raw;
    longer.insert(longer.begin() + (footer - raw.begin()), more, std::byte{0});
    auto run = open(longer);
    if (!run) {
      EXPECT_EQ(run.error(), errc::damaged);
      continue;
    }
    ++opened;
    segment_digest found;
    EXPECT_EQ(more == 0, [&] {
      try {
        (*run)->add_sums(found);
        return true;
      } catch (const std::system_error&) {
        return false;
      }
    }());
  }
  EXPECT_EQ(opened, 255U);  // with 2 to 256 sums
}

// The number of rows sizes what the next seal allocates.
TEST(RunFile, MoreRowsThanItsBlocksCanHoldAreRefused) {
  bytes raw = write(sample());
  std::byte* const footer = raw.data() + raw.size() - run_footer_bytes;
  store_le(std::uint64_t{1} << 34, footer + 40);
  store_le(crc32c({footer, run_footer_bytes - 4}), footer + run_footer_bytes - 4);
  EXPECT_EQ(open(raw).error(), errc::damaged);
}

TEST(RunFile, AnUnknownPartIsANewerFormat) {
  bytes raw = hex(example_bytes);
  std::byte* const footer = raw.data() + raw.size() - run_footer_bytes;
  store_le(std::uint16_t{run_has_sums | 2}, footer + 6);
  store_le(crc32c({footer, run_footer_bytes - 4}), footer + run_footer_bytes - 4);
  EXPECT_EQ(open(raw).error(), errc::newer_format);
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
