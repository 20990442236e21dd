// SPDX-License-Identifier: Apache-2.0
#include "csv_records.hpp"

#include "record_text.hpp"

#include <gtest/gtest.h>

namespace lentic::tool {
namespace {

using lines = std::vector<std::string>;

const std::vector<input_column> columns{{"--ts", "t"}, {"--key", "k"}, {"--agg", "v"}};
constexpr std::string_view text = "v,x,k,t\n1,\"a\nb\",k1,5\nbad\n2,,k2,6\n";

std::string refusal(std::string_view input) {
  csv_records reader(columns, "in.csv");
  try {
    record_texts(reader, input);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CsvRecords, HandOutTheColumnsAskedForWhereverTheyStand) {
  csv_records reader(columns, "in.csv");
  EXPECT_EQ(record_texts(reader, text),
            (lines{"<5>3:7 <k1>3:4 <1>2:1 to 21 line 4",
                   "a different number of fields than the header has at 4:1 to 25 line 5",
                   "<6>5:7 <k2>5:4 <2>5:1 to 33 line 6"}));
}

TEST(CsvRecords, OpenEndsBehindTheHeader) {
  csv_records reader(columns, "in.csv");
  EXPECT_FALSE(reader.open());
  reader.feed(text.substr(0, 5));
  EXPECT_FALSE(reader.open());
  reader.feed(text.substr(5));
  EXPECT_TRUE(reader.open());
  EXPECT_EQ(reader.position(), 8U);
  EXPECT_EQ(reader.line(), 2U);
}

TEST(CsvRecords, ResumeTakesTheColumnsFromTheHead) {
  csv_records reader(columns, "in.csv");
  reader.resume(text.substr(0, 8), {25, 5});
  reader.feed(text.substr(25));
  EXPECT_EQ(reader.next(), row_event::record);
  EXPECT_EQ(event_text(reader, row_event::record), "<6>5:7 <k2>5:4 <2>5:1 to 33 line 6");
}

TEST(CsvRecords, ResumeRefusesAHeadThatIsNoHeader) {
  csv_records reader(columns, "in.csv");
  EXPECT_THROW(reader.resume("", {25, 5}), input_error);
  EXPECT_THROW(reader.resume("\"t", {25, 5}), input_error);
}

TEST(CsvRecords, HeaderThatCannotBeReadIsRefused) {
  EXPECT_EQ(refusal(""), "in.csv: empty: the first line must name the columns");
  EXPECT_EQ(refusal("\xFF,k\n"), "in.csv:1:1: invalid UTF-8; the first line must name the columns");
}

TEST(CsvRecords, UnknownColumnIsNamedWithItsOptionAndTheNearest) {
  EXPECT_EQ(refusal("t,key,v\n"), "--key: no column \"k\" in in.csv:1 (have: t, key, v)");
  const std::vector<input_column> wanted{{"--agg", "dealy"}};
  csv_records reader(wanted, "in.csv");
  reader.feed("time,delay\n");
  try {
    reader.open();
    FAIL() << "accepted";
  } catch (const usage_error& error) {
    EXPECT_STREQ(error.what(),
                 "--agg: no column \"dealy\" in in.csv:1 (have: time, delay); did "
                 "you mean \"delay\"?");
  }
}

TEST(CsvRecords, ColumnThatIsThereTwiceIsRefusedIfItIsAskedFor) {
  EXPECT_EQ(refusal("t,k,v,k\n"), "--key: in.csv:1 has two columns \"k\"");
  EXPECT_EQ(refusal("t,k,v,x,x\n"), "accepted");
}

}  // namespace
}  // namespace lentic::tool
