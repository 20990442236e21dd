// SPDX-License-Identifier: Apache-2.0
#include "row_writer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lentic::tool {
namespace {

const std::vector<std::string> names{"count", "sum:delay"};
const std::vector<std::string> values{"12", "-345"};
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t start_ms = 978'307'200'000;

std::string header(output_format format) {
  std::string out;
  row_writer(format, time_format::rfc3339, row_kind::windows, "origin", names).header(out);
  return out;
}

std::string row(output_format format, time_format times, std::string_view key) {
  std::string out;
  const row_writer writer(format, times, row_kind::windows, "origin", names);
  writer.row(out, {0, key, start_ms, start_ms + hour_ms, values});
  return out;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(RowWriter, CsvHasTheColumnsInOrder) {
  EXPECT_EQ(header(output_format::csv), "origin,window_start,window_end,count,sum:delay\n");
  EXPECT_EQ(row(output_format::csv, time_format::ms, "ORD"),
            "ORD,978307200000,978310800000,12,-345\n");
  EXPECT_EQ(row(output_format::csv, time_format::rfc3339, "ORD"),
            "ORD,2001-01-01T00:00:00Z,2001-01-01T01:00:00Z,12,-345\n");
}

TEST(RowWriter, CsvQuotesOnlyWhatNeedsIt) {
  const auto field = [](std::string_view text) {
    std::string out;
    append_csv_field(out, text);
    return out;
  };
  EXPECT_EQ(field("a b'c"), "a b'c");
  EXPECT_EQ(field("a,b"), "\"a,b\"");
  EXPECT_EQ(field("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(field("a\nb"), "\"a\nb\"");
  EXPECT_EQ(field("a\r"), "\"a\r\"");
  EXPECT_EQ(field(""), "");
}

TEST(RowWriter, NdjsonRowIsOneObjectWithNumbers) {
  EXPECT_EQ(header(output_format::ndjson), "");
  EXPECT_EQ(row(output_format::ndjson, time_format::ms, "O\"D"),
            "{\"origin\":\"O\\\"D\",\"window_start\":978307200000,\"window_end\":978310800000,"
            "\"count\":12,\"sum:delay\":-345}\n");
  const auto object =
      nlohmann::json::parse(row(output_format::ndjson, time_format::rfc3339, "ORD"));
  EXPECT_EQ(object["window_start"], "2001-01-01T00:00:00Z");
  EXPECT_EQ(object["count"], 12);
}

// The header and two changes of one window: the first has no old values.
std::string changes(output_format format) {
  const std::vector<std::string> first{"", "1", "", "-5"};
  const std::vector<std::string> second{"1", "2", "-5", "7"};
  const row_writer writer(format, time_format::ms, row_kind::changes, "origin", names);
  std::string out;
  writer.header(out);
  writer.row(out, {7, "ORD", 0, hour_ms, first});
  writer.row(out, {8, "ORD", 0, hour_ms, second});
  return out;
}

TEST(RowWriter, ChangeHasItsNumberAndBothSidesOfEachAggregate) {
  EXPECT_EQ(changes(output_format::csv),
            "seq,origin,window_start,window_end,old:count,new:count,old:sum:delay,new:sum:delay\n"
            "7,ORD,0,3600000,,1,,-5\n"
            "8,ORD,0,3600000,1,2,-5,7\n");
  EXPECT_EQ(changes(output_format::ndjson),
            "{\"seq\":7,\"origin\":\"ORD\",\"window_start\":0,\"window_end\":3600000,"
            "\"old:count\":null,\"new:count\":1,\"old:sum:delay\":null,\"new:sum:delay\":-5}\n"
            "{\"seq\":8,\"origin\":\"ORD\",\"window_start\":0,\"window_end\":3600000,"
            "\"old:count\":1,\"new:count\":2,\"old:sum:delay\":-5,\"new:sum:delay\":7}\n");
}

TEST(RowWriter, ChangesOfATableStandUnderTheirNames) {
  const std::string text = changes(output_format::table);
  const std::string header = text.substr(0, text.find('\n'));
  const std::string line =
      text.substr(header.size() + 1, text.find('\n', header.size() + 1) - header.size() - 1);
  EXPECT_EQ(header.size(), line.size());
  EXPECT_EQ(header.find("seq") + 3, line.find('7') + 1);
  EXPECT_EQ(header.find("origin"), line.find("ORD"));
}

TEST(RowWriter, JsonEscapesAsAnIndependentWriterDoes) {
  for (int c = 0; c < 0x80; ++c) {
    const std::string text = std::string("a") + static_cast<char>(c) + "b";
    ASSERT_EQ(json_string(text), nlohmann::json(text).dump()) << c;
  }
  for (unsigned seed = 1; seed <= 500; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    const std::vector<std::string> pieces{"\xC3\xA9", "\xF0\x9F\x98\x80",   "\"",   "\\", "/",
                                          "x",        std::string(1, '\0'), "\x1B", "\n", "\x7F"};
    for (std::size_t left = random() % 20; left > 0; --left) text += pieces[random() % 10];
    ASSERT_EQ(json_string(text), nlohmann::json(text).dump()) << "seed " << seed;
  }
}

TEST(RowWriter, TableIsAlignedUnderItsHeader) {
  EXPECT_EQ(header(output_format::table),
            "origin        window_start          window_end                 count   sum:delay\n");
  EXPECT_EQ(row(output_format::table, time_format::rfc3339, "ORD"),
            "ORD           2001-01-01T00:00:00Z  2001-01-01T01:00:00Z          12        -345\n");
  EXPECT_EQ(row(output_format::table, time_format::rfc3339, "Z\xC3\xBCrich").size(),
            header(output_format::table).size() + 1);
}

TEST(RowWriter, TableGrowsWithALongNameAndALongKey) {
  std::string out;
  const std::vector<std::string> one{"max:arrival_delay_minutes"};
  const std::vector<std::string> value{"7"};
  const row_writer writer(output_format::table, time_format::ms, row_kind::windows, "k", one);
  writer.header(out);
  writer.row(out, {0, "k", 0, 1, value});
  EXPECT_EQ(out.size() % 2, 0U);
  EXPECT_EQ(out.find('\n'), out.size() / 2 - 1);
  out.clear();
  writer.row(out, {0, "a key longer than its column", 0, 1, value});
  EXPECT_TRUE(out.starts_with("a key longer than its column  0 "));
}

TEST(RowWriter, TableDoesNotLetDataDriveTheTerminal) {
  const std::string shown = row(output_format::table, time_format::ms, "a\x1B[2Jb\x7F");
  EXPECT_TRUE(shown.starts_with("a?[2Jb? ")) << shown;
}

}  // namespace
}  // namespace lentic::tool
