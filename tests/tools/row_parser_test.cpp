// SPDX-License-Identifier: Apache-2.0
#include "row_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lentic::tool {
namespace {

using fields = std::vector<std::string_view>;

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
  row_parser parser{run};
  aggregator types{run.aggregates};
};

TEST(RowParser, ColumnsAreTimeThenKeyThenThoseOfTheAggregates) {
  std::string text;
  for (const input_column& each : columns_of(options()))
    text += each.option + " " + each.name + ";";
  EXPECT_EQ(text, "--ts scheduled;--key origin;--agg delay;--agg distance;");
}

TEST(RowParser, ReadsTimeKeyAndNumbers) {
  parsing in;
  const parsed_row row =
      in.parser.parse(fields{"2001-01-01T00:01Z", "MCI", "14", "405.5"}, in.types).value();
  EXPECT_EQ(row.time_ms, 978'307'260'000);
  EXPECT_EQ(row.key, "MCI");
  ASSERT_EQ(row.numbers.size(), 2U);
  EXPECT_EQ(row.numbers[0].integer, 14);
  EXPECT_EQ(row.numbers[1].real, 405.5);
}

TEST(RowParser, OnlyTheNamedFieldsMustHoldSomething) {
  run_options run = options();
  run.aggregates = parse_aggregates("count");
  row_parser parser(run);
  EXPECT_TRUE(parser.parse(fields{"5", "MCI"}, aggregator(run.aggregates)));
  parsing in;
  EXPECT_EQ(in.why({"5", "MCI", "", "1"}), errc::empty_field);
  EXPECT_EQ(in.parser.bad_field(), row_parser::first_number);
  EXPECT_EQ(in.why({"5", "", "1", "1"}), errc::empty_field);
  EXPECT_EQ(in.parser.bad_field(), row_parser::key_field);
  EXPECT_EQ(in.why({"", "MCI", "1", "1"}), errc::empty_field);
  EXPECT_EQ(in.parser.bad_field(), row_parser::time_field);
}

TEST(RowParser, NamesTheFieldThatIsBad) {
  parsing in;
  EXPECT_EQ(in.why({"12:60", "MCI", "1", "1"}), errc::not_a_time);
  EXPECT_EQ(in.parser.bad_field(), row_parser::time_field);
  EXPECT_EQ(in.why({"5", "MCI", "1", "far"}), errc::not_a_number);
  EXPECT_EQ(in.parser.bad_field(), row_parser::first_number + 1);
}

TEST(RowParser, WindowMustEndWithinTheYear9999) {
  parsing in;
  EXPECT_EQ(in.why({"9999-12-31T22:59:59.999Z", "MCI", "1", "1"}), std::error_code());
  EXPECT_EQ(in.why({"9999-12-31T23:00:00Z", "MCI", "1", "1"}), errc::time_past_9999);
}

TEST(RowParser, KeyWithALineBreakIsBad) {
  parsing in;
  EXPECT_EQ(in.why({"5", "a\nb", "1", "1"}), errc::key_has_line_break);
  EXPECT_EQ(in.why({"5", "a\r", "1", "1"}), errc::key_has_line_break);
}

TEST(RowParser, TypesFixedSoFarHold) {
  parsing in;
  in.types.fix_types(in.parser.parse(fields{"5", "A", "1", "1.5"}, in.types).value().numbers);
  EXPECT_EQ(in.why({"5", "A", "1.5", "1"}), errc::not_an_integer);
  EXPECT_EQ(in.why({"5", "A", "1", "1"}), std::error_code());
}

}  // namespace
}  // namespace lentic::tool
