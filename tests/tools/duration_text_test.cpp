// SPDX-License-Identifier: Apache-2.0
#include "duration_text.hpp"

#include "time_text.hpp"

#include <gtest/gtest.h>

namespace lentic::tool {
namespace {

TEST(DurationText, ReadsEachUnit) {
  EXPECT_EQ(parse_duration("500ms").value(), 500);
  EXPECT_EQ(parse_duration("1s").value(), 1000);
  EXPECT_EQ(parse_duration("10m").value(), 600'000);
  EXPECT_EQ(parse_duration("1h").value(), 3'600'000);
  EXPECT_EQ(parse_duration("1d").value(), 86'400'000);
  EXPECT_EQ(parse_duration("2400h").value(), 8'640'000'000);
}

TEST(DurationText, ZeroNeedsNoUnit) {
  EXPECT_EQ(parse_duration("0").value(), 0);
  EXPECT_EQ(parse_duration("0h").value(), 0);
}

TEST(DurationText, RefusesWhatHasNoNumberOrNoUnit) {
  for (const char* text : {"", "5", "h", "1.5h", "-1h", "+1h", "1 h", "1h ", "1H", "1h30m", "1w"}) {
    EXPECT_EQ(parse_duration(text).error(), errc::not_a_duration) << text;
  }
}

TEST(DurationText, RefusesWhatDoesNotFitTheCalendar) {
  EXPECT_EQ(parse_duration("253402300799999ms").value(), time_ms_max);
  EXPECT_EQ(parse_duration("253402300800000ms").error(), errc::duration_too_long);
  EXPECT_EQ(parse_duration("9223372036854775807d").error(), errc::duration_too_long);
  EXPECT_EQ(parse_duration("99999999999999999999ms").error(), errc::duration_too_long);
}

TEST(DurationText, MessageNamesTheAcceptedForms) {
  EXPECT_NE(parse_duration("5").error().message().find("10m"), std::string::npos);
  EXPECT_NE(parse_window("1h").error().message().find("hopping:1h/10m"), std::string::npos);
  EXPECT_NE(parse_commit_interval("5").error().message().find("5000rows"), std::string::npos);
}

TEST(DurationText, WritesWhatReadsBack) {
  for (const std::int64_t ms :
       {0L, 1L, 999L, 1000L, 90'000L, 3'600'000L, 86'400'000L, 5'400'000L}) {
    EXPECT_EQ(parse_duration(duration_text(ms)).value(), ms);
  }
  EXPECT_EQ(duration_text(7'200'000), "2h");
  EXPECT_EQ(duration_text(0), "0ms");
}

TEST(CommitInterval, IsATimeOrANumberOfRows) {
  EXPECT_EQ(parse_commit_interval("1s").value(), (commit_interval{commit_unit::ms, 1000}));
  EXPECT_EQ(parse_commit_interval("5000rows").value(), (commit_interval{commit_unit::rows, 5000}));
}

TEST(CommitInterval, RefusesZeroAndNonsense) {
  for (const char* text : {"", "0", "0s", "0rows", "rows", "5 rows", "5row", "-5rows", "5"}) {
    EXPECT_EQ(parse_commit_interval(text).error(), errc::not_a_commit_interval) << text;
  }
  EXPECT_EQ(parse_commit_interval("9999999999999h").error(), errc::duration_too_long);
}

TEST(WindowSpec, ReadsTumblingAndHopping) {
  EXPECT_EQ(parse_window("tumbling:1h").value(),
            (window_spec{window_kind::tumbling, 3'600'000, 3'600'000}));
  EXPECT_EQ(parse_window("hopping:1h/10m").value(),
            (window_spec{window_kind::hopping, 3'600'000, 600'000}));
}

TEST(WindowSpec, RefusesAnAdvanceOfZeroOrAboveTheSize) {
  for (const char* text : {"hopping:1h/0", "hopping:1h/2h", "tumbling:0", "hopping:0/0"}) {
    EXPECT_EQ(parse_window(text).error(), errc::not_a_window) << text;
  }
}

TEST(WindowSpec, RefusesOtherForms) {
  for (const char* text : {"", "1h", "tumbling", "sliding:1h", "hopping:1h", "Tumbling:1h"}) {
    EXPECT_EQ(parse_window(text).error(), errc::not_a_window) << text;
  }
  EXPECT_EQ(parse_window("tumbling:").error(), errc::not_a_duration);
  EXPECT_EQ(parse_window("hopping:1h/10m/5m").error(), errc::not_a_duration);
}

TEST(WindowSpec, WritesWhatReadsBack) {
  for (const char* text : {"tumbling:1h", "hopping:1h/10m", "hopping:1h/1h"}) {
    EXPECT_EQ(window_text(parse_window(text).value()), text);
  }
}

}  // namespace
}  // namespace lentic::tool
