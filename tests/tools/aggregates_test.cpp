// SPDX-License-Identifier: Apache-2.0
#include "aggregates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

namespace lentic::tool {
namespace {

using bytes = std::vector<std::byte>;

std::string refusal(const char* text) {
  try {
    parse_aggregates(text);
  } catch (const usage_error& error) {
    return error.what();
  }
  return "accepted";
}

// Feeds rows of texts, one a column, into one window.
struct window {
  explicit window(const char* list) : agg(parse_aggregates(list)) {}

  std::error_code add(const std::vector<std::string>& texts) {
    std::vector<number> row;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const result<number> value = agg.read(i, texts[i]);
      if (!value) return value.error();
      row.push_back(*value);
    }
    agg.fix_types(row);
    bytes next(agg.value_bytes());
    std::optional<std::span<const std::byte>> old;
    if (!state.empty()) old = state;
    const result<void> updated = agg.update(old, row, next);
    if (updated) state = next;
    return updated.error();
  }
  std::vector<std::string> columns() const {
    std::vector<std::string> texts;
    agg.render(state, texts).value();
    return texts;
  }

  aggregator agg;
  bytes state;
};

using texts = std::vector<std::string>;

TEST(AggregateList, KeepsOrderAndNamesAndSharesColumns) {
  const aggregate_list list = parse_aggregates("count,sum:delay,max:distance,avg:delay");
  ASSERT_EQ(list.items.size(), 4U);
  EXPECT_EQ(list.columns, (texts{"delay", "distance"}));
  EXPECT_EQ(list.items[1].name, "sum:delay");
  EXPECT_EQ(list.items[2].column, 1U);
  EXPECT_EQ(list.items[3].column, 0U);
  EXPECT_EQ(list.items[3].kind, aggregate_kind::avg);
  EXPECT_EQ(aggregates_text(list), "count,sum:delay,max:distance,avg:delay");
}

TEST(AggregateList, FieldIsEverythingAfterTheFirstColon) {
  EXPECT_EQ(parse_aggregates("min:Air Time (min):x").columns[0], "Air Time (min):x");
}

TEST(AggregateList, SuggestsTheFunctionBehindATypingError) {
  EXPECT_EQ(refusal("cuont"), "--agg: no function \"cuont\"; did you mean \"count\"?");
  EXPECT_EQ(refusal("median:delay"), "--agg: no function \"median\"");
}

TEST(AggregateList, RefusesMissingNeedlessAndRepeatedParts) {
  EXPECT_EQ(refusal("sum"), "--agg: sum needs a field");
  EXPECT_EQ(refusal("sum:"), "--agg: sum needs a field");
  EXPECT_EQ(refusal("count:delay"), "--agg: count takes no field");
  EXPECT_EQ(refusal("count,count"), "--agg: \"count\" is there twice");
  EXPECT_EQ(refusal(""), "--agg: an empty aggregate");
  EXPECT_EQ(refusal("count,"), "--agg: an empty aggregate");
}

TEST(Accumulator, IntegersStayIntegers) {
  window one("count,sum:x,min:x,max:x,avg:x");
  for (const char* value : {"5", "-7", "4"}) ASSERT_FALSE(one.add({value}));
  EXPECT_EQ(one.columns(), (texts{"3", "2", "-7", "5", "0.6666666666666666"}));
}

TEST(Accumulator, DoublesAreWrittenShortest) {
  // As Python adds and divides them.
  window one("count,sum:x,min:x,max:x,avg:x");
  for (const char* value : {"0.1", "0.2", "3"}) ASSERT_FALSE(one.add({value}));
  EXPECT_EQ(one.columns(), (texts{"3", "3.3", "0.1", "3", "1.0999999999999999"}));
}

TEST(Accumulator, BytesAreAsDrawn) {
  window one("count,sum:x");
  ASSERT_FALSE(one.add({"5"}));
  ASSERT_FALSE(one.add({"-7"}));
  bytes expected(16, std::byte{0xFF});
  std::fill(expected.begin(), expected.begin() + 8, std::byte{0});
  expected[7] = std::byte{2};
  expected[15] = std::byte{0xFE};
  EXPECT_EQ(one.state, expected);
}

TEST(Accumulator, MeanOfIntegersDoesNotOverflowWhereTheSumDoes) {
  window mean("avg:x");
  window sum("sum:x");
  const std::string large = std::to_string(INT64_MAX);
  ASSERT_FALSE(mean.add({large}));
  ASSERT_FALSE(mean.add({large}));
  EXPECT_EQ(mean.columns(), (texts{"9223372036854775808"}));
  ASSERT_FALSE(sum.add({large}));
  EXPECT_EQ(sum.add({"1"}), errc::sum_overflow);
}

TEST(Accumulator, OverflowLeavesTheOldValueAlone) {
  window one("count,sum:x");
  const std::string large = std::to_string(INT64_MIN);
  ASSERT_FALSE(one.add({large}));
  const bytes before = one.state;
  EXPECT_EQ(one.add({"-1"}), errc::sum_overflow);
  EXPECT_EQ(one.state, before);
  EXPECT_FALSE(one.add({"1"}));
}

TEST(Accumulator, SumOfDoublesThatLeavesTheRangeIsAnOverflow) {
  window sum("sum:x");
  ASSERT_FALSE(sum.add({"1.7e308"}));
  EXPECT_EQ(sum.add({"1.7e308"}), errc::sum_overflow);
  window mean("avg:x");
  ASSERT_FALSE(mean.add({"-1.7e308"}));
  EXPECT_EQ(mean.add({"-1.7e308"}), errc::sum_overflow);
}

TEST(Accumulator, AgreesWithAPlainLoopOverRandomIntegers) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    window one("min:x,max:y,count,sum:x,avg:y,sum:y");
    std::vector<std::int64_t> x;
    std::vector<std::int64_t> y;
    for (std::size_t left = 1 + random() % 50; left > 0; --left) {
      x.push_back(static_cast<std::int64_t>(random() % 2001) - 1000);
      y.push_back(static_cast<std::int64_t>(random() % 2'000'000'001) - 1'000'000'000);
      ASSERT_FALSE(one.add({std::to_string(x.back()), std::to_string(y.back())}));
    }
    std::int64_t sum_x = 0;
    std::int64_t sum_y = 0;
    for (const std::int64_t value : x) sum_x += value;
    for (const std::int64_t value : y) sum_y += value;
    const texts shown = one.columns();
    ASSERT_EQ(shown[0], std::to_string(*std::min_element(x.begin(), x.end()))) << seed;
    ASSERT_EQ(shown[1], std::to_string(*std::max_element(y.begin(), y.end()))) << seed;
    ASSERT_EQ(shown[2], std::to_string(x.size())) << seed;
    ASSERT_EQ(shown[3], std::to_string(sum_x)) << seed;
    ASSERT_EQ(std::stod(shown[4]), static_cast<double>(sum_y) / static_cast<double>(y.size()));
    ASSERT_EQ(shown[5], std::to_string(sum_y)) << seed;
  }
}

TEST(Accumulator, CountAloneNeedsNoTypes) {
  window one("count");
  ASSERT_FALSE(one.add({}));
  ASSERT_FALSE(one.add({}));
  EXPECT_EQ(one.columns(), (texts{"2"}));
  EXPECT_EQ(one.agg.encode_types(), "");
}

TEST(Accumulator, EveryOtherLengthIsRefused) {
  window one("count,avg:x");
  ASSERT_FALSE(one.add({"5"}));
  std::vector<std::string> out;
  const std::vector<number> row{one.agg.read(0, "5").value()};
  bytes longer = one.state;
  longer.push_back(std::byte{0});
  EXPECT_EQ(one.agg.render(longer, out).error(), errc::bad_record);
  for (std::size_t length = 0; length < one.state.size(); ++length) {
    const auto cut = std::span<const std::byte>(one.state).first(length);
    bytes next(one.agg.value_bytes());
    EXPECT_EQ(one.agg.render(cut, out).error(), errc::bad_record) << length;
    EXPECT_EQ(one.agg.update(cut, row, next).error(), errc::bad_record) << length;
  }
}

TEST(Accumulator, BytesThatNoRowCanHaveMadeAreRefused) {
  std::vector<std::string> out;
  window integers("count,avg:x");
  ASSERT_FALSE(integers.add({"5"}));
  EXPECT_EQ(integers.agg.render(bytes(32, std::byte{0}), out).error(), errc::bad_record);
  EXPECT_EQ(integers.agg.render(bytes(32, std::byte{0x7F}), out).error(), errc::bad_record);
  window doubles("sum:x");
  ASSERT_FALSE(doubles.add({"0.5"}));
  EXPECT_EQ(doubles.agg.render(bytes(8, std::byte{0xFF}), out).error(), errc::bad_record);
}

TEST(FieldTypes, AreFixedByTheFirstRowAndThenHold) {
  window one("sum:x,sum:y");
  ASSERT_FALSE(one.add({"1", "2.5"}));
  EXPECT_EQ(one.add({"1.5", "1"}), errc::not_an_integer);
  EXPECT_FALSE(one.add({"2", "1"}));
  EXPECT_EQ(one.columns(), (texts{"3", "3.5"}));
}

TEST(FieldTypes, RowThatIsNotReadToTheEndFixesNothing) {
  window one("sum:x,sum:y");
  EXPECT_EQ(one.add({"1.5", "abc"}), errc::not_a_number);
  EXPECT_EQ(one.agg.types()[0], number_type::unknown);
  ASSERT_FALSE(one.add({"1", "1"}));
  EXPECT_EQ(one.agg.types()[0], number_type::int64);
}

TEST(FieldTypes, SurviveAsBytes) {
  window one("sum:x,sum:y");
  ASSERT_FALSE(one.add({"1", "2.5"}));
  window other("sum:x,sum:y");
  ASSERT_TRUE(other.agg.restore_types(one.agg.encode_types()));
  EXPECT_TRUE(std::ranges::equal(one.agg.types(), other.agg.types()));
}

TEST(FieldTypes, OtherBytesAreRefused) {
  window one("sum:x,sum:y");
  for (const std::string& record :
       {std::string("\1"), std::string("\1\2\1"), std::string("\1\3"), std::string("\xFF\1")}) {
    EXPECT_EQ(one.agg.restore_types(record).error(), errc::bad_record);
  }
  EXPECT_EQ(one.agg.types()[0], number_type::unknown);
}

}  // namespace
}  // namespace lentic::tool
