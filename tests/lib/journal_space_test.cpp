// SPDX-License-Identifier: Apache-2.0
// How large the journal gets, and what keeps it small: logging again in slices, and early seals.
#include "environment_life.hpp"

#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

constexpr std::uint64_t kept_bytes = 64 << 10;

environment_options options_of_space() {
  environment_options options = small_options();
  options.journal_bytes_kept = kept_bytes;
  return options;
}

void put_rows(environment_life& life, std::string_view store, int rows, char value) {
  for (int i = 0; i < rows; ++i)
    life.shell(store).put(numbered_text("k", i), std::string(200, value));
  life.commit();
  life.let_work();
}

// One row changes, the others do not. Answers the largest journal and the largest frame.
struct space_used {
  std::uint64_t journal = 0;
  std::uint64_t frame = 0;
};
space_used change_one_row(environment_life& life, int commits, std::size_t value_bytes) {
  space_used most;
  for (int i = 0; i < commits; ++i) {
    const std::uint64_t written = life.env().statistics().bytes_written;
    life.shell("hot").put("k", numbered_text("", i) + std::string(value_bytes, 'x'));
    life.commit();
    most.frame = std::max(most.frame, life.env().statistics().bytes_written - written);
    life.let_work();
    most.journal = std::max(most.journal, life.env().statistics().journal_bytes);
  }
  return most;
}

TEST(JournalSpace, ATableThatHardlyChangesIsSealedAndNeedsNoJournal) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_space());
  put_rows(life, "still", 100, 'a');
  EXPECT_GE(life.env().statistics().journal_live_bytes, 20'000U);
  change_one_row(life, 100, 3000);
  EXPECT_EQ(life.env().statistics().runs_written, 1U);
  EXPECT_LT(life.env().statistics().journal_live_bytes, 8'000U);
  EXPECT_FALSE(disk.content("state/journal-1.log"));
  const std::string stored = life.stored();
  life.kill();
  disk.power_cut();
  environment_life next(disk, 2);
  next.open(options_of_space());
  EXPECT_EQ(next.stored(), stored);
  next.close();
}

// Its run is so much larger that writing that anew would cost more than logging the rows again.
void grow_a_large_run(environment_life& life) {
  put_rows(life, "still", 400, 'a');
  life.seal("still", 0);
  put_rows(life, "still", 60, 'b');
}

TEST(JournalSpace, RowsAboveALargeRunAreLoggedAgainInSlices) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_space());
  grow_a_large_run(life);
  const std::uint64_t runs = life.env().statistics().runs_written;
  const space_used most = change_one_row(life, 400, 1000);
  EXPECT_EQ(life.env().statistics().runs_written, runs);
  EXPECT_LE(most.frame, 8192U + 4096U) << "sixty rows of 200 bytes take more, an end block less";
  EXPECT_LE(most.journal, 2 * kept_bytes);
  const std::string stored = life.stored();
  life.kill();
  disk.power_cut();
  environment_life next(disk, 2);
  next.open(options_of_space());
  EXPECT_EQ(next.stored(), stored);
  EXPECT_EQ(next.shell("still").get("k59"), std::string(200, 'b'));
  next.close();
}

// What was logged before the environment was opened counts as what is logged since.
TEST(JournalSpace, RecyclingGoesOnAfterAReopen) {
  coro::sim_disk disk(1);
  for (std::uint64_t turn = 1; turn <= 12; ++turn) {
    environment_life life(disk, turn);
    life.open(options_of_space());
    if (turn == 1) grow_a_large_run(life);
    const space_used most = change_one_row(life, 25, 1000);
    EXPECT_LE(most.journal, 2 * kept_bytes) << "turn " << turn;
    EXPECT_EQ(life.shell("still").get("k59"), std::string(200, 'b'));
    life.kill();
  }
  EXPECT_FALSE(disk.content("state/journal-1.log"));
}

TEST(JournalSpace, NothingIsRecycledBelowTheOptions) {
  for (const bool by_factor : {false, true}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    environment_options options = small_options();
    options.journal_bytes_kept = by_factor ? 1 : 4 << 20;
    options.journal_live_factor = by_factor ? 100 : 2;
    life.open(options);
    put_rows(life, "still", 100, 'a');
    const std::uint64_t before = life.env().statistics().bytes_written;
    change_one_row(life, 200, 3000);
    EXPECT_EQ(life.env().statistics().runs_written, 0U);
    EXPECT_EQ(life.env().statistics().bytes_written - before, 200U * 4096);
    EXPECT_TRUE(disk.content("state/journal-1.log"));
    life.close();
  }
}

TEST(JournalSpace, AFactorBelowTwoIsRefused) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  environment_options options = small_options();
  options.journal_live_factor = 1;
  try {
    life.open(options);
    FAIL() << "opened";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
  }
}

TEST(JournalSpace, ATableThatWasClearedPinsNothing) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_space());
  put_rows(life, "still", 200, 'a');
  life.shell("still").clear();
  const std::uint64_t before = life.env().statistics().bytes_written;
  change_one_row(life, 100, 3000);
  EXPECT_EQ(life.env().statistics().runs_written, 0U);
  EXPECT_LT(life.env().statistics().bytes_written - before, 170U * 4096)
      << "end blocks and manifests, no rows";
  EXPECT_FALSE(disk.content("state/journal-1.log"));
  life.close();
}

task<void> until_durable(environment& env, commit_sequence sequence) {
  co_await env.wait_durable(sequence);
}

// A frame that waits after a failed write takes rows that are cut later. They count for the file
// that it is written to, not for the one that a cut without a change had looked ahead to.
void expect_rows_of_a_frame_that_waited(int commits_after) {
  SCOPED_TRACE(commits_after);
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(small_options());
    for (int i = 0; i < 4; ++i) {  // fills the first file
      life.shell("hot").put("k", std::string(100, 'h'));
      life.commit();
      life.let_work();
    }
    life.shell("still");
    life.shell("hot").put("k", std::string(100, 'i'));
    const commit_sequence waiting = life.env().cut();
    while (life.env().statistics().journal_files < 2) life.runtime().turn();
    life.engine().fail_from(life.engine().operations(), ENOSPC);
    EXPECT_EQ(life.env().cut(), waiting);
    EXPECT_THROW(sync_wait(life.runtime(), until_durable(life.env(), waiting)), std::system_error);
    life.engine().fail_from(0, 0);
    life.shell("still").put("precious", std::string(15'000, 'p'));
    life.commit();
    for (int i = 0; i < commits_after; ++i) {
      life.shell("hot").put("k", std::string(3000, 'j'));
      life.commit();
      life.let_work();
    }
    life.kill();
  }
  disk.power_cut();
  environment_life life(disk, 2);
  life.open();
  EXPECT_TRUE(life.shell("still").get("precious"));
  life.close();
}

TEST(JournalSpace, RowsOfAFrameThatWaitedAreNotForgotten) {
  for (int commits = 0; commits < 12; ++commits) expect_rows_of_a_frame_that_waited(commits);
}

}  // namespace
}  // namespace lentic::test
