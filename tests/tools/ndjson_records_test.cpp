// SPDX-License-Identifier: Apache-2.0
#include "ndjson_records.hpp"

#include "record_text.hpp"

#include <gtest/gtest.h>

#include <random>

namespace lentic::tool {
namespace {

using lines = std::vector<std::string>;

const std::vector<input_column> columns{{"--ts", "t"}, {"--key", "/u/id"}};

lines read(std::string_view text, std::size_t bytes_max = row_bytes_max) {
  ndjson_records reader(columns, bytes_max);
  return record_texts(reader, text);
}

TEST(NdjsonRecords, EachLineIsARecordWithItsPlaces) {
  EXPECT_EQ(read("{\"t\":1,\"u\":{\"id\":\"a\"}}\n{\"u\":{\"id\":7},\"t\":\"2\"}\r\n"),
            (lines{"<1>1:6 <a>1:18 to 23 line 2", "<2>2:19 <7>2:12 to 47 line 3"}));
}

TEST(NdjsonRecords, ColumnsAreKnownBeforeTheFirstByte) {
  ndjson_records reader(columns);
  EXPECT_TRUE(reader.open());
  EXPECT_EQ(reader.position(), 0U);
  EXPECT_EQ(reader.line(), 1U);
}

TEST(NdjsonRecords, BlankLinesAreSkippedButCounted) {
  EXPECT_EQ(read("\n \t\r\n{\"t\":1,\"u\":{\"id\":2}}\n\n"),
            (lines{"<1>3:6 <2>3:18 to 26 line 4"}));
  EXPECT_EQ(read(""), lines{});
  EXPECT_EQ(read("\n\n"), lines{});
}

TEST(NdjsonRecords, MarkAtTheStartIsSkipped) {
  EXPECT_EQ(read("\xEF\xBB\xBF{\"t\":1,\"u\":{\"id\":2}}"),
            (lines{"<1>1:6 <2>1:18 to 23 line 1 cut"}));
}

TEST(NdjsonRecords, QuotesDoNotCarryALineOn) {
  EXPECT_EQ(read("{\"t\":\"1\n{\"t\":1,\"u\":{\"id\":2}}\n"),
            (lines{"not valid JSON, here or right behind at 1:6 to 8 line 2",
                   "<1>2:6 <2>2:18 to 29 line 3"}));
}

TEST(NdjsonRecords, EachFaultIsABadRowWithItsPlaceAndColumn) {
  const auto why = [](const std::string& line) { return read(line + "\n").at(0); };
  EXPECT_EQ(why("{\"t\":1}"), "missing at 1:1 in 1 to 8 line 2");
  EXPECT_EQ(why("{\"u\":{\"id\":null},\"t\":1}"), "null at 1:12 in 1 to 24 line 2");
  EXPECT_EQ(why("{\"u\":{\"id\":[]},\"t\":{}}"),
            "an object or an array, not a single value at 1:20 in 0 to 23 line 2");
  EXPECT_EQ(why("[1]"), "not a JSON object at 1:1 to 4 line 2");
  EXPECT_EQ(why("{\"t\":1,\"t\":1}"), "a name that is twice in its object at 1:8 to 14 line 2");
  EXPECT_EQ(why("{\"t\":\"\\ud800\"}"), "an escape that is no character at 1:6 to 15 line 2");
  EXPECT_EQ(why("{\"t\":\xFF}"), "invalid UTF-8 at 1:6 to 8 line 2");
  EXPECT_EQ(why("{\"t\":" + std::string(70, '[') + "1}").substr(0, 33),
            "JSON nested deeper than 64 levels");
}

TEST(NdjsonRecords, RowOfTheLimitIsReadAndOneByteMoreIsNot) {
  const std::string row = "{\"t\":1,\"u\":{\"id\":2}}";
  EXPECT_EQ(read(row + "\n", row.size()), (lines{"<1>1:6 <2>1:18 to 21 line 2"}));
  EXPECT_EQ(read(" " + row + "\n" + row + "\n", row.size()),
            (lines{"a row longer than 1 MiB at 1:1 to 22 line 2", "<1>2:6 <2>2:18 to 43 line 3"}));
}

TEST(NdjsonRecords, NameThatIsNoPointerIsAUsageError) {
  try {
    const std::vector<input_column> wrong{{"--key", "/a~"}};
    const ndjson_records reader(wrong);
    FAIL() << "accepted";
  } catch (const usage_error& error) {
    EXPECT_STREQ(error.what(),
                 "--key \"/a~\": not a JSON pointer (want ~1 for '/' and ~0 for '~' in a name)");
  }
}

TEST(NdjsonRecords, ResumeRefusesAnInputThatHadAHeader) {
  ndjson_records reader(columns);
  EXPECT_THROW(reader.resume("t,u\n", {4, 2}), input_error);
}

constexpr std::string_view mixed =
    "{\"t\":1,\"u\":{\"id\":2}}\n\n[]\n{\"t\":1,\"u\":{\"id\":\xFF}}\n"
    "{\"t\":5,\"u\":{\"id\":\"a long enough text\"}}\n{\"t\"\n"
    "{\"t\":3,\"u\":{\"id\":4}}";

TEST(NdjsonRecords, GoOnAtAnyPositionAsIfNeverStopped) {
  const lines whole = read(mixed);
  ASSERT_EQ(whole.size(), 6U);
  ndjson_records reader(columns);
  reader.feed(mixed);
  for (std::size_t done = 1; done < whole.size(); ++done) {
    ASSERT_NE(reader.next(), row_event::need_input);
    ndjson_records later(columns);
    later.resume({}, {reader.position(), reader.line()});
    const lines rest = record_texts(later, mixed.substr(reader.position()));
    EXPECT_EQ(rest, lines(whole.begin() + static_cast<std::ptrdiff_t>(done), whole.end()));
  }
}

TEST(NdjsonRecords, ReportDoesNotDependOnTheChunks) {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random(seed);
    const std::size_t bytes_max = 10 + random() % 40;
    ndjson_records reader(columns, bytes_max);
    const lines cut = record_texts(reader, mixed, [&] { return 1 + random() % 9; });
    ASSERT_EQ(cut, read(mixed, bytes_max)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace lentic::tool
