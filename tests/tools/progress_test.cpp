// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <gtest/gtest.h>

namespace lentic::tool {
namespace {

progress_figures sample() {
  progress_figures figures;
  figures.rows = 1'410'000;
  figures.rows_before = 860'000;
  figures.interval_ms = 500;
  figures.event_time_ms = 985'789'200'000;
  figures.late_dropped = 2842;
  figures.bytes = 47;
  figures.bytes_total = 100;
  return figures;
}

TEST(Progress, ShowsRateEventTimeLateRowsAndShare) {
  EXPECT_EQ(progress_line(sample(), 200),
            "1.41M rows  1.1M rows/s  event time 2001-03-28T14:20:00Z  late 2,842  47 %");
}

TEST(Progress, LeavesOutWhatIsUnknown) {
  progress_figures figures;
  figures.rows = 5;
  EXPECT_EQ(progress_line(figures, 200), "5 rows  late 0");
}

TEST(Progress, NeverIsLongerThanTheTerminal) {
  EXPECT_EQ(progress_line(sample(), 30), "1.41M rows  1.1M rows/s");
  for (std::size_t width = 0; width < 100; ++width) {
    EXPECT_LE(progress_line(sample(), width).size(), width);
  }
}

TEST(Progress, ShareOfAGrowingFileStopsAtAHundred) {
  progress_figures figures = sample();
  figures.bytes = 150;
  EXPECT_TRUE(progress_line(figures, 200).ends_with("  100 %"));
  figures.bytes_total = 0;
  EXPECT_TRUE(progress_line(figures, 200).ends_with("  100 %"));
}

TEST(Progress, CatchUpNamesTheRowAndTheShare) {
  EXPECT_EQ(catch_up_line(1'437'920, 47, 100), "finding row 1,437,920: 47 %");
}

TEST(Progress, GroupsDigitsByThree) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(Progress, RoundsToThreeDigits) {
  EXPECT_EQ(rounded(0), "0");
  EXPECT_EQ(rounded(999), "999");
  EXPECT_EQ(rounded(1234), "1.23k");
  EXPECT_EQ(rounded(1'437'920), "1.44M");
  EXPECT_EQ(rounded(2.5e9), "2.5G");
}

}  // namespace
}  // namespace lentic::tool
