// SPDX-License-Identifier: Apache-2.0
// What each level of durability writes, waits for and survives.
#include "codec_support.hpp"
#include "environment_life.hpp"
#include "manifest.hpp"

#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

environment_options at_level(durability level) {
  environment_options options = small_options();
  options.commit_level = level;
  return options;
}

void put(environment_life& life, int number) {
  life.shell("s").put("k", std::to_string(number));
}

// As many commits as asked for, each of which puts its number; answers the last one.
commit_sequence commit_some(environment_life& life, int count) {
  commit_sequence last = 0;
  for (int i = 0; i < count; ++i) {
    put(life, static_cast<int>(life.env().last_logged()) + 1);
    last = life.commit();
  }
  return last;
}

void expect_at(coro::sim_disk& disk, commit_sequence sequence) {
  environment_life life(disk, 99);
  life.open();
  EXPECT_EQ(life.env().recovered().sequence, sequence);
  EXPECT_EQ(life.shell("s").get("k"), std::to_string(sequence));
  life.close();
}

TEST(Durability, CachedStartsNothing) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(at_level(durability::cached));
  const std::uint64_t before = life.engine().operations();
  put(life, 1);
  EXPECT_TRUE(life.env().commit().ready());
  put(life, 2);
  EXPECT_EQ(life.commit(), 1U) << "commits that wait share a frame";
  life.let_work();
  EXPECT_EQ(life.engine().operations(), before);
  EXPECT_EQ(life.env().last_logged(), 0U);
}

TEST(Durability, ALaterCommitTakesCachedOnesWithIt) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(at_level(durability::cached));
    put(life, 0);
    life.commit();
    put(life, 1);
    const commit_sequence sequence =
        sync_wait(life.runtime(), life.env().commit(durability::synced));
    EXPECT_EQ(sequence, 1U);
    EXPECT_EQ(life.env().last_durable(), 1U);
    life.engine().cut_power();
  }
  expect_at(disk, 1);
}

// On a disk that takes nothing the frame that waits does not grow for ever.
TEST(Durability, CachedWaitsWhenTheDiskCannotKeepUp) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(at_level(durability::cached));
  const std::string large(700 << 10, 'x');
  life.shell("s").put("a", large);
  EXPECT_TRUE(life.env().commit().ready());
  life.shell("s").put("b", large);
  EXPECT_TRUE(life.env().commit().ready()) << "above 1 MiB: it is being written";
  life.shell("s").put("c", large);
  EXPECT_TRUE(life.env().commit().ready());
  life.shell("s").put("d", large);
  maybe_ready<commit_sequence> fourth = life.env().commit();
  EXPECT_FALSE(fourth.ready()) << "one frame is in flight, and the next above 1 MiB";
  EXPECT_EQ(sync_wait(life.runtime(), std::move(fourth)), 2U);
  EXPECT_EQ(life.env().last_logged(), 1U);
  life.engine().fail_from(life.engine().operations(), ENOSPC);
  EXPECT_THROW(
      {
        for (int i = 0; i < 8; ++i) {
          life.shell("s").put("e", large);
          life.commit();
          life.let_work();
        }
      },
      std::system_error);
}

TEST(Durability, LoggedSurvivesTheEndOfTheProcessAndSyncsNothing) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(at_level(durability::logged));
    const std::uint64_t before = life.engine().executed(coro::io_kind::data_sync);
    EXPECT_EQ(commit_some(life, 3), 3U);
    EXPECT_EQ(life.env().last_logged(), 3U);
    EXPECT_EQ(life.env().last_durable(), 0U);
    EXPECT_EQ(life.engine().executed(coro::io_kind::data_sync), before);
    life.kill();
  }
  expect_at(disk, 3);
}

TEST(Durability, WaitingForMoreThanTheCutAskedForSyncs) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(at_level(durability::logged));
    commit_some(life, 3);
    const std::uint64_t before = life.engine().executed(coro::io_kind::data_sync);
    sync_wait(life.runtime(), life.env().wait_durable(2, durability::synced));
    EXPECT_EQ(life.engine().executed(coro::io_kind::data_sync), before + 1);
    EXPECT_EQ(life.env().last_durable(), 3U) << "one fdatasync covers all that was written";
    life.engine().cut_power();
  }
  expect_at(disk, 3);
}

TEST(Durability, APowerCutLeavesAPrefixOfWhatWasLogged) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    coro::sim_disk disk(seed, coro::sim_disk_options::drawn(seed));
    {
      environment_life life(disk, seed);
      life.open(at_level(durability::logged));
      commit_some(life, 1);
      sync_wait(life.runtime(), life.env().wait_durable(1, durability::synced));
      commit_some(life, 2);
      life.engine().cut_power();
    }
    environment_life life(disk, seed + 1);
    ASSERT_NO_THROW(life.open());
    const commit_sequence found = life.env().recovered().sequence;
    ASSERT_GE(found, 1U);
    ASSERT_EQ(life.shell("s").get("k"), std::to_string(found));
    lost += found < 3 ? 1 : 0;
    life.close();
  }
  EXPECT_GT(lost, 20);
}

TEST(Durability, ASyncThatFailsLaterPoisons) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(at_level(durability::logged));
  commit_some(life, 2);
  life.engine().fail_kind(coro::io_kind::data_sync, 1, EIO);
  EXPECT_THROW(sync_wait(life.runtime(), life.env().wait_durable(2, durability::synced)),
               std::system_error);
  try {
    life.commit();
    ADD_FAILURE() << "committed";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::poisoned);
  }
  EXPECT_EQ(life.env().last_durable(), 0U);
}

// Their pages count as clean, and are on no disk: each of them is written again.
TEST(Durability, FramesThatAFailedSyncLeftInTheCacheAreWrittenAgain) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(at_level(durability::logged));
    commit_some(life, 3);
    life.engine().fail_kind(coro::io_kind::data_sync, 1, EIO);
    EXPECT_THROW(sync_wait(life.runtime(), life.env().wait_durable(3, durability::synced)),
                 std::system_error);
    life.kill();
  }
  {
    environment_life life(disk, 2);
    life.open();
    EXPECT_EQ(life.env().recovered().sequence, 3U);
    life.engine().cut_power();
  }
  expect_at(disk, 3);
}

// Three frames of a page each, of which the second is damaged.
result<commit_sequence> reopened_without_the_second(durability level) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(at_level(level));
    commit_some(life, 3);
    life.kill();
  }
  disk.flip_bit("state/journal-1.log", (4096 + 70) * 8);
  environment_life life(disk, 2);
  try {
    life.open();
  } catch (const std::system_error& error) {
    return error.code();
  }
  EXPECT_TRUE(life.env().recovered().cut);
  return life.env().recovered().sequence;
}

TEST(Durability, OnlyAFrameThatWasNotSyncedMayBeMissingBeforeAnother) {
  const result<commit_sequence> synced = reopened_without_the_second(durability::synced);
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error(), errc::journal_damaged);
  const result<commit_sequence> logged = reopened_without_the_second(durability::logged);
  ASSERT_TRUE(logged);
  EXPECT_EQ(*logged, 1U);
}

TEST(Durability, UpkeepGoesOnAtEachLevel) {
  for (const durability level : {durability::cached, durability::logged, durability::synced}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    life.open(at_level(level));
    for (int i = 0; i < 60; ++i) {
      life.shell("windows", 1).put(numbered_text("k", i), std::string(3000, 'x'));
      if (i == 20) life.env().open_segmented_store("windows").seal_hint(1);
      put(life, i);
      sync_wait(life.runtime(), life.env().commit(std::max(level, durability::logged)));
      life.let_work();
    }
    EXPECT_GE(life.env().statistics().runs_written, 1U);
    EXPECT_LE(life.env().statistics().journal_files, 30U);
    life.close();
  }
}

TEST(Durability, CloseLosesNothingThatWasCut) {
  for (const durability level : {durability::cached, durability::logged}) {
    coro::sim_disk disk(1);
    {
      environment_life life(disk, 1);
      life.open(at_level(level));
      put(life, 1);
      life.commit();
      life.close();
      life.engine().cut_power();
    }
    expect_at(disk, 1);
  }
}

TEST(Durability, TheNextFrameIsReadyWhenTheOneInFlightLands) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  put(life, 1);
  life.env().cut();
  put(life, 2);
  EXPECT_EQ(life.env().cut(), 2U);
  put(life, 3);
  EXPECT_EQ(life.env().cut(), 2U) << "cuts that wait share a frame";
  sync_wait(life.runtime(), life.env().wait_durable(1));
  EXPECT_EQ(life.env().last_durable(), 1U);
  life.let_work();
  EXPECT_EQ(life.env().last_durable(), 2U) << "nobody had to ask";
}

// One frame as builds wrote it before there were levels: docs/format.md had it as its example.
std::string frame_of_format_0() {
  const bytes head =
      hex("4c46524d 0000 0000 0807060504030201 0100000000000000 0000000000000000 0100000000000000"
          "1400000000000000 00000000 922ee625 00000000 6e07493a"
          "0101017301 020107 03016b0176 0602696e023432");
  std::string frame(as_text(head));
  frame.resize(4096);
  return frame;
}

TEST(JournalFormat, AJournalOfFormat0IsReadAndWrittenOn) {
  detail::manifest content;
  content.environment = 0x0102030405060708;
  content.number = 1;
  file_map files{{"state/LOCK", ""}, {"state/journal-1.log", frame_of_format_0()}};
  files["state/MANIFEST-1"] = std::string(as_text(detail::encode_manifest(content)));
  const auto disk = disk_with(files);
  for (commit_sequence before = 1; before <= 2; ++before) {
    environment_life life(*disk, before);
    life.open();
    EXPECT_EQ(life.env().recovered().sequence, before);
    EXPECT_EQ(life.shell("s", 7).get("k"), before == 1 ? "v" : "w");
    life.shell("s", 7).put("k", "w");
    life.commit();
    life.kill();
  }
}

}  // namespace
}  // namespace lentic::test
