// SPDX-License-Identifier: Apache-2.0
#include "csv_reader.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace lentic::tool {
namespace {

// One line of text per event, with everything that the reader reports about it.
std::string describe(const csv_reader& reader, row_event event) {
  std::string text;
  for (std::size_t i = 0; i < reader.fields().size(); ++i) {
    const row_place place = reader.place(i);
    text += "<" + std::string(reader.fields()[i]) + ">" + std::to_string(place.line) + ":"
          + std::to_string(place.column) + " ";
  }
  if (event == row_event::bad_row) {
    text += reader.reason().message() + " at " + std::to_string(reader.reason_place().line) + ":"
          + std::to_string(reader.reason_place().column) + " ";
  }
  return text + "to " + std::to_string(reader.position()) + " line " + std::to_string(reader.line())
       + (reader.terminated() ? "" : " cut");
}

// Reads `text` in chunks of the sizes that `next_size` gives; the chunk's memory is destroyed
// before the next one is fed, as a reused buffer would be.
template <class Sizes>
std::vector<std::string> trace(std::string_view text, std::size_t bytes_max, Sizes next_size,
                               csv_start start = {}) {
  csv_reader reader(start, bytes_max);
  std::vector<std::string> events;
  std::string chunk;
  while (true) {
    const row_event event = reader.next();
    if (event == row_event::end) return events;
    if (event != row_event::need_input) {
      events.push_back(describe(reader, event));
      continue;
    }
    if (text.empty()) {
      reader.finish();
      continue;
    }
    chunk.assign(chunk.size(), '\0');
    chunk = text.substr(0, next_size());
    text.remove_prefix(chunk.size());
    reader.feed(chunk);
  }
}

std::vector<std::string> trace(std::string_view text) {
  return trace(text, row_bytes_max, [&] { return text.size() + 1; });
}

using lines = std::vector<std::string>;

TEST(CsvReader, SplitsFieldsAndReportsPlaces) {
  EXPECT_EQ(trace("a,b\nc,\n"), (lines{"<a>1:1 <b>1:3 to 4 line 2", "<c>2:1 <>2:3 to 7 line 3"}));
}

TEST(CsvReader, TakesCarriageReturnAsPartOfTheLineEnd) {
  EXPECT_EQ(trace("a,b\r\n1,2\r\n"),
            (lines{"<a>1:1 <b>1:3 to 5 line 2", "<1>2:1 <2>2:3 to 10 line 3"}));
}

TEST(CsvReader, KeepsACarriageReturnInsideARow) {
  EXPECT_EQ(trace("a\rb,c\n"), (lines{"<a\rb>1:1 <c>1:5 to 6 line 2"}));
}

TEST(CsvReader, UnquotesFieldsWithCommasQuotesAndLineFeeds) {
  EXPECT_EQ(trace("\"a,b\",\"say \"\"hi\"\"\",\"x\ny\",z\nnext,1,2,3\n"),
            (lines{"<a,b>1:1 <say \"hi\">1:7 <x\ny>1:20 <z>2:4 to 27 line 3",
                   "<next>3:1 <1>3:6 <2>3:8 <3>3:10 to 38 line 4"}));
}

TEST(CsvReader, QuotedFieldMayBeEmptyOrOnlyAQuote) {
  EXPECT_EQ(trace("\"\",\"\"\"\"\r\n"), (lines{"<>1:1 <\">1:4 to 9 line 2"}));
}

TEST(CsvReader, QuoteInsideAnUnquotedFieldIsText) {
  EXPECT_EQ(trace("5\" disk,a\"\n"), (lines{"<5\" disk>1:1 <a\">1:9 to 11 line 2"}));
}

TEST(CsvReader, SkipsBlankLinesButCountsThem) {
  EXPECT_EQ(trace("a,b\n\n\r\n1,2\n\n"),
            (lines{"<a>1:1 <b>1:3 to 4 line 2", "<1>4:1 <2>4:3 to 11 line 5"}));
}

TEST(CsvReader, PositionAtTheEndCoversTrailingBlankLines) {
  csv_reader reader;
  reader.feed("a\n\n\n");
  ASSERT_EQ(reader.next(), row_event::record);
  ASSERT_EQ(reader.next(), row_event::need_input);
  reader.finish();
  EXPECT_EQ(reader.next(), row_event::end);
  EXPECT_EQ(reader.position(), 4U);
  EXPECT_EQ(reader.line(), 4U);
}

TEST(CsvReader, SkipsAByteOrderMarkAtTheStartOnly) {
  EXPECT_EQ(trace("\xEF\xBB\xBF\"a\",b\n\xEF\xBB\xBFx,y\n"),
            (lines{"<a>1:1 <b>1:5 to 9 line 2", "<\xEF\xBB\xBFx>2:1 <y>2:6 to 16 line 3"}));
}

TEST(CsvReader, BytesThatOnlyBeginLikeAMarkAreData) {
  const auto byte_by_byte = [] { return std::size_t{1}; };
  EXPECT_EQ(trace("\xEF\xBB\x80,b\n", 100, byte_by_byte),
            (lines{"<\xEF\xBB\x80>1:1 <b>1:5 to 6 line 2"}));
  EXPECT_EQ(trace("\xEF\xBB", 100, byte_by_byte), (lines{"invalid UTF-8 at 1:1 to 2 line 1 cut"}));
}

TEST(CsvReader, LastLineWithoutLineEndIsARowAndFlagged) {
  EXPECT_EQ(trace("a,b\n1,2"),
            (lines{"<a>1:1 <b>1:3 to 4 line 2", "<1>2:1 <2>2:3 to 7 line 2 cut"}));
  EXPECT_EQ(trace("1,2\r"), (lines{"<1>1:1 <2>1:3 to 4 line 1 cut"}));
  EXPECT_EQ(trace("1,\"2\"\r"), (lines{"<1>1:1 <2>1:3 to 6 line 1 cut"}));
}

TEST(CsvReader, EmptyInputHasNoRows) {
  EXPECT_EQ(trace(""), lines{});
  EXPECT_EQ(trace("\n\r\n"), lines{});
  EXPECT_EQ(trace("\xEF\xBB\xBF"), lines{});
}

TEST(CsvReader, QuoteLeftOpenAtTheEndIsABadRowAtTheQuote) {
  EXPECT_EQ(
      trace("a,b\n1,\"2\n3,4\n"),
      (lines{"<a>1:1 <b>1:3 to 4 line 2", "a quote that is never closed at 2:3 to 13 line 4 cut"}));
}

TEST(CsvReader, TextAfterAClosingQuoteSpoilsThatLineOnly) {
  EXPECT_EQ(trace("\"a\"x,\"y\nb,c\n"),
            (lines{"text after a closing quote at 1:4 to 8 line 2", "<b>2:1 <c>2:3 to 12 line 3"}));
  EXPECT_EQ(trace("\"a\"\rx\n"), (lines{"text after a closing quote at 1:5 to 6 line 2"}));
}

TEST(CsvReader, InvalidUtf8SpoilsThatLineOnly) {
  EXPECT_EQ(trace("a,b\n1,\xC3(\n2,\xC3\xA9\n"),
            (lines{"<a>1:1 <b>1:3 to 4 line 2", "invalid UTF-8 at 2:3 to 9 line 3",
                   "<2>3:1 <\xC3\xA9>3:3 to 14 line 4"}));
}

TEST(CsvReader, RefusesEveryKindOfMalformedUtf8) {
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
                           "\xEF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                           "\xFF", "\xC3", "\xF0\x9F\x98"}) {
    const lines events = trace(std::string("12345678") + text + "\n");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events[0].starts_with("invalid UTF-8 at 1:9")) << events[0];
  }
}

TEST(CsvReader, AcceptsTheEdgesOfUtf8) {
  for (const char* text : {"\x7F", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    const lines events = trace(std::string("1234567") + text + "x\n");
    EXPECT_EQ(events.at(0).find("invalid"), std::string::npos) << events[0];
  }
}

TEST(CsvReader, AnotherNumberOfFieldsIsABadRowThatKeepsItsFields) {
  EXPECT_EQ(
      trace("a,b\n1\n1,2,3\n1,2\n"),
      (lines{"<a>1:1 <b>1:3 to 4 line 2",
             "<1>2:1 a different number of fields than the header has at 2:1 to 6 line 3",
             "<1>3:1 <2>3:3 <3>3:5 a different number of fields than the header has at 3:1 to "
             "12 line 4",
             "<1>4:1 <2>4:3 to 16 line 5"}));
}

TEST(CsvReader, RowOfTheLimitIsReadAndOneByteMoreIsNot) {
  const auto all = [] { return std::size_t{1000}; };
  EXPECT_EQ(trace("12345678\n", 8, all), (lines{"<12345678>1:1 to 9 line 2"}));
  EXPECT_EQ(trace("123456789\nx\n", 8, all),
            (lines{"a row longer than 1 MiB at 1:1 to 10 line 2", "<x>2:1 to 12 line 3"}));
}

TEST(CsvReader, TheLineEndDoesNotCountHoweverTheRowIsCut) {
  for (std::size_t size = 1; size <= 12; ++size) {
    const auto pieces = [size] { return size; };
    EXPECT_EQ(trace("12345678\r\nx\r\n", 8, pieces),
              (lines{"<12345678>1:1 to 10 line 2", "<x>2:1 to 13 line 3"}))
        << size;
    EXPECT_EQ(trace("123456789\r\nx\r\n", 8, pieces),
              (lines{"a row longer than 1 MiB at 1:1 to 11 line 2", "<x>2:1 to 14 line 3"}))
        << size;
    EXPECT_EQ(trace("123456789\nx\n", 8, pieces),
              (lines{"a row longer than 1 MiB at 1:1 to 10 line 2", "<x>2:1 to 12 line 3"}))
        << size;
    EXPECT_EQ(trace("123456789", 8, pieces),
              (lines{"a row longer than 1 MiB at 1:1 to 9 line 1 cut"}))
        << size;
  }
}

TEST(CsvReader, LongRowEndsAtTheFirstLineEndPastTheLimitEvenInsideQuotes) {
  const auto all = [] { return std::size_t{1000}; };
  EXPECT_EQ(trace("\"1\n2\n345678\n9\n", 8, all),
            (lines{"a row longer than 1 MiB at 1:1 to 12 line 4", "<9>4:1 to 14 line 5"}));
}

TEST(CsvReader, LongRowAtTheEndOfTheInputIsReportedOnce) {
  const auto three = [] { return std::size_t{3}; };
  EXPECT_EQ(trace("x\n123456789", 4, three),
            (lines{"<x>1:1 to 2 line 2", "a row longer than 1 MiB at 2:1 to 11 line 2 cut"}));
}

TEST(CsvReader, StartsInTheMiddleWithTheHeadersFieldCount) {
  const auto all = [] { return std::size_t{1000}; };
  EXPECT_EQ(trace("3,4\n5\n", 100, all, csv_start{{8, 3}, 2}),
            (lines{"<3>3:1 <4>3:3 to 12 line 4",
                   "<5>4:1 a different number of fields than the header has at 4:1 to 14 line 5"}));
}

// Random text over the bytes that matter, cut at random places, reports exactly what it reports in
// one piece, with limits small enough that long rows occur.
TEST(CsvReader, ReportDoesNotDependOnTheChunks) {
  const std::string_view alphabet = "ab\"\"\",,\n\n\r\xC3\xA9\xEF\xBB\xBF";
  for (unsigned seed = 1; seed <= 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t left = random() % 60; left > 0; --left) {
      text += alphabet[random() % alphabet.size()];
    }
    const std::size_t bytes_max = 1 + random() % 40;
    const auto whole = trace(text, bytes_max, [] { return std::size_t{1000}; });
    const auto cut = trace(text, bytes_max, [&] { return 1 + random() % 7; });
    ASSERT_EQ(whole, cut) << "seed " << seed << " text " << ::testing::PrintToString(text);
  }
}

// Stopping after any row and going on at its position reports the same rest.
TEST(CsvReader, GoesOnAtAnyPositionAsIfNeverStopped) {
  const std::string text = "h,i\n\"a\nb\",c\n\n\xFF,x\n1\n\"q\"z,\"\nlast,one";
  const lines whole = trace(text);
  csv_reader reader;
  reader.feed(text);
  for (std::size_t done = 1; done < whole.size(); ++done) {
    ASSERT_NE(reader.next(), row_event::need_input);
    const csv_start start{{reader.position(), reader.line()}, reader.field_count()};
    const auto rest = trace(
        std::string_view(text).substr(reader.position()), row_bytes_max,
        [] { return std::size_t{1000}; }, start);
    EXPECT_EQ(rest, lines(whole.begin() + static_cast<std::ptrdiff_t>(done), whole.end()));
  }
}

TEST(CsvReader, HundredMegabytesWithoutLineEndStayOneBadRow) {
  csv_reader reader;
  const std::string chunk(1U << 18, 'x');
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(reader.next(), row_event::need_input);
    reader.feed(chunk);
  }
  ASSERT_EQ(reader.next(), row_event::need_input);
  reader.feed("\nnext\n");
  ASSERT_EQ(reader.next(), row_event::bad_row);
  EXPECT_EQ(reader.reason(), errc::line_too_long);
  EXPECT_EQ(reader.position(), 400U * chunk.size() + 1);
  ASSERT_EQ(reader.next(), row_event::record);
  EXPECT_EQ(reader.fields()[0], "next");
}

// A quoted field of a million empty lines must not be looked at again for each of them: quadratic
// work would not end within any test's patience.
TEST(CsvReader, ManyLinesInOneQuotedFieldAreOneRow) {
  const std::string text = "\"" + std::string(1'000'000, '\n') + "\"\n";
  std::size_t size = 7;
  const lines events = trace(text, row_bytes_max, [&] { return size; });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].ends_with("to 1000003 line 1000002"));
}

}  // namespace
}  // namespace lentic::tool
