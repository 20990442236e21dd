// SPDX-License-Identifier: Apache-2.0
// Commits at each level and compact(), where disks fill up, owners do not cut, and files are odd.
#include "environment_life.hpp"
#include "frame.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

environment_options options_at(durability level) {
  environment_options chosen = small_options();
  chosen.commit_level = level;
  return chosen;
}

task<void> compact_beside(environment& env, coro::stop_token stop, std::error_code& ended) {
  const result<void> done = co_await as_result(env.compact(stop));
  if (!done) ended = done.error();
}

// Whether compact() comes to its end with nobody's help.
bool compacts(environment_life& life) {
  coro::stop_source stop;
  std::error_code ended;
  coro::scope beside(life.runtime().queue());
  beside.spawn(compact_beside(life.env(), coro::stop_token(stop), ended));
  life.let_work();
  const bool is_over = beside.live() == 0;
  stop.request_stop();
  sync_wait(life.runtime(), beside.join());
  return is_over && !ended;
}

TEST(CommitMishaps, CompactEndsWhenACachedCommitFroze) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_at(durability::cached));
  life.shell("s").put("k", "v");
  life.env().open_segmented_store("s").seal_hint(0);
  life.commit();
  EXPECT_TRUE(compacts(life));
  life.close();
}

TEST(CommitMishaps, CompactDoesNotWaitForACallThatChangedNothing) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  life.shell("s").put("k", "v");
  life.commit();
  life.shell("s").erase("missing");
  EXPECT_THROW(life.shell("s").put(std::string(70'000, 'k'), "v"), std::system_error);
  EXPECT_TRUE(compacts(life));
  life.close();
}

task<void> put_and_commit(environment& env, coro::runtime& runtime, bool& stop, int& rounds) {
  byte_store& store = env.open_byte_store("s");
  for (; !stop && rounds < 20'000; ++rounds) {
    co_await env.commit(durability::cached);
    co_await store.put(as_bytes("k"), as_bytes("v"));
    co_await coro::yield(runtime);
  }
  co_await env.commit(durability::cached);
}

task<void> compact_and_tell(environment& env, bool& done) {
  co_await env.compact();
  done = true;
}

TEST(CommitMishaps, CompactGoesWithTheCommitsOfABusyOwner) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_at(durability::cached));
  life.shell("s").put("k", "v");
  life.commit();
  bool done = false;
  int rounds = 0;
  coro::scope beside(life.runtime().queue());
  beside.spawn(compact_and_tell(life.env(), done));
  beside.spawn(put_and_commit(life.env(), life.runtime(), done, rounds));
  sync_wait(life.runtime(), beside.join());
  EXPECT_LT(rounds, 20'000);
  life.close();
}

TEST(CommitMishaps, CompactIsEndedByAnEnvironmentThatIsDropped) {
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  std::unique_ptr<environment> env =
      sync_wait(runtime, environment::open(runtime, small_options()));
  byte_store& store = env->open_byte_store("s");
  sync_wait(runtime, store.put(as_bytes("k"), as_bytes("v")));
  std::error_code ended;
  coro::scope beside(runtime.queue());
  beside.spawn(compact_beside(*env, {}, ended));
  while (runtime.turn()) {
  }
  ASSERT_EQ(beside.live(), 1U) << "it waits for the owner's cut";
  env.reset();
  while (runtime.turn()) {
  }
  sync_wait(runtime, beside.join());
  EXPECT_EQ(ended, errc::closed);
}

std::uint64_t journal_bytes_on(coro::sim_disk& disk) {
  std::uint64_t sum = 0;
  for (const auto& [path, content] : files_of(disk))
    sum += path.starts_with("state/journal-") ? content.size() : 0;
  return sum;
}

TEST(CommitMishaps, CompactLeavesNoFilesThatHoldNothing) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  life.shell("s").put("big", std::string(400'000, 'x'));
  life.commit();
  for (int i = 0; i < 60; ++i) {
    life.shell("s").put(numbered_text("k", i % 3), std::string(3000, 'a'));
    life.commit();
    life.let_work();
  }
  sync_wait(life.runtime(), life.env().compact());
  life.close();
  EXPECT_LE(journal_bytes_on(disk), 32'768U);
}

TEST(CommitMishaps, FullDiskIsToldToCachedCommits) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_at(durability::cached));
  life.engine().fail_from(life.engine().operations(), ENOSPC);
  int accepted = 0;
  const auto fill = [&] {
    for (; accepted < 200; ++accepted) {
      life.shell("s").put(numbered_text("k", accepted), std::string(200'000, 'x'));
      life.commit();
      life.let_work();
    }
  };
  EXPECT_THROW(fill(), std::system_error);
  EXPECT_LT(accepted, 20);
  life.kill();
}

TEST(CommitMishaps, LoggedCommitIsSyncedThoughALaterOneCannotBeWritten) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_at(durability::logged));
  life.shell("s").put("k", "1");
  const commit_sequence first = life.commit();
  ASSERT_EQ(life.env().last_logged(), first);
  life.shell("s").put("k", "2");
  life.engine().fail_kind(coro::io_kind::write, 1, ENOSPC);
  EXPECT_THROW(life.commit(), std::system_error);
  sync_wait(life.runtime(), life.env().wait_durable(first, durability::synced));
  EXPECT_EQ(life.env().last_durable(), first);
  life.kill();
}

TEST(CommitMishaps, CloseWritesWhatAFailureThatHasPassedHeldUp) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(options_at(durability::logged));
    life.shell("s").put("a", "1");
    life.commit();
    life.shell("s").put("k", "2");
    life.engine().fail_kind(coro::io_kind::write, 1, ENOSPC);
    EXPECT_THROW(life.commit(), std::system_error);
    life.close();
  }
  disk.power_cut();
  environment_life next(disk, 2);
  next.open();
  EXPECT_EQ(next.shell("s").get("a"), "1");
  EXPECT_EQ(next.shell("s").get("k"), "2");
  next.kill();
}

// As files_of() and disk_with(), with a directory in the place of the oldest journal file.
std::unique_ptr<coro::sim_disk> with_a_directory_for_the_oldest(const file_map& files) {
  std::uint64_t oldest = ~std::uint64_t{0};
  constexpr std::string_view start = "state/journal-";
  for (const auto& [path, content] : files) {
    if (path.starts_with(start))
      oldest = std::min<std::uint64_t>(oldest, std::stoull(path.substr(start.size())));
  }
  file_map odd = files;
  const std::string name = std::string(start) + std::to_string(oldest) + ".log";
  odd.erase(name);
  auto disk = disk_with(odd);
  coro::sim_runtime runtime(*disk, 1);
  sync_wait(runtime, coro::directory::make(runtime.io(), name));
  return disk;
}

TEST(CommitMishaps, DirectoryNamedAsAnOldJournalFileIsPassedOver) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    for (int i = 0; i < 60; ++i) {
      life.shell("s").put(numbered_text("k", i % 3), std::string(3000, 'a'));
      life.commit();
      life.let_work();
    }
    life.close();
  }
  const auto odd = with_a_directory_for_the_oldest(files_of(disk));
  {
    environment_life life(*odd, 2);
    life.open();
    for (int i = 0; i < 60; ++i) {
      life.shell("s").put(numbered_text("k", i % 3), std::string(3000, 'b'));
      life.commit();
      life.let_work();
    }
    life.kill();
  }
  environment_life next(*odd, 3);
  next.open();
  EXPECT_EQ(next.shell("s").get(numbered_text("k", 0)), std::string(3000, 'b'));
  next.kill();
}

TEST(CommitMishaps, JournalThatEndsInThePaddingOfItsLastFrameIsWhole) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    life.shell("s").put("k", "v");
    life.commit();
    life.kill();
  }
  for (const std::size_t bytes : {4095U, 3000U, 200U}) {
    file_map files = files_of(disk);
    files["state/journal-1.log"].resize(bytes);
    const auto shorter = disk_with(files);
    environment_life next(*shorter, 2);
    next.open();
    EXPECT_EQ(next.shell("s").get("k"), "v");
    EXPECT_FALSE(next.env().recovered().cut) << bytes;
    next.kill();
  }
}

// Of a frame that was written twice, because the first write failed at its end, the power cut may
// leave the first.
TEST(CommitMishaps, OlderAttemptAtAFrameThatWasNotSyncedIsNoDamage) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(options_at(durability::logged));
    for (int i = 1; i <= 3; ++i) {
      life.shell("s").put("k", std::to_string(i));
      life.commit();
      if (i == 1) sync_wait(life.runtime(), life.env().wait_durable(1, durability::synced));
    }
    life.kill();
  }
  file_map files = files_of(disk);
  std::string& image = files["state/journal-1.log"];
  auto header = detail::decode_frame_header(as_bytes(image).subspan(4096, 64));
  ASSERT_TRUE(header);
  ASSERT_EQ(header->sequence, 2U);
  detail::payload_writer older;
  older.put(1, 0, as_bytes("k"), as_bytes("older"));
  const bytes_view built = older.finish(*header);
  ASSERT_EQ(built.size(), 4096U);
  image.replace(4096, 4096, std::string(as_text(built)));
  const auto mixed = disk_with(files);
  environment_life next(*mixed, 2);
  next.open();
  EXPECT_EQ(next.env().recovered().sequence, 2U);
  EXPECT_TRUE(next.env().recovered().cut);
  EXPECT_EQ(next.shell("s").get("k"), "older");
  next.kill();
}

}  // namespace
}  // namespace lentic::test
