// SPDX-License-Identifier: Apache-2.0
#include "progress_teller.hpp"

#include <lentic/coro/sim_runtime.hpp>

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

TEST(Progress, BytesTotalShareAndRate) {
  EXPECT_EQ(bytes_line("load", {1'200'000'000, 4'800'000'000, 10'000}),
            "load: 1.2GB of 4.8GB, 25 %, 120MB/s");
  EXPECT_EQ(bytes_line("load", {1500, std::nullopt, 1000}), "load: 1.5kB, 1.5kB/s");
  EXPECT_EQ(bytes_line("copy", {0, 0, 0}), "copy: 0B of 0B, 100 %");
}

TEST(Progress, ALineTwiceASecondOnATerminalAndGoneAtTheEnd) {
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  std::string said;
  const auto say = [&said](std::string_view text) { said += text; };
  {
    progress_teller teller(runtime, progress_shown::terminal, "copy", say);
    teller.tell(1, 10);
    runtime.advance_ms(499);
    teller.tell(2, 10);
    EXPECT_EQ(said, "");
    runtime.advance_ms(1);
    teller.tell(3, 10);
    teller.tell(4, 10);
  }
  EXPECT_EQ(said, "\r\033[Kcopy: 3B of 10B, 30 %, 6B/s\r\033[K");
  said.clear();
  progress_teller quiet(runtime, progress_shown::never, "copy", say);
  runtime.advance_ms(1000);
  quiet.tell(1, 10);
  quiet.end();
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace lentic::tool
