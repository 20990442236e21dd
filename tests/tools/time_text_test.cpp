// SPDX-License-Identifier: Apache-2.0
#include "time_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace lentic::tool {
namespace {

constexpr std::int64_t ms_per_day = 86'400'000;

std::error_code why(std::string_view text) {
  return parse_time(text).error();
}

std::string written(std::int64_t time_ms) {
  std::string out;
  append_time(out, time_ms, time_format::rfc3339);
  return out;
}

// Counts days one by one, with the leap years of the Gregorian rule: no formula in common with the
// code under test.
TEST(TimeText, EveryDayFrom1970To9999ReadsAndWritesAsTheCalendarCountsIt) {
  std::int64_t day_number = 0;
  std::array<char, 40> text{};
  for (int year = 1970; year <= 9999; ++year) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const std::array<int, 12> days{31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= days.at(static_cast<std::size_t>(month - 1)); ++day, ++day_number) {
        std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT00:00:00Z", year, month, day);
        const result<std::int64_t> parsed = parse_time(text.data());
        ASSERT_TRUE(parsed) << text.data();
        ASSERT_EQ(*parsed, day_number * ms_per_day) << text.data();
        ASSERT_EQ(written(day_number * ms_per_day), text.data());
      }
      std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT00:00:00Z", year, month,
                    days.at(static_cast<std::size_t>(month - 1)) + 1);
      ASSERT_EQ(why(text.data()), errc::not_a_time) << text.data();
    }
  }
  EXPECT_EQ(day_number * ms_per_day, time_ms_max + 1);
}

TEST(TimeText, EverySecondOfADayRoundTrips) {
  for (std::int64_t second = 0; second < 86'400; ++second) {
    const std::int64_t time_ms = 978'307'200'000 + second * 1000;
    ASSERT_EQ(parse_time(written(time_ms)).value(), time_ms);
  }
}

// Computed with Python: int(datetime.fromisoformat(text).timestamp() * 1000).
TEST(TimeText, AgreesWithValuesComputedElsewhere) {
  EXPECT_EQ(parse_time("2001-01-01T00:01Z").value(), 978'307'260'000);
  EXPECT_EQ(parse_time("2026-07-14T12:34:56.789Z").value(), 1'784'032'496'789);
  EXPECT_EQ(parse_time("2000-02-29T23:59:59+05:30").value(), 951'848'999'000);
  EXPECT_EQ(parse_time("1999-12-31T19:00:00-05:00").value(), 946'684'800'000);
}

TEST(TimeText, SecondsAreOptional) {
  EXPECT_EQ(parse_time("2001-01-01T05:30Z").value(), parse_time("2001-01-01T05:30:00Z").value());
}

TEST(TimeText, FractionIsCutToMilliseconds) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.5Z").value(), 1500);
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.0019999999999Z").value(), 1001);
  EXPECT_EQ(why("1970-01-01T00:00:01.Z"), errc::not_a_time);
}

TEST(TimeText, LettersMayBeSmallAndTheTASpace) {
  EXPECT_EQ(parse_time("1970-01-02 00:00:00z").value(), ms_per_day);
  EXPECT_EQ(parse_time("1970-01-02t00:00:00Z").value(), ms_per_day);
}

TEST(TimeText, OffsetIsSubtracted) {
  EXPECT_EQ(parse_time("1970-01-01T02:00+02:00").value(), 0);
  EXPECT_EQ(parse_time("1970-01-01T00:00-00:30").value(), 1'800'000);
  EXPECT_EQ(parse_time("1970-01-01T00:00-00:00").value(), 0);
}

TEST(TimeText, WholeNumbersAreMilliseconds) {
  EXPECT_EQ(parse_time("0").value(), 0);
  EXPECT_EQ(parse_time("978307260000").value(), 978'307'260'000);
  EXPECT_EQ(parse_time("253402300799999").value(), time_ms_max);
}

TEST(TimeText, BeforeNineteenSeventyIsItsOwnReason) {
  EXPECT_EQ(why("-1"), errc::time_before_1970);
  EXPECT_EQ(why("-99999999999999999999"), errc::time_before_1970);
  EXPECT_EQ(why("1969-12-31T23:59:59.999Z"), errc::time_before_1970);
  EXPECT_EQ(why("0000-01-01T00:00Z"), errc::time_before_1970);
  EXPECT_EQ(why("1970-01-01T00:00+00:01"), errc::time_before_1970);
}

TEST(TimeText, PastTheYear9999IsItsOwnReason) {
  EXPECT_EQ(why("253402300800000"), errc::time_past_9999);
  EXPECT_EQ(why("99999999999999999999"), errc::time_past_9999);
  EXPECT_EQ(why("9999-12-31T23:59:59-00:01"), errc::time_past_9999);
}

TEST(TimeText, TimeWithoutZoneIsItsOwnReason) {
  EXPECT_EQ(why("2001-01-01T00:01"), errc::time_without_zone);
  EXPECT_EQ(why("2001-01-01 00:01:02.5"), errc::time_without_zone);
}

TEST(TimeText, AnythingElseIsNotATime) {
  for (const char* text : {"",
                           "-",
                           "+5",
                           "5.0",
                           " 5",
                           "5 ",
                           "1e3",
                           "2001-1-1T00:00Z",
                           "2001-01-01",
                           "2001-01-01T24:00Z",
                           "2001-01-01T12:60Z",
                           "2001-01-01T12:00:60Z",
                           "2001-13-01T00:00Z",
                           "2001-00-01T00:00Z",
                           "2001-01-00T00:00Z",
                           "2001-02-29T00:00Z",
                           "2001-01-01T00:00ZZ",
                           "2001-01-01T00:00+0200",
                           "2001-01-01T00:00+24:00",
                           "2001-01-01T00:00+02:60",
                           "2001-01-01T00:00+02",
                           "2001-01-01_00:00Z",
                           "2001-01-01T0000Z",
                           "12001-01-01T00:00Z"}) {
    EXPECT_EQ(why(text), errc::not_a_time) << text;
  }
}

TEST(TimeText, EveryTruncationOfATimeIsRefused) {
  const std::string whole = "2001-01-01T00:01:02.345+02:00";
  for (std::size_t length = 5; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_time(whole.substr(0, length))) << length;
  }
}

TEST(TimeText, WritesMillisecondsOnlyWhenThereAreSome) {
  EXPECT_EQ(written(1000), "1970-01-01T00:00:01Z");
  EXPECT_EQ(written(1007), "1970-01-01T00:00:01.007Z");
  EXPECT_EQ(written(time_ms_max), "9999-12-31T23:59:59.999Z");
}

TEST(TimeText, WritesANumberOnRequestAndWhereRfc3339HasNoName) {
  std::string out = "x";
  append_time(out, 978'307'200'000, time_format::ms);
  EXPECT_EQ(out, "x978307200000");
  EXPECT_EQ(written(time_ms_max + 1), "253402300800000");
  EXPECT_EQ(written(-1), "-1");
}

TEST(TimeText, WindowFitsUpToTheLastMomentOf9999) {
  EXPECT_TRUE(window_fits(time_ms_max - 3'600'000, 3'600'000));
  EXPECT_FALSE(window_fits(time_ms_max - 3'599'999, 3'600'000));
  EXPECT_FALSE(window_fits(1, INT64_MAX));
  EXPECT_FALSE(window_fits(-1, 1));
}

}  // namespace
}  // namespace lentic::tool
