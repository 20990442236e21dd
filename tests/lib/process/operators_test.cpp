// SPDX-License-Identifier: Apache-2.0
#include "task_rig.hpp"

#include <lentic/process/aggregate.hpp>
#include <lentic/process/flat_map.hpp>
#include <lentic/process/fork.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/sink.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lentic::process {
namespace {

using test::task_rig;
using strings = std::vector<std::string>;

// "key=value@time" of every record that comes by.
struct collect {
  strings* lines;
  template <class Record>
  void operator()(const Record& next) const {
    lines->push_back(text(next.key) + "=" + text(next.value) + "@"
                     + std::to_string(next.timestamp_ms));
  }
  static std::string text(const std::string& value) { return value; }
  static std::string text(std::string_view value) { return std::string(value); }
  template <class Number>
  static std::string text(Number value) {
    return std::to_string(value);
  }
  template <class V>
  static std::string text(const change_of<V>& value) {
    return (value.old_value ? text(*value.old_value) : "-") + ">"
         + (value.new_value ? text(*value.new_value) : "-");
  }
};

bool is_long(const std::string& value) {
  return value.size() > 3;
}
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::size_t from = 0;
  while (from < line.size()) {
    const std::size_t end = std::min(line.find(' ', from), line.size());
    if (end != from) words.push_back(line.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

class Operators : public ::testing::Test {
 protected:
  stream<std::string, std::string> lines() { return work_.source<std::string, std::string>("in"); }
  auto out() { return for_each(collect{&seen_}); }
  // Feeds (key, value) pairs at times 1, 2, 3, ... and answers what came out.
  strings run(const std::vector<std::pair<std::string, std::string>>& records) {
    task_rig rig([this] { return std::move(work_); });
    std::int64_t now = 0;
    for (const auto& [key, value] : records) rig.feed("in", key, value, ++now);
    return seen_;
  }

  topology work_;
  strings seen_;
};

TEST_F(Operators, FilterKeepsWhatThePredicateTakes) {
  lines() | filter(is_long) | out();
  EXPECT_EQ(run({{"a", "tiny"}, {"b", "big"}}), strings{"a=tiny@1"});
}

TEST_F(Operators, FilterNotKeepsTheOthers) {
  lines() | filter_not(is_long) | out();
  EXPECT_EQ(run({{"a", "tiny"}, {"b", "big"}}), strings{"b=big@2"});
}

TEST_F(Operators, APredicateMayTakeKeyAndValueOrTheRecord) {
  lines() | filter([](const std::string& key, const std::string&) { return key != "a"; })
      | filter([](const record<std::string, std::string>& next) { return next.timestamp_ms != 2; })
      | out();
  EXPECT_EQ(run({{"a", "1"}, {"b", "2"}, {"c", "3"}}), strings{"c=3@3"});
}

TEST_F(Operators, MapValuesReplacesTheValueAndItsType) {
  lines() | map_values([](const std::string& value) { return value.size(); })
      | map_values([](std::size_t size) { return size + 1; }) | out();
  EXPECT_EQ(run({{"a", "xyz"}}), strings{"a=4@1"});
}

TEST_F(Operators, MapReplacesKeyAndValue) {
  lines() | map([](const std::string& key, const std::string& value) {
    return std::pair(value, key + "!");
  }) | out();
  EXPECT_EQ(run({{"a", "b"}}), strings{"b=a!@1"});
}

TEST_F(Operators, SelectKeyReplacesTheKeyOnly) {
  lines() | select_key([](const std::string& value) { return value.substr(0, 1); }) | out();
  EXPECT_EQ(run({{"a", "bcd"}}), strings{"b=bcd@1"});
}

TEST_F(Operators, FlatMapValuesMakesOneRecordOfEachElement) {
  lines() | flat_map_values(split) | out();
  EXPECT_EQ(run({{"a", "x yy"}, {"b", ""}, {"c", "z"}}), (strings{"a=x@1", "a=yy@1", "c=z@3"}));
}

TEST_F(Operators, FlatMapMakesPairs) {
  lines() | flat_map([](const std::string& key, const std::string& value) {
    return std::vector<std::pair<std::string, int>>{{key, 1}, {value, 2}};
  }) | out();
  EXPECT_EQ(run({{"a", "b"}}), (strings{"a=1@1", "b=2@1"}));
}

TEST_F(Operators, PeekBeforeAForkRunsOnceARecord) {
  int peeks = 0;
  {
    auto peeked = lines() | peek([&peeks](const std::string&) { ++peeks; });
    peeked | map_values([](std::string value) { return value + "1"; }) | out();
    peeked | map_values([](std::string value) { return value + "2"; }) | out();
  }
  EXPECT_EQ(run({{"a", "x"}, {"b", "y"}}), (strings{"a=x1@1", "a=x2@1", "b=y1@2", "b=y2@2"}));
  EXPECT_EQ(peeks, 2);
}

TEST_F(Operators, ABranchThatTakesARecordApartLeavesTheOthersWhole) {
  auto all = lines();
  all | map_values([](std::string value) { return value.size(); }) | out();
  all | out();
  const std::string text(100, 'x');
  EXPECT_EQ(run({{"a", text}}), (strings{"a=100@1", "a=" + text + "@1"}));
}

TEST_F(Operators, BranchSendsARecordToTheFirstThatTakesIt) {
  auto [large, letters, rest] =
      lines()
      | branch(
          is_long, [](const std::string& value) { return value == "x"; }, otherwise);
  large | map_values([](std::string value) { return "large " + value; }) | out();
  letters | map_values([](std::string value) { return "letter " + value; }) | out();
  rest | out();
  EXPECT_EQ(run({{"a", "x"}, {"b", "xxxx"}, {"c", "1"}}),
            (strings{"a=letter x@1", "b=large xxxx@2", "c=1@3"}));
}

TEST_F(Operators, BranchDropsWhatNoPredicateTakes) {
  auto [large] = lines() | branch(is_long);
  large | out();
  EXPECT_EQ(run({{"a", "x"}, {"b", "xxxx"}}), strings{"b=xxxx@2"});
}

TEST_F(Operators, MergeBringsTheRecordsOfBothStreams) {
  auto all = lines();
  auto large = all | filter(is_long);
  (all | filter_not(is_long) | merge(std::move(large)) | out());
  EXPECT_EQ(run({{"a", "x"}, {"b", "xxxx"}}), (strings{"a=x@1", "b=xxxx@2"}));
}

TEST_F(Operators, CountOfAGroupTellsOldAndNew) {
  lines() | group_by([](const std::string& value) { return value; }) | count("counts") | out();
  EXPECT_EQ(run({{"", "x"}, {"", "y"}, {"", "x"}}), (strings{"x=->1@1", "y=->1@2", "x=1>2@3"}));
}

// Short texts lie within their strings, which a move empties.
TEST_F(Operators, AKeyMayBeAViewIntoTheValue) {
  lines() | group_by([](const std::string& value) { return std::string_view(value).substr(0, 1); })
      | reduce("joined", [](std::string sum, const std::string& next) { return sum + next; })
      | to_stream() | out();
  EXPECT_EQ(run({{"", "xa"}, {"", "yb"}, {"", "xc"}}), (strings{"x=xa@1", "y=yb@2", "x=xaxc@3"}));
}

TEST_F(Operators, AValueMayBeAViewIntoTheKey) {
  lines() | map_values([](const std::string& key, const std::string&) {
    return std::string_view(key).substr(1);
  }) | out();
  EXPECT_EQ(run({{"ax", ""}, {"by", ""}}), (strings{"ax=x@1", "by=y@2"}));
}

TEST_F(Operators, ToStreamDropsTheOldValue) {
  lines() | group_by_key() | count("counts") | to_stream() | out();
  EXPECT_EQ(run({{"x", ""}, {"x", ""}}), (strings{"x=1@1", "x=2@2"}));
}

TEST_F(Operators, ReduceStartsWithTheFirstValue) {
  lines() | group_by_key()
      | reduce("joined", [](std::string sum, const std::string& next) { return sum + next; })
      | to_stream() | out();
  EXPECT_EQ(run({{"x", "a"}, {"x", "b"}}), (strings{"x=a@1", "x=ab@2"}));
}

TEST_F(Operators, AggregateStartsWithTheInitialValue) {
  lines() | group_by_key()
      | aggregate(
          "lengths", [] { return std::int64_t{10}; },
          [](const std::string& next, std::int64_t sum) {
            return sum + static_cast<std::int64_t>(next.size());
          })
      | to_stream() | out();
  EXPECT_EQ(run({{"x", "abc"}, {"x", "d"}}), (strings{"x=13@1", "x=14@2"}));
}

TEST_F(Operators, AnAggregatesTimestampIsTheGreatestOfItsRecords) {
  lines() | group_by_key() | count("counts") | to_stream() | out();
  task_rig rig([this] { return std::move(work_); });
  rig.feed("in", std::string("x"), std::string(), 9);
  rig.feed("in", std::string("x"), std::string(), 4);
  EXPECT_EQ(seen_, (strings{"x=1@9", "x=2@9"}));
}

TEST_F(Operators, RecordsWithoutKeyOrValueAreNotAggregated) {
  using maybe = std::optional<std::string>;
  topology work;
  work.source<maybe, maybe>("in") | group_by_key() | count("counts") | to_stream() | out();
  task_rig rig([&work] { return std::move(work); });
  rig.feed("in", maybe(), maybe("v"), 1);
  rig.feed("in", maybe("k"), maybe(), 2);
  rig.feed("in", maybe("k"), maybe("v"), 3);
  EXPECT_EQ(seen_, strings{"k=1@3"});
  EXPECT_EQ(rig.job().store<aggregate_counters>("counts").null_dropped, 2U);
}

}  // namespace
}  // namespace lentic::process
