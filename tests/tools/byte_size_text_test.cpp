// SPDX-License-Identifier: Apache-2.0
#include "byte_size_text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace lentic::tool {
namespace {

TEST(ByteSize, ReadsPlainDecimalAndBinaryAmounts) {
  EXPECT_EQ(parse_byte_size("0").value(), 0U);
  EXPECT_EQ(parse_byte_size("47").value(), 47U);
  EXPECT_EQ(parse_byte_size("3kB").value(), 3000U);
  EXPECT_EQ(parse_byte_size("256MB").value(), 256'000'000U);
  EXPECT_EQ(parse_byte_size("2GB").value(), 2'000'000'000U);
  EXPECT_EQ(parse_byte_size("1KiB").value(), 1024U);
  EXPECT_EQ(parse_byte_size("16MiB").value(), 16'777'216U);
  EXPECT_EQ(parse_byte_size("8GiB").value(), 8'589'934'592U);
}

TEST(ByteSize, RefusesWhatIsNoAmount) {
  for (const char* text : {"", "MB", "-1", "+1", "1.5MB", "1 MB", "1mb", "1MBs", " 1", "0x10",
                           "18446744073709551616", "99999999999GiB", "4611686018427387905"})
    EXPECT_EQ(parse_byte_size(text).error(), make_error_code(errc::not_a_byte_size)) << text;
}

TEST(ByteSize, TextReadsBackAsTheSameAmount) {
  EXPECT_EQ(byte_size_text(16'777'216), "16MiB");
  EXPECT_EQ(byte_size_text(256'000'000), "256MB");
  EXPECT_EQ(byte_size_text(0), "0");
  for (const std::uint64_t size :
       {std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1000}, std::uint64_t{1024},
        std::uint64_t{3} << 30, std::uint64_t{1} << 62})
    EXPECT_EQ(parse_byte_size(byte_size_text(size)).value(), size);
}

}  // namespace
}  // namespace lentic::tool
