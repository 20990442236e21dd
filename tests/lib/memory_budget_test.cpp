// SPDX-License-Identifier: Apache-2.0
// What a memory budget promises: rows go to disk before it is used up, puts wait for that in order,
// and fail where nothing can go, never for ever. With caches: memory_cache_test.cpp.
#include "memory_rig.hpp"

#include <lentic/coro/scope.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {
namespace {

TEST_F(MemoryBudget, TenTimesAsMuchGoesThroughSegments) {
  open();
  for (int number = 0; number < 10'000; ++number) {
    ASSERT_EQ(put("s", static_cast<segment_id>(number / 500), number, 1000), "done") << message_;
    if (env().wants_commit()) life_->commit();
  }
  EXPECT_LE(env().statistics().memory_bytes_max, mebibyte);
  EXPECT_GE(env().statistics().runs_written, 5U);
  life_->commit();
  const std::string stored = life_->stored();
  life_->close();
  open();
  EXPECT_EQ(life_->stored(), stored);
  EXPECT_EQ(life_->shell("s", 3).get("key1600"), std::string(1000, 'v'));
  life_->close();
}

TEST_F(MemoryBudget, AByteStoreGoesToDiskBySize) {
  open();
  byte_store& store = env().open_byte_store("b");
  store_shell shell(life_->runtime(), store);
  for (int number = 0; number < 4'000; ++number) {
    shell.put(numbered_text("key", number % 3'000), numbered_text(std::string(1000, 'v'), number));
    if (env().wants_commit()) life_->commit();
  }
  EXPECT_LE(env().statistics().memory_bytes_max, mebibyte);
  EXPECT_GE(env().statistics().runs_written, 3U);
  EXPECT_EQ(shell.get("key0"), numbered_text(std::string(1000, 'v'), 3'000));
  EXPECT_EQ(shell.scan().size(), 3'000U);
  life_->close();
}

TEST_F(MemoryBudget, TheBreakDownAddsUp) {
  open();
  fill("s");
  env().append_output(as_bytes("line"));
  const environment_statistics now = env().statistics();
  std::uint64_t sum = 0;
  for (const std::uint64_t each : now.memory_of) sum += each;
  EXPECT_EQ(sum, now.memory_bytes);
  EXPECT_GT(held(memory_holder::rows), 0U);
  EXPECT_GT(held(memory_holder::uncommitted), 0U);
  EXPECT_EQ(held(memory_holder::outbox), 4U);
  life_->commit();
  life_->let_work();
  EXPECT_EQ(held(memory_holder::uncommitted), 0U);
  EXPECT_LE(held(memory_holder::frames), mebibyte / 64) << "what direct writes are copied to";
  env().acknowledge(env().last_durable());
  EXPECT_EQ(held(memory_holder::outbox), 0U);
  life_->seal("s", 0);
  EXPECT_EQ(held(memory_holder::frozen_rows), 0U);
  EXPECT_EQ(held(memory_holder::seals), 0U);
  EXPECT_GT(held(memory_holder::runs), 0U);
  life_->drop_below("s", 1);
  EXPECT_EQ(held(memory_holder::runs), 0U);
  EXPECT_EQ(held(memory_holder::rows), 0U);
  life_->close();
}

TEST_F(MemoryBudget, WhatIsNotCommittedCannotGo) {
  open();
  const int done = fill("s");
  EXPECT_GT(done, 200);
  EXPECT_NE(message_.find("uncommitted rows"), std::string::npos) << message_;
  EXPECT_NE(message_.find("a commit"), std::string::npos) << message_;
  EXPECT_TRUE(env().wants_commit());
  EXPECT_EQ(life_->shell("s").scan().size(), static_cast<std::size_t>(done));
  life_->commit();
  EXPECT_EQ(put("s", 0, done, 1000), "done") << message_;
  life_->close();
}

TEST_F(MemoryBudget, AnEntryLargerThanTheBudgetIsRefusedAndNamed) {
  open();
  life_->shell("s").put("small", "kept");
  EXPECT_EQ(put("s", 0, 1, std::size_t{64} << 20), over);
  EXPECT_NE(message_.find("entry of 67108868 bytes"), std::string::npos) << message_;
  EXPECT_EQ(life_->shell("s").scan().size(), 1U);
  EXPECT_EQ(put("s", 0, 1, 1000), "done");
  life_->commit();
  EXPECT_EQ(life_->shell("s").get("small"), "kept");
  life_->close();
}

TEST_F(MemoryBudget, CommittedSegmentsAreSealedWhileOthersAreBeingChanged) {
  open();
  for (int number = 0; number < 300; ++number) ASSERT_EQ(put("old", 1, number, 1000), "done");
  life_->commit();
  life_->let_work();
  EXPECT_EQ(env().statistics().runs_written, 0U) << "there was room";
  const commit_sequence before = env().last_durable();
  int number = 0;
  while (env().statistics().runs_written == 0 && put("new", 1, number, 1000) == "done") ++number;
  EXPECT_EQ(env().statistics().runs_written, 1U) << message_;
  EXPECT_GT(env().last_durable(), before) << "a frame of seals alone";
  restart();
  open();
  EXPECT_EQ(life_->shell("old", 1).scan().size(), 300U);
  EXPECT_EQ(life_->shell("new", 1).scan().size(), 0U) << "it was not committed";
  life_->close();
}

TEST_F(MemoryBudget, WithoutADirectoryAPutFailsAtOnce) {
  environment_options options;
  options.memory_budget = mebibyte;
  life_->open(options);
  const int done = fill("s");
  EXPECT_GT(done, 500);
  EXPECT_FALSE(env().wants_commit());
  EXPECT_NE(message_.find("young rows"), std::string::npos) << message_;
  EXPECT_TRUE(life_->shell("s").erase("key0")) << "an erase gives room";
  EXPECT_EQ(put("s", 0, 0, 1000), over) << "of what the store keeps for its like";
  life_->shell("s").clear();
  EXPECT_EQ(put("s", 0, 0, 1000), "done");
  life_->close();
}

TEST_F(MemoryBudget, AJournalLargerThanItOpens) {
  life_->open(with_budget(0));
  for (int number = 0; number < 4'000; ++number) {
    ASSERT_EQ(put("s", static_cast<segment_id>(number / 500), number, 1000), "done");
    if (number % 200 == 0) life_->commit();
  }
  life_->commit();
  const std::string stored = life_->stored();
  restart();
  open();
  EXPECT_EQ(env().recovered().sequence, 21U);
  EXPECT_GT(env().statistics().memory_bytes, 4 * mebibyte);
  EXPECT_EQ(life_->stored(), stored);
  EXPECT_EQ(put("s", 20, 1, 1000), "done") << message_;
  EXPECT_LE(env().statistics().memory_bytes, mebibyte) << "the put has waited for seals";
  life_->close();
}

TEST_F(MemoryBudget, AHeldCursorDoesNotStopPuts) {
  open();
  for (int number = 0; number < 300; ++number) ASSERT_EQ(put("s", 1, number, 1000), "done");
  life_->commit();
  cursor rows = env().open_segmented_store("s").segment(1).scan();
  store_shell shell = life_->shell("s", 1);
  std::size_t seen = shell.next(rows).size();
  EXPECT_GT(seen, 0U);
  for (int number = 0; number < 2'000; ++number) {
    ASSERT_EQ(put("s", 2, number, 1000), "done") << message_;
    if (env().wants_commit()) life_->commit();
  }
  for (std::size_t more = shell.next(rows).size(); more != 0; more = shell.next(rows).size())
    seen += more;
  EXPECT_EQ(seen, 300U);
  life_->close();
}

// The journal's oldest files go after a commit that logs again what was in them. A frame of seals
// alone is no such commit, whenever it comes.
TEST(MemoryJournal, AFrameOfSealsAloneLetsNoFileGo) {
  int spilled = 0;
  for (int commits = 4; commits < 24; ++commits) {
    SCOPED_TRACE(testing::Message() << commits << " commits");
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    environment_options options = small_options();
    options.memory_budget = 512 << 10;
    life.open(options);
    for (int round = 0; round < commits; ++round) {
      for (int row = 0; row < 20; ++row)
        life.shell("hot", 1).put(numbered_text("k", row), std::string(500, 'h'));
      for (int row = 0; round == 3 && row < 100; ++row)  // not in the oldest files
        life.shell("cold", 1).put(numbered_text("k", row), std::string(1000, 'c'));
      life.shell("slow", 1).put(numbered_text("few", round), "bytes");
      life.commit();
      life.let_work();
    }
    const std::string committed = life.stored();
    const std::uint64_t runs = life.env().statistics().runs_written;
    EXPECT_THROW(
        {
          for (int row = 0; row < 1000; ++row)
            life.shell("hot", 1).put(numbered_text("new", row), std::string(1000, 'n'));
        },
        std::system_error);
    life.let_work();
    spilled += life.env().statistics().runs_written > runs ? 1 : 0;
    life.kill();
    disk.power_cut();
    environment_life next(disk, 2);
    next.open(options);
    ASSERT_EQ(next.stored().size(), committed.size());
    ASSERT_TRUE(next.stored() == committed);
    next.close();
  }
  EXPECT_GT(spilled, 5);
}

// --- waiting ---------------------------------------------------------------------------------

class WaitingPuts : public MemoryBudget {
 protected:
  // Full of rows that are in a frame, which is in flight: it freezes them.
  void fill_and_cut() {
    open();
    int number = 0;
    while (env().memory()->admits(1000)) ASSERT_EQ(put("s", 1, number++, 1000), "done");
    env().cut();
  }
};

TEST_F(WaitingPuts, AreWokenInOrder) {
  fill_and_cut();
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  byte_store& store = env().open_segmented_store("s").segment(2);
  for (int number = 0; number < 5; ++number) waiting.spawn(put_and_note(store, number, notes));
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(env().memory()->waiters(), 5U);
  sync_wait(life_->runtime(), waiting.join());
  EXPECT_EQ(notes, (std::vector<std::string>{"put 0", "put 1", "put 2", "put 3", "put 4"}));
  EXPECT_EQ(env().memory()->waiters(), 0U);
  life_->close();
}

TEST_F(WaitingPuts, EndWithTheEnvironment) {
  fill_and_cut();
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  byte_store& store = env().open_segmented_store("s").segment(2);
  for (int number = 0; number < 3; ++number) waiting.spawn(put_and_note(store, number, notes));
  life_->close();
  sync_wait(life_->runtime(), waiting.join());
  EXPECT_EQ(notes, (std::vector<std::string>(3, "closed")));
}

TEST_F(WaitingPuts, AreNotAppliedToASegmentThatIsDropped) {
  fill_and_cut();
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  waiting.spawn(put_and_note(env().open_segmented_store("s").segment(2), 0, notes));
  life_->drop_below("s", 3);
  sync_wait(life_->runtime(), waiting.join());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("segment 2 was dropped"), std::string::npos) << notes[0];
  life_->close();
}

TEST_F(WaitingPuts, FailWithTheErrorOfTheDisk) {
  fill_and_cut();
  life_->let_work();
  life_->commit();
  disk_.set_capacity(disk_.used_bytes());
  std::string outcome = "done";
  int number = 0;
  for (; outcome == "done" && number < 5'000; ++number) outcome = put("s", 3, number, 1000);
  if (outcome == over) {  // committed rows are gone to disk: those of segment 3 cannot
    outcome = outcome_of([&] { life_->commit(); });
    EXPECT_EQ(outcome, std::make_error_code(std::errc::no_space_on_device).message());
    outcome = put("s", 3, number, 1000);
  }
  EXPECT_EQ(outcome, std::make_error_code(std::errc::no_space_on_device).message()) << message_;
  disk_.set_capacity(disk_.used_bytes() + 64 * mebibyte);
  EXPECT_EQ(put("s", 3, number, 1000), "done") << "without a commit: the frame is written again";
  life_->commit();
  EXPECT_EQ(life_->shell("s", 3).get(numbered_text("key", number)), std::string(1000, 'v'));
  life_->close();
}

// --- commits that are not synced -------------------------------------------------------------

class LevelsInABudget : public MemoryBudget, public testing::WithParamInterface<durability> {};

INSTANTIATE_TEST_SUITE_P(Levels, LevelsInABudget,
                         testing::Values(durability::cached, durability::logged),
                         [](const auto& level) {
                           return std::string(level.param == durability::cached ? "Cached"
                                                                                : "Logged");
                         });

TEST_P(LevelsInABudget, TenTimesAsMuchGoesThrough) {
  environment_options options = with_budget(mebibyte);
  options.commit_level = GetParam();
  life_->open(options);
  for (int number = 0; number < 10'000; ++number) {
    ASSERT_EQ(put("s", static_cast<segment_id>(number / 500), number, 1000), "done") << message_;
    if (env().wants_commit()) life_->commit();
  }
  EXPECT_LE(env().statistics().memory_bytes_max, mebibyte);
  EXPECT_GE(env().statistics().runs_written, 5U);
  life_->close();
}

// What lies in frames that nobody wants written goes out when a put needs its room; and a run is
// built on frames that are synced, or the power takes rows that its manifest says are there.
TEST_P(LevelsInABudget, RowsThatWereCommittedGoToDiskForAPut) {
  environment_options options = with_budget(mebibyte);
  options.commit_level = GetParam();
  life_->open(options);
  for (int number = 0; number < 300; ++number) {
    ASSERT_EQ(put("old", 1, number, 1000), "done");
    if (number % 30 == 0) life_->commit();
  }
  const commit_sequence committed = life_->commit();
  life_->let_work();
  EXPECT_LT(env().last_durable(), committed) << "nobody asked for that";
  int number = 0;
  while (env().statistics().runs_written == 0 && put("new", 1, number, 1000) == "done") ++number;
  EXPECT_EQ(env().statistics().runs_written, 1U) << message_;
  EXPECT_GT(env().last_durable(), committed);
  life_->kill();
  disk_.power_cut();
  life_.emplace(disk_, 2);
  life_->open(options);
  EXPECT_EQ(life_->shell("old", 1).scan().size(), 300U);
  EXPECT_EQ(life_->shell("new", 1).scan().size(), 0U) << "it was not committed";
  life_->close();
}

// --- cold reads --------------------------------------------------------------------------------

// Buffers are within the budget, and neither a seal that reads the old run nor a get needs more of
// them than one.
TEST_F(MemoryBudget, SealsReadTheOldRunThroughTheRing) {
  open();
  for (int round = 0; round < 3; ++round) {
    for (int number = 0; number < 2'000; ++number) {
      ASSERT_EQ(put("b", 0, number, 1000), "done") << message_;
      if (env().wants_commit()) life_->commit();
      if (number % 100 == 0) env().forget_residency();
    }
    env().set_block_buffer_bytes_max(round == 0 ? 64 * mebibyte : 1);
  }
  life_->commit();
  life_->let_work();
  EXPECT_GT(env().statistics().cold_reads, 0U);
  EXPECT_LE(env().statistics().memory_bytes_max, mebibyte);
  EXPECT_EQ(held(memory_holder::blocks), 0U);
  EXPECT_EQ(life_->shell("b").scan().size(), 2'000U);
  life_->close();
}

}  // namespace
}  // namespace lentic::test
