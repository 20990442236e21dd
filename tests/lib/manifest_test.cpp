// SPDX-License-Identifier: Apache-2.0
#include "manifest.hpp"

#include "codec_support.hpp"
#include "crc32c.hpp"

#include <lentic/endian.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

namespace lentic::detail {
namespace {

using test::for_each_flip;
using test::for_each_truncation;
using test::hex;

// The worked example of docs/format.md.
constexpr std::string_view example_bytes =
    "4c 4d 41 4e | 00 00 | 00 00 | 16 00 00 00 | c7 3b d7 b3 |"
    "08 07 06 05 04 03 02 01 | 04 | 03 | 01 | 01 | 02 | 01 | 01 | 01 73 | 01 | 05 | 01 | 07 01";

manifest example() {
  manifest content;
  content.environment = 0x0102030405060708;
  content.number = 4;
  content.last_durable = 3;
  content.acknowledged = 2;
  manifest_store& store = content.stores.emplace_back();
  store.id = 1;
  store.name = "s";
  store.layout = young_layout::ordered;
  store.drop_floor = 5;
  store.runs[7] = 1;
  return content;
}

void put_checksum(bytes& raw) {
  store_le(crc32c(bytes_view(raw).subspan(16), crc32c(bytes_view(raw).first(12))), raw.data() + 12);
}

TEST(Manifest, HasTheBytesOfTheWorkedExample) {
  EXPECT_EQ(to_hex(encode_manifest(example())), to_hex(hex(example_bytes)));
}

TEST(Manifest, ComesBackAsItWas) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    coro::sim_random random(seed);
    manifest content;
    content.environment = random.next();
    content.number = random.next();
    content.last_durable = random.next() >> (17 + random.below(47));
    content.first_journal_file = random.next();
    content.first_journal_sequence = (random.next() >> 17) | 1;
    content.acknowledged = random.next();
    for (std::uint64_t n = random.below(5); n > 0; --n) {
      manifest_store& store = content.stores.emplace_back();
      store.id = n;
      store.name = std::to_string(n) + std::string(random.below(248), 'n');
      store.layout = young_layout{static_cast<std::uint8_t>(random.below(2))};
      store.drop_floor = random.next();
      for (std::uint64_t runs = random.below(20); runs > 0; --runs)
        store.runs[random.next()] = random.next();
    }
    const bytes raw = encode_manifest(content);
    const result<manifest> found = decode_manifest(raw);
    ASSERT_TRUE(found) << "seed " << seed;
    EXPECT_EQ(found->first_journal_sequence, content.first_journal_sequence);
    EXPECT_EQ(encode_manifest(*found), raw) << "seed " << seed;
  }
}

// With right checksums: only somebody who means harm writes these.
TEST(Manifest, WhatNoEnvironmentWritesIsRefused) {
  const auto refused = [](const manifest& content) {
    const result<manifest> found = decode_manifest(encode_manifest(content));
    return !found && found.error() == errc::manifest_damaged;
  };
  EXPECT_FALSE(refused(example()));
  for (const char* const name : {"", "..", "../x", "a/b", "LOCK", "MANIFEST-1"}) {
    manifest content = example();
    content.stores[0].name = name;
    EXPECT_TRUE(refused(content)) << name;
  }
  manifest same_name = example();
  same_name.stores.push_back(same_name.stores[0]);
  same_name.stores[1].id = 2;
  EXPECT_TRUE(refused(same_name));
  manifest same_id = example();
  same_id.stores.push_back(same_id.stores[0]);
  same_id.stores[1].name = "t";
  EXPECT_TRUE(refused(same_id));
  for (const std::uint64_t sequence :
       {std::uint64_t{0}, std::uint64_t{1} << 47, ~std::uint64_t{0}}) {
    manifest content = example();
    content.first_journal_sequence = sequence;
    EXPECT_TRUE(refused(content)) << sequence;
  }
}

TEST(Manifest, EveryTruncationIsRefused) {
  for_each_truncation(hex(example_bytes), [](const bytes& part) {
    EXPECT_EQ(decode_manifest(part).error(), errc::manifest_damaged) << part.size();
  });
}

TEST(Manifest, EveryFlippedBitIsRefused) {
  for_each_flip(hex(example_bytes), [](const bytes& flipped, std::size_t bit) {
    EXPECT_EQ(decode_manifest(flipped).error(), errc::manifest_damaged) << "bit " << bit;
  });
}

TEST(Manifest, BytesAfterItsEndAreRefused) {
  bytes raw = hex(example_bytes);
  raw.push_back(std::byte{0});
  EXPECT_EQ(decode_manifest(raw).error(), errc::manifest_damaged);
  store_le(std::uint32_t{23}, raw.data() + 8);
  put_checksum(raw);
  EXPECT_EQ(decode_manifest(raw).error(), errc::manifest_damaged) << "inside the checksum as well";
}

TEST(Manifest, AnUnknownLayoutIsRefused) {
  bytes raw = hex(example_bytes);
  const std::size_t layout = raw.size() - 5;
  ASSERT_EQ(raw[layout], std::byte{1});
  raw[layout] = std::byte{2};
  put_checksum(raw);
  EXPECT_EQ(decode_manifest(raw).error(), errc::manifest_damaged);
  raw[layout] = std::byte{0};
  put_checksum(raw);
  ASSERT_TRUE(decode_manifest(raw));
  EXPECT_EQ(decode_manifest(raw)->stores[0].layout, young_layout::hashed);
}

TEST(Manifest, ANewerFormatIsRefusedByName) {
  bytes raw = hex(example_bytes);
  store_le(std::uint16_t{manifest_format + 1}, raw.data() + 4);
  put_checksum(raw);
  EXPECT_EQ(decode_manifest(raw).error(), errc::newer_format);
}

}  // namespace
}  // namespace lentic::detail
