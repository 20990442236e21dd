// SPDX-License-Identifier: Apache-2.0
#include <lentic/windows/time_windows.hpp>

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace lentic::windows {
namespace {

time_windows make(std::int64_t size_ms, std::int64_t advance_ms, std::int64_t grace_ms = 0) {
  time_windows_options options;
  options.size_ms = size_ms;
  options.advance_ms = advance_ms;
  options.grace_ms = grace_ms;
  return time_windows::make(options).value();
}

std::vector<std::int64_t> starts(const time_windows& windows, std::int64_t timestamp_ms) {
  std::vector<std::int64_t> list;
  for (const std::int64_t start : windows.starts_of(timestamp_ms)) list.push_back(start);
  return list;
}

using list = std::vector<std::int64_t>;

TEST(TimeWindows, HoppingStartsAreKafkas) {
  EXPECT_EQ(starts(make(10, 5), 12), (list{5, 10}));
  EXPECT_EQ(starts(make(10, 3), 7), (list{0, 3, 6}));
  EXPECT_EQ(starts(make(10, 3), 13), (list{6, 9, 12}));
}

TEST(TimeWindows, ATumblingWindowIsTheOnlyOne) {
  time_windows_options options;
  options.size_ms = 10;
  const time_windows windows = time_windows::make(options).value();
  EXPECT_EQ(windows.advance_ms(), 10);
  EXPECT_EQ(starts(windows, 0), (list{0}));
  EXPECT_EQ(starts(windows, 9), (list{0}));
  EXPECT_EQ(starts(windows, 10), (list{10}));
}

TEST(TimeWindows, StartsAreNeverNegative) {
  EXPECT_EQ(starts(make(10, 5), 2), (list{0}));
  EXPECT_EQ(starts(make(10, 5), -1), (list{}));
}

TEST(TimeWindows, StartsAreExactlyTheWindowsThatContainTheTimestamp) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t size = 1 + static_cast<std::int64_t>(random() % 40);
    const time_windows windows = make(size, 1 + static_cast<std::int64_t>(random() % 40) % size);
    const auto timestamp = static_cast<std::int64_t>(random() % 200);
    list expected;
    for (std::int64_t start = 0; start <= timestamp; start += windows.advance_ms())
      if (timestamp < start + size) expected.push_back(start);
    EXPECT_EQ(starts(windows, timestamp), expected)
        << size << "/" << windows.advance_ms() << " at " << timestamp;
  }
}

TEST(TimeWindows, OptionsOutOfRangeAreRefused) {
  const auto refused = [](std::int64_t size, std::optional<std::int64_t> advance,
                          std::int64_t grace) {
    time_windows_options options;
    options.size_ms = size;
    options.advance_ms = advance;
    options.grace_ms = grace;
    return time_windows::make(options).error() == errc::invalid_argument;
  };
  EXPECT_TRUE(refused(0, std::nullopt, 0));
  EXPECT_TRUE(refused(-1, std::nullopt, 0));
  EXPECT_TRUE(refused(10, 0, 0));
  EXPECT_TRUE(refused(10, -5, 0));
  EXPECT_TRUE(refused(10, 11, 0));
  EXPECT_TRUE(refused(10, 5, -1));
  EXPECT_FALSE(refused(10, 10, 0));
}

TEST(TimeWindows, AWindowClosesWhenItsEndIsReached) {
  const time_windows windows = make(10, 5, 5);
  EXPECT_FALSE(windows.closed(5, 19));
  EXPECT_TRUE(windows.closed(5, 20));  // end 15 == 20 - 5
}

TEST(TimeWindows, EndsAreHeldAtTheLastMillisecond) {
  const time_windows windows = make(10, 10);
  EXPECT_EQ(windows.end_ms(time_max - 20), time_max - 10);
  EXPECT_EQ(windows.end_ms(time_max - 3), time_max);
  const list last = starts(windows, time_max);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_LE(last[0], time_max);
  EXPECT_GT(last[0], time_max - 10);
}

TEST(TimeWindows, HugeSizesDoNotOverflow) {
  const time_windows windows = make(time_max, time_max, time_max);
  EXPECT_EQ(starts(windows, time_max - 1), (list{0}));
  EXPECT_EQ(starts(windows, time_max), (list{time_max}));
  EXPECT_FALSE(windows.closed(0, time_max));
  EXPECT_EQ(windows.close_ms(-1), time_min);
}

TEST(TimeWindows, ClosedCountIsThatOfTheLoop) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 5000; ++i) {
    const std::int64_t size = 1 + static_cast<std::int64_t>(random() % 30);
    const time_windows windows = make(size, 1 + static_cast<std::int64_t>(random() % 30) % size);
    const std::int64_t base = random() % 4 == 0 ? time_max - 60 : 0;
    const std::int64_t timestamp = base + static_cast<std::int64_t>(random() % 61);
    const std::int64_t close =
        random() % 8 == 0 ? time_max : base + static_cast<std::int64_t>(random() % 61) - 9;
    const window_starts all = windows.starts_of(timestamp);
    std::size_t expected = 0;
    for (const std::int64_t start : all)
      if (windows.closed_at(start, close)) ++expected;
    EXPECT_EQ(windows.closed_count(all, close), expected) << timestamp << " closed at " << close;
    const window_starts open = all.without_first(expected);
    ASSERT_EQ(open.size(), all.size() - expected);
    for (std::size_t k = 0; k < open.size(); ++k) EXPECT_EQ(open[k], all[expected + k]);
  }
}

}  // namespace
}  // namespace lentic::windows
