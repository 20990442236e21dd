// SPDX-License-Identifier: Apache-2.0
// Single promises of commit and recovery, each on its own. The campaign found what they are about.
#include "story.hpp"

#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace lentic::crash {
namespace {

using coro::sim_disk;
using coro::sim_disk_options;
using coro::sim_runtime;

std::unique_ptr<environment> open(sim_runtime& runtime) {
  return sync_wait(runtime, environment::open(runtime, small_files(32 << 10, 8 << 10)));
}

void put(sim_runtime& runtime, environment& env, std::string value) {
  byte_store& store = env.open_byte_store("totals");
  sync_wait(runtime, store.put(as_bytes("key"), as_bytes(value)));
}

TEST(CrashPromises, TheNameOfANewStateIsDurableWithItsFirstCommit) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim_disk disk(seed, sim_disk_options::drawn(seed));
    {
      sim_runtime runtime(disk, seed);
      auto env = open(runtime);
      put(runtime, *env, "value");
      sync_wait(runtime, env->commit());
      runtime.engine().cut_power();
      EXPECT_THROW(sync_wait(runtime, env->close()), std::system_error);
    }
    sim_runtime runtime(disk, seed);
    auto env = open(runtime);
    EXPECT_EQ(env->recovered().sequence, 1U) << "seed " << seed;
    sync_wait(runtime, env->close());
  }
}

TEST(CrashPromises, OutputsOfCutsThatShareAFrameAreAllKept) {
  sim_disk disk(1);
  {
    sim_runtime runtime(disk, 1);
    auto env = open(runtime);
    env->append_output(as_bytes("in flight "));
    env->cut();
    env->append_output(as_bytes("one "));
    EXPECT_EQ(env->cut(), 2U);
    env->append_output(as_bytes("two"));
    EXPECT_EQ(env->cut(), 2U);
    sync_wait(runtime, env->wait_durable(2));
    sync_wait(runtime, env->close());
  }
  sim_runtime runtime(disk, 2);
  auto env = open(runtime);
  const auto batch = env->next_output(1);
  ASSERT_TRUE(batch);
  EXPECT_EQ(as_text(batch->output), "one two");
  sync_wait(runtime, env->close());
}

TEST(CrashPromises, AnAcknowledgementIsNotDurableBeforeItsCommit) {
  sim_disk disk(1);
  {
    sim_runtime runtime(disk, 1);
    auto env = open(runtime);
    env->append_output(as_bytes("output"));
    sync_wait(runtime, env->commit());
    put(runtime, *env, "value");
    const commit_sequence sequence = env->cut();
    env->acknowledge(1);
    sync_wait(runtime, env->wait_durable(sequence));
    sync_wait(runtime, env->close());  // drops what was not cut
  }
  sim_runtime runtime(disk, 2);
  auto env = open(runtime);
  EXPECT_TRUE(env->next_output(0));
  sync_wait(runtime, env->close());
}

TEST(CrashPromises, CloseReturnsWhenWhatGoesOnBesideFails) {
  for (std::uint64_t operation = 1; operation <= 60; ++operation) {
    sim_disk disk(1);
    sim_runtime runtime(disk, 1);
    auto env = open(runtime);
    put(runtime, *env, "value");
    env->open_segmented_store("totals").seal_hint(0);
    sync_wait(runtime, env->commit());
    runtime.engine().fail_from(runtime.io().operations() + operation, ENOSPC);
    EXPECT_NO_THROW(static_cast<void>(sync_wait(runtime, as_result(env->close()))));
  }
}

// The journal's upkeep asks for a commit, which may have nothing to say.
TEST(CrashPromises, ACutWithNothingNewKeepsTheFrameThatWaits) {
  sim_disk disk(1);
  commit_sequence last = 0;
  {
    sim_runtime runtime(disk, 1);
    auto env = open(runtime);
    for (int i = 0; i < 400; ++i) {
      put(runtime, *env, std::string(9000, 'x'));
      env->cut();
      for (int turns = 0; turns < i % 7; ++turns) runtime.turn();
      env->cut();
      last = env->cut();
      if (i % 3 == 0) sync_wait(runtime, env->wait_durable(last));
    }
    EXPECT_NO_THROW(sync_wait(runtime, env->wait_durable(last)));
    sync_wait(runtime, env->close());
  }
  sim_runtime runtime(disk, 2);
  auto env = open(runtime);
  EXPECT_EQ(env->recovered().sequence, last);
  sync_wait(runtime, env->close());
}

// Commits until journal files were recycled, and closes.
void rotate(sim_disk& disk, std::uint64_t seed) {
  sim_runtime runtime(disk, seed);
  auto env = open(runtime);
  for (int i = 0; i < 40; ++i) {
    put(runtime, *env, std::string(9000, 'x'));
    sync_wait(runtime, env->commit());
  }
  sync_wait(runtime, env->close());
}

// One row beside a journal that is recycled. Its seal begins while the walk over the rows of old
// files is under way, and always fails.
struct seal_story {
  int commits_before = 0;
  int turns = 0;
  int commits_after = 0;
};

void fail_a_seal(sim_disk& disk, const seal_story& story) {
  sim_runtime runtime(disk, 1);
  auto env = open(runtime);
  segmented_store& kept = env->open_segmented_store("kept");
  sync_wait(runtime, kept.segment(0).put(as_bytes("key"), as_bytes("value")));
  sync_wait(runtime, env->commit());
  for (int i = 0; i < story.commits_before; ++i) {
    put(runtime, *env, std::string(9000, 'x'));
    sync_wait(runtime, env->commit());
  }
  for (int attempt = 0; attempt < 20; ++attempt)
    runtime.engine().fail_kind(coro::io_kind::make_directory, 1, EIO);
  put(runtime, *env, std::string(9000, 'x'));
  env->cut();
  for (int turn = 0; turn < story.turns; ++turn) runtime.turn();
  kept.seal_hint(0);
  for (int i = 0; i < story.commits_after; ++i) {
    put(runtime, *env, "value");
    sync_wait(runtime, env->commit());
    for (int turn = 0; turn < 40; ++turn) runtime.turn();
  }
  EXPECT_GE(env->statistics().upkeep_failures, 1U);
  runtime.engine().cut_power();
  EXPECT_THROW(sync_wait(runtime, env->close()), std::system_error);
}

task<bool> has_row(byte_store& store) {
  const std::optional<value_view> found = co_await store.get(as_bytes("key"));
  co_return found.has_value();
}

TEST(CrashPromises, RowsOnTheirWayIntoARunKeepTheirJournalFile) {
  for (int i = 0; i < 6 * 24 * 5; ++i) {
    const seal_story story{3 + i % 6, i / 6 % 24, 1 + i / (6 * 24)};
    sim_disk disk(1);
    fail_a_seal(disk, story);
    sim_runtime runtime(disk, 2);
    auto env = open(runtime);
    EXPECT_TRUE(sync_wait(runtime, has_row(env->open_byte_store("kept"))))
        << story.commits_before << " commits, " << story.turns << " turns, " << story.commits_after
        << " commits";
    sync_wait(runtime, env->close());
  }
}

// Its journal would change under it if it shared files that are written over.
TEST(CrashPromises, ACheckpointStaysAsItWasWhileTheJournalGoesRound) {
  sim_disk disk(1);
  sim_runtime runtime(disk, 1);
  auto env = open(runtime);
  for (int i = 0; i < 40; ++i) {
    put(runtime, *env, std::string(9000, 'a'));
    sync_wait(runtime, env->commit());
  }
  sync_wait(runtime, env->checkpoint("copy"));
  for (int i = 0; i < 40; ++i) {
    put(runtime, *env, std::string(9000, 'b'));
    sync_wait(runtime, env->commit());
  }
  sync_wait(runtime, env->close());
  environment_options options = small_files(32 << 10, 8 << 10);
  options.directory = "copy";
  auto copy = sync_wait(runtime, environment::open(runtime, options));
  EXPECT_EQ(copy->recovered().sequence, 40U);
  byte_store& store = copy->open_byte_store("totals");
  EXPECT_EQ(sync_wait(runtime, store.get_copy(as_bytes("key"))),
            to_bytes(as_bytes(std::string(9000, 'a'))));
  sync_wait(runtime, copy->close());
}

std::string newest_journal(const sim_disk& disk) {
  std::string newest;
  for (std::uint64_t n = 1; n < 200; ++n) {
    const std::string path = "state/journal-" + std::to_string(n) + ".log";
    if (disk.content(path)) newest = path;
  }
  return newest;
}

void commit_logged(sim_runtime& runtime, environment& env, std::size_t value_bytes) {
  put(runtime, env, std::string(value_bytes, 'z'));
  sync_wait(runtime, env.commit(durability::logged));
}

// A frame that nobody had synced is lost as a whole, the one behind it is not: what comes in their
// place must not be followed by it.
TEST(CrashPromises, AFrameBehindALostOneIsCutBeforeItsPlaceIsWrittenAgain) {
  sim_disk disk(1);
  rotate(disk, 1);
  rotate(disk, 2);  // files are written over
  std::string before;
  std::string after;
  std::string path;
  {
    sim_runtime runtime(disk, 3);
    environment_options options = small_files(32 << 10, 8 << 10);
    options.journal_bytes_kept = 1 << 20;  // upkeep asks for no sync
    auto env = sync_wait(runtime, environment::open(runtime, options));
    put(runtime, *env, std::string(9000, 'y'));  // the first of a file
    sync_wait(runtime, env->commit());
    path = newest_journal(disk);
    before = disk.content(path).value();
    commit_logged(runtime, *env, 9000);
    commit_logged(runtime, *env, 10);
    ASSERT_EQ(newest_journal(disk), path);
    after = disk.content(path).value();
    runtime.engine().kill();
    static_cast<void>(sync_wait(runtime, as_result(env->close())));
  }
  std::size_t first = 0;
  while (before[first] == after[first]) ++first;
  first = first / 4096 * 4096;
  std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(first), 3 * 4096,
              after.begin() + static_cast<std::ptrdiff_t>(first));
  disk.put_file(path, after);
  for (std::uint64_t life = 0; life < 3; ++life) {
    sim_runtime runtime(disk, 4 + life);
    auto env = open(runtime);
    EXPECT_EQ(env->recovered().sequence, 81U + life);
    put(runtime, *env, "small");
    sync_wait(runtime, env->commit());
    runtime.engine().kill();
    static_cast<void>(sync_wait(runtime, as_result(env->close())));
  }
}

// A full disk takes no manifest; frames that are written over others need no room.
TEST(CrashPromises, NoFileIsWrittenOverThatAManifestStillNames) {
  for (int full_from = 5; full_from < 30; ++full_from) {
    sim_disk disk(1);
    commit_sequence acknowledged = 0;
    {
      sim_runtime runtime(disk, 1);
      auto env = open(runtime);
      for (int i = 0; i < 60; ++i) {
        if (i == full_from) disk.set_capacity(disk.used_bytes());
        put(runtime, *env, std::string(9000, 'x'));
        const auto done = sync_wait(runtime, as_result(env->commit()));
        if (done) acknowledged = *done;
      }
      runtime.engine().kill();
      static_cast<void>(sync_wait(runtime, as_result(env->close())));
    }
    disk.set_capacity(~std::uint64_t{0});
    sim_runtime runtime(disk, 2);
    auto env = open(runtime);
    EXPECT_GE(env->recovered().sequence, acknowledged) << "full from " << full_from;
    sync_wait(runtime, env->close());
  }
}

std::uint64_t newest_manifest(const sim_disk& disk) {
  std::uint64_t newest = 0;
  for (std::uint64_t n = 1; n < 200; ++n) {
    if (disk.content("state/MANIFEST-" + std::to_string(n))) newest = n;
  }
  return newest;
}

// An unsynced file may hold what a deleted one held.
TEST(CrashPromises, AnOlderManifestInANewerFileIsNotTaken) {
  sim_disk disk(1);
  rotate(disk, 1);
  const auto older = disk.content("state/MANIFEST-" + std::to_string(newest_manifest(disk)));
  ASSERT_TRUE(older);
  rotate(disk, 2);
  disk.put_file("state/MANIFEST-" + std::to_string(newest_manifest(disk) + 1), *older);
  sim_runtime runtime(disk, 3);
  auto env = open(runtime);
  EXPECT_EQ(env->recovered().sequence, 80U);
  sync_wait(runtime, env->close());
}

}  // namespace
}  // namespace lentic::crash
