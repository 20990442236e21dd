// SPDX-License-Identifier: Apache-2.0
// Copies of a state in use: what is in them, what is refused, and what a failed operation, a crash
// or a close leaves of them. The source is never harmed.
#include "environment_life.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/coro/when_all.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>

namespace lentic::test {
namespace {

constexpr const char* copy_name = "copy";

environment_options copy_options(open_mode mode = open_mode::open_existing) {
  environment_options options = small_options(mode);
  options.directory = copy_name;
  return options;
}

commit_sequence checkpoint(environment_life& life, std::string to = copy_name) {
  return sync_wait(life.runtime(), life.env().checkpoint(std::move(to)));
}

// Some commits: rows in three stores, runs, a drop, an erase, output and a position.
void fill(environment_life& life, int from, int to) {
  for (int step = from; step < to; ++step) {
    const auto segment = static_cast<segment_id>(step / 4 + 1);
    life.shell("windows", segment).put(numbered_text("k", step % 3), numbered_text("v", step));
    life.shell("windows", segment + 1).put("shared", std::string(900, 'w'));
    life.shell("totals").put(numbered_text("t", step % 5), numbered_text("total ", step));
    if (step % 5 == 4) life.shell("totals").erase("t1");
    if (step % 7 == 6) life.env().open_segmented_store("totals").seal_hint(0);
    if (step % 4 == 2) life.env().open_segmented_store("windows").seal_hint(segment);
    if (step % 12 == 11) life.drop_below("windows", segment - 1);
    life.env().append_output(as_bytes(numbered_text("line ", step)));
    life.env().set_position("step", as_bytes(std::to_string(step)));
    life.commit();
    life.let_work();
  }
}

std::string everything(environment_life& life) {
  const auto position = life.env().position("step");
  std::string text = life.stored() + life.pending_output();
  return position ? text + std::string(as_text(*position)) : text;
}

std::string opened(coro::sim_disk& disk, const environment_options& options, std::uint64_t seed) {
  environment_life life(disk, seed);
  life.open(options);
  EXPECT_TRUE(life.env().recovered().quarantined.empty());
  EXPECT_FALSE(life.env().recovered().cut.has_value());
  const std::string text = everything(life);
  life.close();
  return text;
}

std::error_code refusal(environment_life& life, std::string to = copy_name) {
  try {
    checkpoint(life, std::move(to));
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

std::error_code refusal_to_open(coro::sim_disk& disk, open_mode mode) {
  environment_life life(disk, 99);
  try {
    life.open(copy_options(mode));
    life.close();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

TEST(Checkpoint, IsTheStateOfTheLastCommit) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life, 0, 30);
  const std::string before = everything(life);
  EXPECT_GT(life.env().statistics().runs_written, 0U);
  EXPECT_GT(life.env().statistics().journal_files, 1U);
  EXPECT_EQ(checkpoint(life), life.env().last_durable());
  life.shell("totals").put("later", "not in the copy");
  life.commit();
  EXPECT_EQ(opened(disk, copy_options(), 2), before);
  life.close();
}

TEST(Checkpoint, OfAnEmptyStateIsOne) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  EXPECT_EQ(checkpoint(life), 0U);
  EXPECT_EQ(opened(disk, copy_options(), 2), "");
  life.close();
}

// Runs are shared files; each of the two states seals, drops and removes on its own.
TEST(Checkpoint, AndItsSourceGoTheirOwnWays) {
  coro::sim_disk disk(1);
  std::string source;
  {
    environment_life life(disk, 1);
    life.open();
    fill(life, 0, 30);
    const std::uint64_t used = disk.used_bytes();
    checkpoint(life);
    std::uint64_t journal = 0;
    for (const auto& [path, content] : files_of(disk))
      journal += path.ends_with(".log") ? content.size() + 4096 : 0;
    EXPECT_LE(disk.used_bytes(), used + journal + 4096) << "runs take no room twice";
    environment_life other(disk, 2);
    other.open(copy_options());
    fill(other, 30, 70);
    const std::string copied = everything(other);
    other.close();
    life.drop_below("windows", 100);
    life.shell("totals").clear();
    life.commit();
    life.let_work();
    source = everything(life);
    EXPECT_EQ(opened(disk, copy_options(), 3), copied);
    life.close();
  }
  EXPECT_EQ(opened(disk, small_options(), 4), source);
}

TEST(Checkpoint, CopiesRunsWhereNoLinkIsPossible) {
  for (const int error : {EXDEV, EPERM, EMLINK, EOPNOTSUPP}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    life.open();
    fill(life, 0, 30);
    for (std::uint64_t n = 1; n < 100; ++n) life.engine().fail_kind(coro::io_kind::link, n, error);
    checkpoint(life);
    const std::string before = everything(life);
    life.close();
    disk.power_cut();
    EXPECT_EQ(opened(disk, copy_options(), 2), before);
  }
}

TEST(Checkpoint, OfAReaderIsThatOfItsCommit) {
  coro::sim_disk disk(1);
  std::string before;
  {
    environment_life life(disk, 1);
    life.open();
    fill(life, 0, 20);
    before = everything(life);
    life.close();
  }
  const file_map files = files_of(disk);
  environment_life reader(disk, 2);
  reader.open(small_options(open_mode::read_only));
  checkpoint(reader);
  reader.close();
  EXPECT_EQ(files_of(disk), files);
  EXPECT_EQ(opened(disk, copy_options(), 3), before);
}

// --- beside puts, commits, seals and drops ---

task<void> write_on(environment_life& life, std::map<commit_sequence, std::string>& steps,
                    int& step) {
  segmented_store& windows = life.env().open_segmented_store("windows");
  for (const int end = step + 12; step < end; ++step) {
    const auto segment = static_cast<segment_id>(step / 4 + 1);
    const std::string key = numbered_text("k", step % 3);
    const std::string value = std::string(700, 'z');
    co_await windows.segment(segment).put(as_bytes(key), as_bytes(value));
    if (step % 3 == 2) windows.seal_hint(segment);
    if (step % 6 == 5) co_await windows.drop_below(segment);
    const std::string position = std::to_string(step);
    life.env().set_position("step", as_bytes(position));
    const commit_sequence sequence = co_await life.env().commit();
    steps[sequence] = position;
    co_await coro::yield(life.runtime());
  }
}

task<commit_sequence> copy_beside(environment_life& life,
                                  std::map<commit_sequence, std::string>& steps, int& step) {
  std::string to = copy_name;
  task<commit_sequence> copying = life.env().checkpoint(std::move(to));
  task<void> writing = write_on(life, steps, step);
  const auto both = co_await coro::when_all(std::move(copying), std::move(writing));
  co_return std::get<0>(both);
}

TEST(Checkpoint, IsOneCommitWhileTheOwnerGoesOn) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    coro::sim_disk disk(seed, coro::sim_disk_options::drawn(seed));
    environment_life life(disk, seed);
    life.open();
    fill(life, 0, 16);
    std::map<commit_sequence, std::string> steps{{life.env().last_durable(), "15"}};
    int step = 16;
    const commit_sequence copied = sync_wait(life.runtime(), copy_beside(life, steps, step));
    ASSERT_TRUE(steps.contains(copied));
    life.let_work();
    const std::string source = everything(life);
    if (seed % 2 == 0) life.engine().cut_power();
    if (seed % 2 == 1) life.close();
    environment_life other(disk, seed + 1000);
    other.open(copy_options());
    EXPECT_EQ(other.env().recovered().sequence, copied);
    EXPECT_TRUE(other.env().recovered().quarantined.empty());
    const auto position = other.env().position("step");
    EXPECT_TRUE(position && as_text(*position) == steps.at(copied));
    other.close();
    EXPECT_EQ(opened(disk, small_options(), seed + 2000), source);
  }
}

// --- refusals ---

TEST(Checkpoint, IsRefusedWhereSomethingElseIs) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life, 0, 8);
  const std::string before = everything(life);
  sync_wait(life.runtime(), coro::directory::make(life.runtime().io(), "other"));
  disk.put_file("other/letter", "mine");
  disk.put_file("file", "mine");
  EXPECT_EQ(refusal(life, "other"), std::errc::directory_not_empty);
  EXPECT_EQ(refusal(life, "file"), std::errc::not_a_directory);
  EXPECT_EQ(refusal(life, "missing/copy"), std::errc::no_such_file_or_directory);
  EXPECT_EQ(refusal(life, "state"), std::errc::directory_not_empty) << "itself";
  EXPECT_EQ(refusal(life, "state/copy"), errc::invalid_argument);
  EXPECT_EQ(refusal(life), std::error_code());
  EXPECT_EQ(refusal(life), std::errc::directory_not_empty) << "a state that is whole";
  EXPECT_EQ(disk.content("other/letter"), "mine");
  EXPECT_EQ(opened(disk, copy_options(), 2), before);
  life.close();
}

// A directory of others in which only the name of the marker is ours.
TEST(Checkpoint, RemovesNothingThatItHasNotMade) {
  for (const char* const text :
       {"", "epoch 3", "A checkpoint is written here, or was interrupted.\n"}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    life.open();
    fill(life, 0, 4);
    sync_wait(life.runtime(), coro::directory::make(life.runtime().io(), copy_name));
    disk.put_file("copy/CHECKPOINT", text);
    disk.put_file("copy/weights", "mine");
    EXPECT_EQ(refusal(life), errc::not_a_state_directory) << text;
    EXPECT_EQ(disk.content("copy/weights"), "mine");
    life.close();
  }
}

TEST(Checkpoint, InMemoryClosedOrPoisonedIsRefused) {
  coro::sim_disk disk(1);
  environment_life memory(disk, 1);
  memory.open(environment_options());
  EXPECT_EQ(refusal(memory), errc::invalid_argument);
  memory.close();
  environment_life life(disk, 2);
  life.open();
  life.shell("s").put("k", "v");
  life.engine().fail_kind(coro::io_kind::data_sync, 1, EIO);
  EXPECT_THROW(life.commit(), std::system_error);
  EXPECT_EQ(refusal(life), errc::poisoned);
}

task<void> hold(coro::sim_runtime& runtime, coro::directory& home, coro::file& marker) {
  co_await coro::directory::make(runtime.io(), copy_name);
  home = co_await coro::directory::open(runtime.io(), copy_name, nullptr);
  const int flags = O_RDWR | O_CREAT;
  marker = co_await home.open_file("CHECKPOINT", flags);
  const int operation = LOCK_EX | LOCK_NB;
  co_await marker.try_lock(operation);
}

TEST(Checkpoint, IsRefusedWhereAnotherIsBeingWritten) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life, 0, 4);
  coro::directory home;
  coro::file marker;
  sync_wait(life.runtime(), hold(life.runtime(), home, marker));
  EXPECT_EQ(refusal(life), errc::in_use);
  EXPECT_EQ(refusal_to_open(disk, open_mode::create), errc::not_a_state_directory);
  sync_wait(life.runtime(), marker.close());
  EXPECT_EQ(refusal(life), std::error_code());
  life.close();
}

// As after a crash before the marker went: who opened it would lose it to the next checkpoint.
TEST(Checkpoint, IsNoStateWhileTheMarkerIsThere) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life, 0, 4);
  checkpoint(life);
  disk.put_file("copy/CHECKPOINT", "A checkpoint is written here, or was interrupted.\n");
  for (const open_mode mode : {open_mode::create, open_mode::open_existing, open_mode::read_only})
    EXPECT_EQ(refusal_to_open(disk, mode), errc::not_a_state_directory);
  fill(life, 4, 8);
  const std::string state = everything(life);
  EXPECT_EQ(refusal(life), std::error_code());
  EXPECT_EQ(opened(disk, copy_options(), 2), state);
  life.close();
}

task<void> copy_until_closed(environment_life& life, std::error_code& ended) {
  std::string to = copy_name;
  const result<commit_sequence> copied = co_await as_result(life.env().checkpoint(std::move(to)));
  ended = copied.error();
}

task<void> close_it(environment_life& life, const std::error_code& copy_ended) {
  co_await life.env().close();
  EXPECT_EQ(copy_ended, errc::closed) << "and it has ended when close() returns";
}

task<void> copy_and_close(environment_life& life) {
  std::error_code ended;
  task<void> copying = copy_until_closed(life, ended);
  task<void> closing = close_it(life, ended);
  co_await coro::when_all(std::move(copying), std::move(closing));
}

TEST(Checkpoint, EndsWithTheEnvironment) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  fill(life, 0, 20);
  const std::string before = everything(life);
  life.close();
  life.open(small_options(open_mode::read_only));  // whose close has little to wait for
  sync_wait(life.runtime(), copy_and_close(life));
  environment_life next(disk, 2);
  next.open();
  EXPECT_EQ(everything(next), before);
  EXPECT_EQ(refusal_to_open(disk, open_mode::create), errc::not_a_state_directory);
  checkpoint(next);
  EXPECT_EQ(opened(disk, copy_options(), 3), before);
  next.close();
}

// --- failed operations and crashes ---

// What is in the directory of the copy: nothing, the state, or something that says it is unfinished
// and that the next checkpoint replaces.
void expect_whole_or_refused(coro::sim_disk& disk, const std::string& state) {
  const std::error_code refused = refusal_to_open(disk, open_mode::open_existing);
  if (!refused) {
    EXPECT_EQ(opened(disk, copy_options(), 5), state);
    return;
  }
  EXPECT_EQ(refused, errc::not_a_state_directory) << refused.message();
  environment_life life(disk, 6);
  life.open();
  EXPECT_EQ(everything(life), state);
  checkpoint(life);
  life.close();
  EXPECT_EQ(opened(disk, copy_options(), 7), state);
}

enum class fault { once, from_then_on, no_space, kill, power_cut };

class CheckpointFailure : public testing::TestWithParam<fault> {};

void plan(coro::sim_engine& engine, fault what, std::uint64_t n) {
  if (what == fault::once) engine.fail_operation(n, EIO);
  if (what == fault::from_then_on) engine.fail_from(n, EIO);
  if (what == fault::no_space) engine.fail_from(n, ENOSPC);
  if (what == fault::kill) engine.kill_at(n);
  if (what == fault::power_cut) engine.cut_power_at(n);
}

TEST_P(CheckpointFailure, LeavesACopyThatIsWholeOrRefusedAndTheSourceAsItWas) {
  std::uint64_t failed = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(testing::Message() << "operation " << n << " of the checkpoint");
    coro::sim_disk disk(n, coro::sim_disk_options::drawn(n));
    std::string state;
    {
      environment_life life(disk, n);
      life.open();
      fill(life, 0, 14);
      state = everything(life);
      if (n % 3 == 0)  // the links of every third one fail, so that bytes are copied
        for (std::uint64_t i = 1; i < 30; ++i)
          life.engine().fail_kind(coro::io_kind::link, i, EXDEV);
      const std::uint64_t first = life.engine().operations();
      plan(life.engine(), GetParam(), first + n);
      if (refusal(life)) ++failed;
      const bool reached = life.engine().operations() >= first + n;
      if (!reached) break;  // what is planned would hit the source
      life.engine().fail_from(0, 0);
      if (!life.engine().is_off()) {
        life.shell("totals").put("after", "all");  // the source takes what it took before
        life.commit();
        life.shell("totals").erase("after");
        life.commit();
        EXPECT_EQ(everything(life), state);
        life.close();
      }
    }
    if (n % 2 == 0) disk.power_cut();
    expect_whole_or_refused(disk, state);
    if (HasFailure()) break;
  }
  EXPECT_GT(failed, 20U) << "the checkpoint is longer than that";
}

std::string name_of(fault what) {
  if (what == fault::once) return "EioOnce";
  if (what == fault::from_then_on) return "EioFromThenOn";
  if (what == fault::no_space) return "EnospcFromThenOn";
  return what == fault::kill ? "Kill" : "PowerCut";
}

INSTANTIATE_TEST_SUITE_P(Operations, CheckpointFailure,
                         testing::Values(fault::once, fault::from_then_on, fault::no_space,
                                         fault::kill, fault::power_cut),
                         [](const auto& each) { return name_of(each.param); });

TEST(Checkpoint, ACopyThatSucceededSurvivesAPowerCut) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    coro::sim_disk disk(seed, coro::sim_disk_options::drawn(seed));
    std::string state;
    {
      environment_life life(disk, seed);
      life.open();
      fill(life, 0, 10);
      if (seed % 2 == 0) life.engine().fail_kind(coro::io_kind::link, 1, EXDEV);
      state = everything(life);
      checkpoint(life);
      life.engine().cut_power();
    }
    ASSERT_EQ(opened(disk, copy_options(), seed + 1), state);
    ASSERT_EQ(opened(disk, small_options(), seed + 2), state);
  }
}

// --- damage ---

TEST(Checkpoint, OfAQuarantinedRunIsQuarantinedThereToo) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    life.shell("s", 1).put("k", "v");
    life.shell("s", 2).put("k", "v");
    life.seal("s", 1);
    life.seal("s", 2);
    life.close();
  }
  file_map files = files_of(disk);
  ASSERT_EQ(files.erase("state/s/1-1.run"), 1U);
  const auto damaged = disk_with(files);
  environment_life life(*damaged, 2);
  life.open();
  ASSERT_EQ(life.env().recovered().quarantined.size(), 1U);
  ASSERT_EQ(life.env().recovered().quarantined_runs.size(), 1U);
  EXPECT_EQ(life.env().recovered().quarantined_runs[0].store, "s");
  EXPECT_EQ(life.env().recovered().quarantined_runs[0].segment, 1U);
  const std::string stored = life.stored();
  checkpoint(life);
  life.close();
  environment_life other(*damaged, 3);
  other.open(copy_options());
  EXPECT_EQ(other.env().recovered().quarantined.size(), 1U);
  EXPECT_EQ(other.stored(), stored);
  other.close();
}

}  // namespace
}  // namespace lentic::test
