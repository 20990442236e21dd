// SPDX-License-Identifier: Apache-2.0
#include "row_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lentic::tool {
namespace {

using fields = std::vector<std::string_view>;

const fields header{"scheduled", "delay", "distance", "origin"};

run_options options() {
  run_options run;
  run.ts_field = "scheduled";
  run.key_field = "origin";
  run.window = parse_window("tumbling:1h").value();
  run.aggregates = parse_aggregates("count,sum:delay,max:distance");
  return run;
}

struct parsing {
  std::error_code why(const fields& record) { return parser.parse(record, types).error(); }

  run_options run = options();
  row_parser parser{run, header, "in.csv"};
  aggregator types{run.aggregates};
};

std::string refusal(const run_options& run, const fields& names) {
  try {
    const row_parser parser(run, names, "in.csv");
  } catch (const usage_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RowParser, FindsTimeKeyAndNumbers) {
  parsing in;
  const parsed_row row =
      in.parser.parse(fields{"2001-01-01T00:01Z", "14", "405.5", "MCI"}, in.types).value();
  EXPECT_EQ(row.time_ms, 978'307'260'000);
  EXPECT_EQ(row.key, "MCI");
  ASSERT_EQ(row.numbers.size(), 2U);
  EXPECT_EQ(row.numbers[0].integer, 14);
  EXPECT_EQ(row.numbers[1].real, 405.5);
}

TEST(RowParser, OnlyTheNamedFieldsMustHoldSomething) {
  run_options run = options();
  run.aggregates = parse_aggregates("count");
  row_parser parser(run, header, "in.csv");
  EXPECT_TRUE(parser.parse(fields{"5", "", "", "MCI"}, aggregator(run.aggregates)));
  parsing in;
  EXPECT_EQ(in.why({"5", "", "1", "MCI"}), errc::empty_field);
  EXPECT_EQ(in.parser.bad_field_name(), "delay");
  EXPECT_EQ(in.why({"5", "1", "1", ""}), errc::empty_field);
  EXPECT_EQ(in.parser.bad_field_name(), "origin");
  EXPECT_EQ(in.why({"", "1", "1", "MCI"}), errc::empty_field);
  EXPECT_EQ(in.parser.bad_field_name(), "scheduled");
}

TEST(RowParser, NamesTheFieldThatIsBad) {
  parsing in;
  EXPECT_EQ(in.why({"12:60", "1", "1", "MCI"}), errc::not_a_time);
  EXPECT_EQ(in.parser.bad_field(), 0U);
  EXPECT_EQ(in.why({"5", "1", "far", "MCI"}), errc::not_a_number);
  EXPECT_EQ(in.parser.bad_field(), 2U);
}

TEST(RowParser, WindowMustEndWithinTheYear9999) {
  parsing in;
  EXPECT_EQ(in.why({"9999-12-31T22:59:59.999Z", "1", "1", "MCI"}), std::error_code());
  EXPECT_EQ(in.why({"9999-12-31T23:00:00Z", "1", "1", "MCI"}), errc::time_past_9999);
}

TEST(RowParser, KeyWithALineBreakIsBad) {
  parsing in;
  EXPECT_EQ(in.why({"5", "1", "1", "a\nb"}), errc::key_has_line_break);
  EXPECT_EQ(in.why({"5", "1", "1", "a\r"}), errc::key_has_line_break);
}

TEST(RowParser, TypesFixedSoFarHold) {
  parsing in;
  in.types.fix_types(in.parser.parse(fields{"5", "1", "1.5", "A"}, in.types).value().numbers);
  EXPECT_EQ(in.why({"5", "1.5", "1", "A"}), errc::not_an_integer);
  EXPECT_EQ(in.why({"5", "1", "1", "A"}), std::error_code());
}

TEST(RowParser, UnknownColumnIsNamedWithItsOptionAndTheNearest) {
  run_options run = options();
  run.key_field = "orign";
  EXPECT_EQ(refusal(run, header),
            "--key: no column \"orign\" in in.csv (have: scheduled, delay, distance, origin); did "
            "you mean \"origin\"?");
  run = options();
  run.aggregates = parse_aggregates("sum:dealy");
  EXPECT_TRUE(refusal(run, header).starts_with("--agg: no column \"dealy\" in in.csv"));
}

TEST(RowParser, NamedColumnThatIsThereTwiceIsRefused) {
  EXPECT_EQ(refusal(options(), {"scheduled", "delay", "distance", "origin", "origin"}),
            "--key: in.csv has two columns \"origin\"");
  EXPECT_EQ(refusal(options(), {"scheduled", "delay", "distance", "origin", "x", "x"}), "accepted");
}

TEST(BadRowText, HasPlaceFieldValueAndReason) {
  EXPECT_EQ(bad_row_text("in.csv", {1042, 17}, "delay", "x", errc::not_a_number),
            "in.csv:1042:17: delay \"x\": not a number");
  EXPECT_EQ(bad_row_text("in.csv", {7, 1}, errc::line_too_long),
            "in.csv:7:1: a row longer than 1 MiB");
}

TEST(BadRowText, CutsLongValuesBetweenCharactersAndHidesControls) {
  const std::string text =
      bad_row_text("f", {1, 1}, "k", std::string(59, 'a') + "\xC3\xA9z", errc::not_a_number);
  EXPECT_EQ(text, "f:1:1: k \"" + std::string(59, 'a') + "...\": not a number");
  EXPECT_EQ(bad_row_text("f", {1, 1}, "k", "a\x1B\nb", errc::key_has_line_break),
            "f:1:1: k \"a??b\": a key with a line break");
}

}  // namespace
}  // namespace lentic::tool
