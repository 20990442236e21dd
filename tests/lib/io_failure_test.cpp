// SPDX-License-Identifier: Apache-2.0
// A script over everything that an environment does with files, in which the n-th operation fails,
// for n = 1, 2, ... until the script ends before it. Whatever failed, what was acknowledged is
// there after a reopen, and what is there is one commit.
#include "environment_life.hpp"

#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

// What the world outside knows: the state of each step, and the last step whose commit was
// acknowledged.
struct ledger {
  std::map<int, std::string> steps;
  int acknowledged = 0;
  int errors = 0;
};

constexpr int step_count = 16;

// One step: rows in two segments, now and then a seal, a drop, a clear.
void do_step(environment_life& life, int step) {
  const auto segment = static_cast<segment_id>(step / 4 + 1);
  life.shell("windows", segment).put(numbered_text("k", step % 3), numbered_text("v", step));
  life.shell("windows", segment + 1).put("shared", numbered_text("v", step));
  life.shell("totals").put(numbered_text("t", step % 5), std::string(700, 'x'));
  if (step % 5 == 4) life.shell("totals").erase("t1");
  if (step % 4 == 2) life.env().open_segmented_store("windows").seal_hint(segment);
  if (step % 6 == 5) life.drop_below("windows", segment - 1);
  if (step == 9) life.shell("windows", segment + 1).clear();
  life.env().append_output(as_bytes(numbered_text("line ", step)));
  if (step == 8) life.env().acknowledge(2);
  life.env().set_position("step", as_bytes(std::to_string(step)));
}

template <class Work>
bool survives(ledger& book, Work work) {
  try {
    work();
    return true;
  } catch (const std::system_error&) {
    ++book.errors;
    return false;
  }
}

void run_script(environment_life& life, ledger& book) {
  if (!survives(book, [&] { life.open(); })) return;
  for (int step = 1; step <= step_count && book.errors < 4; ++step) {
    const bool committed = survives(book, [&] {
      do_step(life, step);
      book.steps[step] = life.stored();
      life.commit();
    });
    if (committed) book.acknowledged = step;
    life.let_work();
  }
  survives(book, [&] { life.close(); });
}

// Opens without failures and compares with the ledger. The state is that of a step, whole.
void expect_commit(coro::sim_disk& disk, const ledger& book) {
  environment_life life(disk, 77);
  life.open();
  EXPECT_TRUE(life.env().recovered().quarantined.empty());
  const auto position = life.env().position("step");
  const int step = position ? std::stoi(std::string(as_text(*position))) : 0;
  ASSERT_GE(step, book.acknowledged);
  if (step != 0) {
    ASSERT_TRUE(book.steps.contains(step));
    EXPECT_EQ(life.stored(), book.steps.at(step));
  }
  std::string lines;
  for (int each = 1; each <= step; ++each) lines += numbered_text("line ", each);
  const std::string pending = life.pending_output();
  EXPECT_EQ(lines.substr(lines.size() - std::min(lines.size(), pending.size())), pending);
  life.shell("totals").put("after", "all");
  life.commit();
  life.close();
}

using fault = std::function<void(coro::sim_engine& engine, std::uint64_t n)>;

struct failure_case {
  std::string name;
  fault plan;
  coro::sim_faults chance;
};

// What a failed test prints of its parameter.
void PrintTo(const failure_case& each, std::ostream* to) {
  *to << each.name;
}

class IoFailure : public testing::TestWithParam<failure_case> {
 protected:
  // Runs the script with the fault at operation n; after it, another life, or a power cut first.
  // Answers whether the script got that far.
  bool try_at(std::uint64_t n, bool power_cut) {
    coro::sim_disk disk(n);
    ledger book;
    bool reached = false;
    {
      coro::sim_runtime_options options;
      options.faults = GetParam().chance;
      environment_life life(disk, n, options);
      GetParam().plan(life.engine(), n);
      run_script(life, book);
      reached = life.engine().operations() >= n;
    }
    if (power_cut) disk.power_cut();
    expect_commit(disk, book);
    return reached;
  }
};

TEST_P(IoFailure, LosesNothingWhateverOperationFails) {
  std::uint64_t n = 1;
  for (; n < 2000; ++n) {
    SCOPED_TRACE(testing::Message() << "operation " << n);
    const bool reached = try_at(n, false);
    try_at(n, true);
    if (HasFailure() || !reached) break;
  }
  EXPECT_GT(n, 100U) << "the script is longer than that";
  EXPECT_LT(n, 2000U) << "the script ends before that";
}

fault once(int error) {
  return [error](coro::sim_engine& engine, std::uint64_t n) { engine.fail_operation(n, error); };
}
fault from_then_on(int error) {
  return [error](coro::sim_engine& engine, std::uint64_t n) { engine.fail_from(n, error); };
}

coro::sim_faults short_writes() {
  coro::sim_faults chance;
  chance.short_permille = 400;
  chance.interrupted_permille = 50;
  chance.again_permille = 50;
  return chance;
}

INSTANTIATE_TEST_SUITE_P(Operations, IoFailure,
                         testing::Values(failure_case{"EioOnce", once(EIO), {}},
                                         failure_case{"EnospcOnce", once(ENOSPC), {}},
                                         failure_case{"EioFromThenOn", from_then_on(EIO), {}},
                                         failure_case{"EnospcFromThenOn", from_then_on(ENOSPC), {}},
                                         failure_case{"EioOnceAmongShortWrites", once(EIO),
                                                      short_writes()}),
                         [](const auto& each) { return each.param.name; });

// A process dies at every operation in turn. What the next one found and reported is durable, even
// if the power goes before it has written anything itself.
TEST(Recovery, WhatWasFoundAfterAKillSurvivesAPowerCut) {
  bool reached = true;
  for (std::uint64_t n = 1; reached; ++n) {
    SCOPED_TRACE(testing::Message() << "killed at operation " << n);
    coro::sim_disk disk(n);
    ledger book;
    {
      environment_life life(disk, n);
      life.engine().kill_at(n);
      run_script(life, book);
      reached = life.engine().is_off();
    }
    commit_sequence found = 0;
    std::string stored;
    {
      environment_life life(disk, n + 1);
      life.open();
      found = life.env().recovered().sequence;
      stored = life.stored();
      life.engine().cut_power();
    }
    environment_life life(disk, n + 2);
    life.open();
    ASSERT_EQ(life.env().recovered().sequence, found);
    ASSERT_EQ(life.stored(), stored);
    life.close();
  }
}

// The pages of a failed fdatasync count as clean. The next life must not build on them.
TEST(Recovery, WhatWasFoundAfterAFailedSyncSurvivesAPowerCut) {
  for (std::uint64_t nth = 1; nth < 40; ++nth) {
    SCOPED_TRACE(testing::Message() << "fdatasync " << nth);
    coro::sim_disk disk(nth);
    ledger book;
    {
      environment_life life(disk, nth);
      life.engine().fail_kind(coro::io_kind::data_sync, nth, EIO);
      run_script(life, book);
    }
    commit_sequence acknowledged = 0;
    {
      environment_life life(disk, nth + 1);
      life.open();
      for (int i = 0; i < 6; ++i) {
        life.shell("totals").put("more", std::string(3000, 'm'));
        acknowledged = life.commit();
      }
      life.engine().cut_power();
    }
    environment_life life(disk, nth + 2);
    life.open();
    ASSERT_GE(life.env().recovered().sequence, acknowledged);
    life.close();
  }
}

// The frame that failed was whole but for its padding, and the next one no longer fits its file.
TEST(Rotation, DoesNotLeaveAFailedFrameBehind) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    coro::sim_disk disk(seed);
    std::string stored;
    {
      coro::sim_runtime_options shortened;
      shortened.faults.short_permille = 1000;
      environment_life life(disk, seed, shortened);
      environment_options options = small_options();
      options.journal_growth_bytes = 16 << 10;
      life.open(options);
      for (int step = 1; step <= 3; ++step) {
        life.shell("s").put("k", std::to_string(step));
        life.commit();
      }
      life.shell("s").put("k", "4");
      life.engine().fail_operation(life.engine().operations() + 3, EIO);  // write, fdatasync, write
      EXPECT_THROW(life.commit(), std::system_error);
      life.shell("s").put("large", std::string(5000, 'x'));
      EXPECT_EQ(life.commit(), 4U);
      EXPECT_EQ(life.env().statistics().journal_files, 2U);
      stored = life.stored();
    }
    environment_life life(disk, seed + 1);
    life.open();
    EXPECT_EQ(life.env().recovered().sequence, 4U);
    EXPECT_EQ(life.stored(), stored);
    life.close();
  }
}

TEST(Poison, AFailedSyncIsFinalAndNeverRetried) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  life.shell("s").put("k", "1");
  life.commit();
  life.shell("s").put("k", "2");
  life.engine().fail_kind(coro::io_kind::data_sync, 1, EIO);
  EXPECT_THROW(life.commit(), std::system_error);
  const std::uint64_t syncs = life.engine().executed(coro::io_kind::data_sync);
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { life.shell("s").put("k", "3"); }, [&] { life.shell("s").erase("k"); },
           [&] { life.commit(); }, [&] { life.env().set_position("p", {}); },
           [&] { life.env().append_output({}); }}) {
    try {
      call();
      FAIL() << "accepted";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::poisoned);
    }
  }
  life.let_work();
  EXPECT_EQ(life.shell("s").get("k"), "2") << "reads go on";
  EXPECT_EQ(life.env().last_durable(), 1U);
  EXPECT_THROW(life.close(), std::system_error);
  EXPECT_EQ(life.engine().executed(coro::io_kind::data_sync), syncs);
}

// As Linux does: the write that found no room is short or fails, what is there stays readable.
TEST(FullDisk, CommitsFailAndTheNextOneAfterwardsHoldsEverything) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  int step = 0;
  life.shell("s").put("step", std::to_string(++step));
  life.commit();
  disk.set_capacity(disk.used_bytes() + (40 << 10));
  std::error_code full;
  for (; !full; ++step) {
    life.shell("s").put(numbered_text("k", step), std::string(3000, 'x'));
    try {
      life.commit();
    } catch (const std::system_error& error) {
      full = error.code();
    }
    life.let_work();
    ASSERT_LT(step, 100);
  }
  EXPECT_EQ(full, std::errc::no_space_on_device);
  life.shell("s").put("meanwhile", "kept");
  EXPECT_THROW(life.commit(), std::system_error);
  disk.set_capacity(disk.used_bytes() + (1 << 20));
  life.shell("s").put("last", "kept");
  life.commit();
  const std::string stored = life.stored();
  life.kill();
  disk.power_cut();
  environment_life next(disk, 2);
  next.open();
  EXPECT_EQ(next.stored(), stored);
  EXPECT_EQ(next.shell("s").get("meanwhile"), "kept");
  EXPECT_EQ(next.shell("s").get("last"), "kept");
  next.close();
}

// A seal that finds no room gives back what it wrote; the rows stay where they were.
TEST(FullDisk, AFailedSealLeavesNoGarbageAndSucceedsLater) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  environment_options options = small_options();
  options.journal_file_bytes_max = 16 << 20;
  options.journal_growth_bytes = 1 << 20;
  life.open(options);
  for (int i = 0; i < 300; ++i)
    life.shell("s", 1).put(numbered_text("k", i), std::string(900, 'x'));
  life.commit();
  const std::uint64_t used = disk.used_bytes();
  disk.set_capacity(used + (100 << 10));
  for (int attempt = 1; attempt < 40; ++attempt) {
    life.shell("s", 1).put("attempt", std::to_string(attempt));
    life.seal("s", 1);
  }
  EXPECT_GE(life.env().statistics().upkeep_failures, 4U);
  EXPECT_LE(life.env().statistics().upkeep_failures, 8U) << "it waits longer each time";
  EXPECT_EQ(life.env().statistics().runs_written, 0U);
  EXPECT_LE(disk.used_bytes(), used + (8 << 10)) << "nothing but names: the journal had room";
  disk.set_capacity(used + (8 << 20));
  for (int later = 0; later < 70; ++later) {
    life.shell("s", 1).put("attempt", "last " + std::to_string(later));
    life.seal("s", 1);
  }
  EXPECT_GE(life.env().statistics().runs_written, 1U);
  EXPECT_EQ(life.shell("s", 1).scan().size(), 301U);
  life.close();
}

TEST(Seal, AHintOnASealedSegmentWritesNothing) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  life.shell("s", 1).put("k", "v");
  life.seal("s", 1);
  const std::uint64_t written = life.env().statistics().bytes_written;
  life.seal("s", 1);
  EXPECT_EQ(life.env().statistics().runs_written, 1U);
  EXPECT_EQ(life.env().statistics().bytes_written, written);
  life.close();
}

TEST(Acknowledgement, IsPartOfTheCommitThatCarriesIt) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    life.env().append_output(as_bytes("line"));
    life.commit();
    life.shell("s").put("k", "1");
    const commit_sequence sequence = life.env().cut();
    life.env().acknowledge(1);  // belongs to a commit that is never made
    sync_wait(life.runtime(), life.env().wait_durable(sequence));
    life.close();
  }
  environment_life life(disk, 2);
  life.open();
  EXPECT_EQ(life.pending_output(), "line");
  life.close();
}

}  // namespace
}  // namespace lentic::test
