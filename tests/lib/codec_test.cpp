// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

#include "codec_support.hpp"
#include "numbered_name.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace lentic::detail {
namespace {

using test::hex;

bytes varint(std::uint64_t value) {
  bytes raw;
  append_varint(raw, value);
  return raw;
}

TEST(Codec, VarintsAreLittleEndianGroupsOfSevenBits) {
  EXPECT_EQ(varint(0), hex("00"));
  EXPECT_EQ(varint(127), hex("7f"));
  EXPECT_EQ(varint(128), hex("80 01"));
  EXPECT_EQ(varint(300), hex("ac 02"));
  EXPECT_EQ(varint(std::numeric_limits<std::uint64_t>::max()),
            hex("ff ff ff ff ff ff ff ff ff 01"));
}

TEST(Codec, VarintsComeBackAsTheyWere) {
  for (unsigned shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t value : {std::uint64_t{1} << shift, (std::uint64_t{1} << shift) - 1}) {
      const bytes raw = varint(value);
      byte_reader reader(raw);
      EXPECT_EQ(reader.varint(), value);
      EXPECT_TRUE(reader.at_end() && !reader.failed());
    }
  }
}

TEST(Codec, VarintsThatDoNotFitAreRefused) {
  for (const char* const text :
       {"ff ff ff ff ff ff ff ff ff 02", "80 80 80 80 80 80 80 80 80 80 01", "", "80", "ff ff"}) {
    const bytes raw = hex(text);
    byte_reader reader(raw);
    EXPECT_EQ(reader.varint(), 0U);
    EXPECT_TRUE(reader.failed()) << text;
  }
}

TEST(Codec, StringsLongerThanTheirBufferAreRefused) {
  for (const char* const text : {"03 61 62", "ff ff ff ff ff ff ff ff ff 01 61"}) {
    const bytes raw = hex(text);
    byte_reader reader(raw);
    EXPECT_TRUE(reader.string().empty());
    EXPECT_TRUE(reader.failed());
  }
}

TEST(Codec, AFailedReaderStaysFailed) {
  const bytes raw = hex("05 61");
  byte_reader reader(raw);
  reader.string();
  EXPECT_EQ(reader.byte(), 0U);
  EXPECT_EQ(reader.fixed_le<std::uint32_t>(), 0U);
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_TRUE(reader.failed());
}

TEST(Codec, ANumberedFileHasOneName) {
  EXPECT_EQ(numbered("journal-12.log", "journal-", ".log"), 12U);
  for (const char* const name :
       {"journal-.log", "journal-012.log", "journal--1.log", "journal-99999999999999999999.log",
        "journal-1.log.old", "Journal-1.log", "journal-1"})
    EXPECT_EQ(numbered(name, "journal-", ".log"), std::nullopt) << name;
}

}  // namespace
}  // namespace lentic::detail
