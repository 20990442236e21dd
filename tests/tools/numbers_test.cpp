// SPDX-License-Identifier: Apache-2.0
#include "numbers.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace lentic::tool {
namespace {

number_type type_of(const char* text) {
  return parse_number(text, number_type::unknown).value().type;
}

std::error_code why(const char* text, number_type expected) {
  return parse_number(text, expected).error();
}

TEST(Numbers, FirstValueOfAColumnDecidesItsType) {
  EXPECT_EQ(type_of("5"), number_type::int64);
  EXPECT_EQ(type_of("-9223372036854775808"), number_type::int64);
  EXPECT_EQ(type_of("5.0"), number_type::float64);
  EXPECT_EQ(type_of("1e3"), number_type::float64);
  EXPECT_EQ(type_of("9223372036854775808"), number_type::float64);
}

TEST(Numbers, IntegersAreExact) {
  EXPECT_EQ(parse_number("9223372036854775807", number_type::int64).value().integer, INT64_MAX);
  EXPECT_EQ(parse_number("-9223372036854775808", number_type::int64).value().integer, INT64_MIN);
  EXPECT_EQ(parse_number("007", number_type::int64).value().integer, 7);
}

TEST(Numbers, ColumnOfDoublesTakesIntegers) {
  const number value = parse_number("12", number_type::float64).value();
  EXPECT_EQ(value.type, number_type::float64);
  EXPECT_EQ(value.real, 12.0);
}

TEST(Numbers, ColumnOfIntegersRefusesDoublesAndWhatDoesNotFit) {
  EXPECT_EQ(why("12.0", number_type::int64), errc::not_an_integer);
  EXPECT_EQ(why("9223372036854775808", number_type::int64), errc::number_out_of_range);
  EXPECT_EQ(why("-9223372036854775809", number_type::int64), errc::number_out_of_range);
}

TEST(Numbers, RefusesWhatIsNoNumber) {
  for (const number_type type : {number_type::unknown, number_type::int64, number_type::float64}) {
    for (const char* text : {"abc", "+5", " 5", "5 ", "5,0", "-", ".", "1e", "nan", "inf", "-inf",
                             "infinity", "0x10", "5x", "1_000"}) {
      EXPECT_EQ(why(text, type), errc::not_a_number) << text;
    }
    EXPECT_EQ(why("", type), errc::empty_field);
  }
}

TEST(Numbers, RefusesDoublesBeyondTheRange) {
  EXPECT_EQ(why("1e999", number_type::float64), errc::number_out_of_range);
  EXPECT_EQ(why("-1e999", number_type::unknown), errc::number_out_of_range);
}

TEST(Numbers, WritesTheShortestTextThatReadsBack) {
  std::string out;
  append_number(out, 0.1);
  append_number(out += ' ', 5.0);
  append_number(out += ' ', 1.0 / 3.0);
  append_number(out += ' ', 1e300);
  append_number(out += ' ', std::int64_t{-7});
  EXPECT_EQ(out, "0.1 5 0.3333333333333333 1e+300 -7");
}

struct mean_case {
  std::int64_t high;  // the sum's upper and lower 64 bits
  std::uint64_t low;
  std::uint64_t count;
  double expected;
};

// Computed with Python, whose integer division rounds correctly: (sum / count).hex().
TEST(Numbers, MeanOfIntegersIsRoundedOnce) {
  const mean_case cases[] = {
      {-1, 0xBA6A3A4506513270, 10, -0x1.bd5824aca45ecp+58},
      {-3, 0x1531985D5D9DC9F8, 7, -0x1.aabf16a613a5dp+62},
      {-45292, 0x9600A35A099950D8, 1000003, -0x1.7306b1d2523bcp+59},
      {-6858, 0x61A22DD9C2E71EFB, 1000003, -0x1.c16b67568515fp+56},
      {1, 0xB9263059F28C105D, 7, 0x1.f82ba4f915326p+61},
      {0, 0x15E60AF593BD04CF, 3, 0x1.d32b9476fa6b1p+58},
      {1563, 0x280E81973E0BECD7, 1000003, 0x1.99c55720acfcfp+54},
      {4, 0x1E27A1C08A6A63EC, 10, 0x1.a5a973e69dc42p+62},
      {4, 0x94E3BF911A61DBE2, 10, 0x1.d527e63a0a8d9p+62},
      {-49077, 0xCB64CE4200C38FB2, 9007199254740997, -0x1.7f686936637bcp+26},
      {57548, 0x2E2EB1547F150524, 1000003, 0x1.d76eeb68605c3p+59},
      {3660248110245765, 0x15E761D17731AF10, 9007199254740997, 0x1.a01f3d8cd4f06p+62},
      {0, 0x00000001C6F95702, 1000003, 0x1.dd12c84df70f6p+12},
      {3758686918, 0xFEBFF20686734721, 8589934593, 0x1.c012058d1d76ep+62},
      {0, 0x0020000000000001, 1, 0x1.0000000000000p+53},
      {0, 0x00C0000000000003, 3, 0x1.0000000000000p+54},
      {-1, 0xBFFFFFFFFFFFFFFF, 1, -0x1.0000000000000p+62},
      {2, 0x7FFFFFFFFFFFFFFB, 5, 0x1.0000000000000p+63},
      {0, 0x0020000000000001, 2, 0x1.0000000000000p+52},
      {0, 0x0040000000000003, 2, 0x1.0000000000001p+53},
  };
  for (const mean_case& each : cases) {
    const auto sum = static_cast<int128>(
        static_cast<uint128>(static_cast<std::uint64_t>(each.high)) << 64 | each.low);
    EXPECT_EQ(exact_mean(sum, each.count), each.expected) << each.low << " / " << each.count;
  }
}

TEST(Numbers, MeanOfSmallSumsIsOneDivision) {
  EXPECT_EQ(exact_mean(1, 3), 1.0 / 3.0);
  EXPECT_EQ(exact_mean(-2, 3), -2.0 / 3.0);
  EXPECT_EQ(exact_mean(0, 5), 0.0);
}

}  // namespace
}  // namespace lentic::tool
