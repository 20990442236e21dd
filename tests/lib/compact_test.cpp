// SPDX-License-Identifier: Apache-2.0
// compact(): the journal goes, the rows stay, whatever happens meanwhile.
#include "environment_life.hpp"

#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {
namespace {

constexpr int segments = 3;

// Rows in runs, rows over them, erased ones, young ones alone; positions and output that waits.
void fill(environment_life& life) {
  for (int segment = 0; segment < segments; ++segment) {
    for (int i = 0; i < 60; ++i)
      life.shell("windows", static_cast<segment_id>(segment))
          .put(numbered_text("k", i), std::string(150, 'a'));
  }
  life.commit();
  life.seal("windows", 0);
  life.seal("windows", 1);
  for (int i = 0; i < 60; i += 2) life.shell("windows", 0).put(numbered_text("k", i), "new");
  for (int i = 1; i < 60; i += 2) life.shell("windows", 1).erase(numbered_text("k", i));
  life.shell("totals").put("sum", "17");
  life.env().set_position("source", as_bytes("here"));
  life.env().append_output(as_bytes("a line\n"));
  life.commit();
}

segment_figures figures_of(environment& env, const std::string& store, std::uint64_t segment) {
  for (segment_figures& each : env.segments())
    if (each.store == store && each.segment == segment) return each;
  return {};
}

void compact(environment_life& life, coro::stop_token stop = {}, upkeep_listener told = {}) {
  sync_wait(life.runtime(), life.env().compact(stop, std::move(told)));
}

TEST(Compact, AllRowsAreInRunsAndTheJournalIsNextToNothing) {
  coro::sim_disk disk(1);
  std::string stored;
  {
    environment_life life(disk, 1);
    life.open();
    fill(life);
    stored = life.stored();
    const environment_statistics before = life.env().statistics();
    EXPECT_GT(before.journal_bytes, 30'000U);
    const segment_figures erased = figures_of(life.env(), "windows", 1);
    EXPECT_EQ(before.run_erased_bytes, erased.run_bytes / 2);
    EXPECT_GT(before.fragmentation(), 0.01);
    EXPECT_LT(before.fragmentation(), 0.2);
    std::vector<upkeep_progress> told;
    compact(life, {}, [&told](const upkeep_progress& at) { told.push_back(at); });
    const environment_statistics after = life.env().statistics();
    EXPECT_EQ(after.journal_live_bytes, 0U);
    EXPECT_EQ(after.journal_files, 1U);
    EXPECT_LE(after.journal_bytes, 16'384U);
    EXPECT_EQ(after.runs, 4U);
    EXPECT_EQ(after.upkeep_failures, 0U);
    EXPECT_EQ(after.run_erased_bytes, 0U);
    EXPECT_LT(after.fragmentation(), before.fragmentation());
    for (const segment_figures& each : life.env().segments()) {
      EXPECT_EQ(each.journal_rows, 0U) << each.store << each.segment;
      EXPECT_GT(each.run_bytes, 0U);
    }
    ASSERT_EQ(told.size(), 5U);
    EXPECT_EQ(told.front().bytes_done, 0U);
    EXPECT_EQ(told.back().bytes_done, told.back().bytes_total);
    EXPECT_EQ(life.stored(), stored);
    life.kill();
    disk.power_cut();
  }
  environment_life next(disk, 2);
  next.open();
  EXPECT_EQ(next.stored(), stored);
  EXPECT_LE(next.env().recovered().frames_replayed, 4U);
  EXPECT_EQ(as_text(*next.env().position("source")), "here");
  EXPECT_EQ(next.pending_output(), "a line\n");
  next.close();
}

TEST(Compact, FiguresTellJournalAndRunApart) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life);
  const std::vector<segment_figures> all = life.env().segments();
  ASSERT_EQ(all.size(), 4U);
  std::vector<std::vector<std::uint64_t>> rows;
  for (const segment_figures& each : all) {
    if (each.store == "windows")
      rows.push_back({each.run_rows, each.journal_rows, each.journal_erased});
  }
  const std::vector<std::vector<std::uint64_t>> expected{{60, 30, 0}, {60, 30, 30}, {0, 60, 0}};
  EXPECT_EQ(rows, expected);
  life.close();
}

task<void> compact_beside(environment& env, coro::stop_token stop, std::error_code& ended) {
  const result<void> done = co_await as_result(env.compact(stop));
  if (!done) ended = done.error();
}

TEST(Compact, CommitsGoOnBesideItAndCloseEndsIt) {
  coro::sim_disk disk(1);
  std::string stored;
  {
    environment_life life(disk, 1);
    life.open();
    fill(life);
    std::error_code ended;
    coro::scope beside(life.runtime().queue());
    beside.spawn(compact_beside(life.env(), {}, ended));
    for (int i = 0; i < 3; ++i) {
      life.shell("windows", 2).put(numbered_text("k", i), "beside");
      life.commit();
    }
    EXPECT_EQ(beside.live(), 1U) << "it is not over yet, or nothing is shown";
    stored = life.stored();
    life.close();
    sync_wait(life.runtime(), beside.join());
    EXPECT_EQ(ended, errc::closed);
  }
  environment_life next(disk, 2);
  next.open();
  EXPECT_EQ(next.stored(), stored);
  next.close();
}

TEST(Compact, WhatWasNotCutIsNotCommitted) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    fill(life);
    life.shell("totals").put("sum", "half");
    coro::stop_source stop;
    std::error_code ended;
    coro::scope beside(life.runtime().queue());
    beside.spawn(compact_beside(life.env(), coro::stop_token(stop), ended));
    life.let_work();
    EXPECT_EQ(beside.live(), 1U) << "it waits for the owner's commit";
    stop.request_stop();
    sync_wait(life.runtime(), beside.join());
    EXPECT_EQ(ended, coro::aborted_code());
    life.kill();
  }
  environment_life next(disk, 2);
  next.open();
  EXPECT_EQ(next.shell("totals").get("sum"), "17");
  next.close();
}

TEST(Compact, AStateWithoutRowsAndOneInMemoryHaveNothingToDo) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  compact(life);
  compact(life);
  EXPECT_EQ(life.env().statistics().runs, 0U);
  life.close();
  environment_life memory(disk, 2);
  memory.open(environment_options());
  memory.shell("totals").put("sum", "1");
  compact(memory);
  memory.close();
}

TEST(Compact, ReadersAndClosedOnesAreRefused) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life);
  life.close();
  environment_life reader(disk, 2);
  reader.open(small_options(open_mode::read_only));
  try {
    compact(reader);
    FAIL() << "a reader compacts";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::read_only);
  }
  reader.close();
}

// Killed or failing at each operation: the rows are there, and the next one succeeds.
TEST(Compact, EveryOperationMayFailOrBeTheLast) {
  for (const bool crash : {false, true}) {
    bool struck = true;
    for (std::uint64_t nth = 1; struck; ++nth) {
      coro::sim_disk disk(nth, coro::sim_disk_options::drawn(nth));
      std::string stored;
      {
        environment_life life(disk, nth);
        life.open();
        fill(life);
        stored = life.stored();
        const std::uint64_t at = life.engine().operations() + nth;
        if (crash) {
          life.engine().cut_power_at(at);
        } else {
          life.engine().fail_operation(at, ENOSPC);
        }
        const result<void> done = sync_wait(life.runtime(), as_result(life.env().compact()));
        struck = life.engine().operations() >= at;
        EXPECT_TRUE(struck || done);
        if (!crash) {
          EXPECT_EQ(life.stored(), stored) << "operation " << nth;
        }
        life.kill();
      }
      environment_life next(disk, 99);
      next.open();
      ASSERT_EQ(next.stored(), stored) << (crash ? "crash at " : "failed ") << nth;
      compact(next);
      EXPECT_EQ(next.stored(), stored);
      EXPECT_EQ(next.env().statistics().journal_live_bytes, 0U);
      next.close();
      ASSERT_LT(nth, 1000U);
    }
  }
}

}  // namespace
}  // namespace lentic::test
