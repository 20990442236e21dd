// SPDX-License-Identifier: Apache-2.0
// Seals and recycling over tables of many pages: in steps, between which the owner goes on.
#include "environment_life.hpp"

#include <lentic/store/young_layout.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

namespace lentic::test {
namespace {

class YoungUpkeep : public testing::TestWithParam<young_layout> {
 protected:
  // Segment 1 of the store that the tests use.
  byte_store& rows(environment_life& life) {
    return life.env().open_segmented_store("s", GetParam()).segment(1);
  }
  void put(environment_life& life, const std::string& key, const std::string& value) {
    rows(life).put(as_bytes(key), as_bytes(value)).take();
    known_[key] = value;
  }
  void erase(environment_life& life, const std::string& key) {
    EXPECT_EQ(rows(life).erase(as_bytes(key)).take(), known_.erase(key) == 1);
  }
  // Puts and erases, one of each whenever everybody else has run; how often.
  task<std::uint64_t> work_until_sealed(environment_life& life) {
    std::uint64_t rounds = 0;
    while (life.env().statistics().runs_written == 0) {
      put(life, numbered_text("k", rounds * 7), "newer");
      erase(life, numbered_text("k", rounds * 7 + 1));
      if (rounds % 5 == 0) put(life, numbered_text("new", rounds), "n");
      ++rounds;
      co_await coro::yield(life.runtime());
    }
    co_return rounds;
  }
  // The rows, after a crash and a reopen.
  void expect_rows(coro::sim_disk& disk) {
    environment_life life(disk, 9);
    life.open();
    EXPECT_EQ(life.shell("s", 1).scan(), text_rows(known_.begin(), known_.end()));
    life.close();
  }

 private:
  std::map<std::string, std::string> known_;
};

INSTANTIATE_TEST_SUITE_P(Layout, YoungUpkeep,
                         testing::Values(young_layout::hashed, young_layout::ordered),
                         [](const auto& layout) {
                           return layout.param == young_layout::hashed ? "Hashed" : "Ordered";
                         });

TEST_P(YoungUpkeep, RecyclingLogsTheRowsOfAllPagesAgain) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  environment_options options = small_options();
  options.journal_file_bytes_max = 128 << 10;
  options.journal_bytes_kept = 12 << 20;  // so much that these rows are not worth a run
  life.open(options);
  for (std::uint64_t n = 0; n < 12'000; ++n) put(life, numbered_text("k", n), "v");
  life.commit();
  for (std::uint64_t n = 0; n < 12'000; n += 5) erase(life, numbered_text("k", n));
  life.commit();
  std::uint64_t commits = 0;
  for (; disk.content("state/journal-1.log") && commits < 2000; ++commits) {
    put(life, "new", std::string(20'000, 'x'));
    if (commits % 3 == 0) erase(life, "new");
    life.commit();
  }
  EXPECT_LT(commits, 2000U) << "nothing was recycled";
  EXPECT_EQ(life.env().statistics().runs_written, 0U);
  life.kill();
  expect_rows(disk);
}

TEST_P(YoungUpkeep, ASealGoesInStepsAndPutsGoOnMeanwhile) {
  constexpr std::uint64_t rows_sealed = 30'000;
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  for (std::uint64_t n = 0; n < rows_sealed; ++n) put(life, numbered_text("k", n), "v");
  life.env().open_segmented_store("s").seal_hint(1);
  life.commit();
  const std::uint64_t rounds = sync_wait(life.runtime(), work_until_sealed(life));
  const bool is_sorted_late = GetParam() == young_layout::hashed;
  EXPECT_GE(rounds, is_sorted_late ? 2 * rows_sealed / 2048 : 1);
  life.commit();
  life.kill();
  expect_rows(disk);
}

}  // namespace
}  // namespace lentic::test
