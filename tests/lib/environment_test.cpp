// SPDX-License-Identifier: Apache-2.0
#include "store_shell.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace lentic {
namespace {

using coro::sim_disk;
using coro::sim_runtime;
using test::numbered_text;

environment_options in_state() {
  environment_options options;
  options.directory = "state";
  return options;
}

task<std::string> read(byte_store& store, std::string key) {
  const std::optional<value_view> found = co_await store.get(as_bytes(key));
  if (!found) co_return "(none)";
  co_return std::string(as_text(*found));
}

task<void> put(byte_store& store, std::string key, std::string value) {
  co_await store.put(as_bytes(key), as_bytes(value));
}

task<std::string> dump(byte_store& store, direction order = direction::forward) {
  std::string text;
  cursor rows = store.scan(order);
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) break;
    for (const row& each : block) {
      text += as_text(each.key);
      text += '=';
      text += as_text(each.value);
      text += ' ';
    }
  }
  co_return text;
}

// A test on one simulated disk, with as many lives as it wants.
class Environment : public testing::Test {
 protected:
  std::unique_ptr<environment> open(sim_runtime& runtime,
                                    environment_options options = in_state()) {
    return sync_wait(runtime, environment::open(runtime, std::move(options)));
  }
  sim_disk disk{1};
};

TEST_F(Environment, ReopensAtTheLastCommit) {
  {
    sim_runtime life(disk, 1);
    auto env = open(life);
    byte_store& totals = env->open_byte_store("totals");
    sync_wait(life, put(totals, "a", "1"));
    env->set_position("input", as_bytes("row 1"));
    EXPECT_EQ(sync_wait(life, env->commit()), 1U);
    sync_wait(life, put(totals, "a", "2"));  // never committed
    sync_wait(life, env->close());
  }
  sim_runtime life(disk, 2);
  auto env = open(life);
  EXPECT_EQ(env->recovered().sequence, 1U);
  EXPECT_FALSE(env->recovered().cut);
  EXPECT_EQ(sync_wait(life, read(env->open_byte_store("totals"), "a")), "1");
  EXPECT_EQ(as_text(*env->position("input")), "row 1");
  sync_wait(life, env->close());
}

TEST_F(Environment, CommitWithNothingNewAnswersTheLastOne) {
  sim_runtime life(disk, 1);
  auto env = open(life);
  sync_wait(life, put(env->open_byte_store("s"), "k", "v"));
  EXPECT_EQ(sync_wait(life, env->commit()), 1U);
  EXPECT_EQ(sync_wait(life, env->commit()), 1U);
  EXPECT_EQ(env->statistics().commits, 1U);
  sync_wait(life, env->close());
}

TEST_F(Environment, OutboxIsDeliveredAgainUntilAcknowledged) {
  {
    sim_runtime life(disk, 1);
    auto env = open(life);
    env->append_output(as_bytes("line 1\n"));
    sync_wait(life, env->commit());
    env->append_output(as_bytes("line 2\n"));
    sync_wait(life, env->commit());
    env->acknowledge(1);
    env->set_position("p", as_bytes("x"));
    sync_wait(life, env->commit());
    sync_wait(life, env->close());
  }
  sim_runtime life(disk, 2);
  auto env = open(life);
  const auto batch = env->next_output(0);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->sequence, 2U);
  EXPECT_EQ(as_text(batch->output), "line 2\n");
  EXPECT_FALSE(env->next_output(2));
  sync_wait(life, env->close());
}

TEST_F(Environment, SealedSegmentServesFromItsRunAfterReopen) {
  {
    sim_runtime life(disk, 1);
    auto env = open(life);
    segmented_store& windows = env->open_segmented_store("windows");
    for (int i = 0; i < 1000; ++i)
      sync_wait(life, put(windows.segment(7), numbered_text("key", i), std::to_string(i)));
    windows.seal_hint(7);
    sync_wait(life, env->commit());
    while (env->statistics().runs_written == 0) ASSERT_TRUE(life.turn());
    sync_wait(life, put(windows.segment(7), "key5", "late"));
    const bool erased = sync_wait(life, windows.segment(7).erase(as_bytes("key6")));
    EXPECT_TRUE(erased);
    sync_wait(life, env->commit());
    sync_wait(life, env->close());
  }
  sim_runtime life(disk, 2);
  auto env = open(life);
  EXPECT_EQ(env->recovered().runs_mapped, 1U);
  byte_store& segment = env->open_segmented_store("windows").segment(7);
  EXPECT_EQ(sync_wait(life, read(segment, "key4")), "4");
  EXPECT_EQ(sync_wait(life, read(segment, "key5")), "late");
  EXPECT_EQ(sync_wait(life, read(segment, "key6")), "(none)");
  EXPECT_EQ(sync_wait(life, read(segment, "key999")), "999");
  sync_wait(life, env->close());
}

// Its walks are over a table that freezes, and over a run whose map goes.
TEST_F(Environment, ACursorGoesOnOverSealsAndEndsAtAClear) {
  sim_runtime life(disk, 1);
  auto env = open(life);
  segmented_store& store = env->open_segmented_store("s");
  byte_store& rows = store.segment(7);
  for (int i = 1000; i < 3000; ++i)
    sync_wait(life, put(rows, numbered_text("key", i), "0123456789abcdef0123456789abcdef0123"));
  cursor all = rows.scan();
  int seen = 0;
  const auto show_block = [&] {
    const std::span<const row> block = all.next().take();
    for (const row& each : block) {
      EXPECT_EQ(as_text(each.key), numbered_text("key", 1000 + seen));
      EXPECT_EQ(as_text(each.value), "0123456789abcdef0123456789abcdef0123");
      ++seen;
    }
    return block.size();
  };
  for (std::uint64_t seals = 1; seals <= 3; ++seals) {
    EXPECT_NE(show_block(), 0U);
    sync_wait(life, put(rows, "a", numbered_text("behind the cursor ", seals)));
    store.seal_hint(7);
    sync_wait(life, env->commit());
    EXPECT_NE(show_block(), 0U);
    while (env->statistics().runs_written < seals) ASSERT_TRUE(life.turn());
    EXPECT_NE(show_block(), 0U);
  }
  EXPECT_LT(seen, 1900);
  sync_wait(life, rows.clear());
  EXPECT_EQ(show_block(), 0U);
  sync_wait(life, env->close());
}

TEST_F(Environment, ClearOlderThanARunDoesNotVoidIt) {
  {
    sim_runtime life(disk, 1);
    auto env = open(life);
    segmented_store& store = env->open_segmented_store("s");
    sync_wait(life, put(store.segment(1), "old", "1"));
    sync_wait(life, env->commit());
    sync_wait(life, store.segment(1).clear());
    sync_wait(life, put(store.segment(1), "new", "2"));
    store.seal_hint(1);
    sync_wait(life, env->commit());
    while (env->statistics().runs_written == 0) ASSERT_TRUE(life.turn());
    sync_wait(life, env->close());
  }
  sim_runtime life(disk, 2);
  auto env = open(life);
  EXPECT_EQ(sync_wait(life, dump(env->open_segmented_store("s").segment(1))), "new=2 ");
  sync_wait(life, env->close());
}

TEST_F(Environment, DroppedSegmentsStayGone) {
  {
    sim_runtime life(disk, 1);
    auto env = open(life);
    segmented_store& store = env->open_segmented_store("s");
    for (segment_id id = 1; id < 6; ++id) sync_wait(life, put(store.segment(id), "k", "v"));
    store.seal_hint(1);
    sync_wait(life, env->commit());
    while (env->statistics().runs_written == 0) ASSERT_TRUE(life.turn());
    sync_wait(life, store.drop_below(3));
    EXPECT_THROW(store.segment(2), std::system_error);
    sync_wait(life, env->commit());
    sync_wait(life, env->close());
  }
  sim_runtime life(disk, 2);
  auto env = open(life);
  segmented_store& store = env->open_segmented_store("s");
  EXPECT_EQ(store.segments(0, 100), (std::vector<segment_id>{3, 4, 5}));
  EXPECT_EQ(store.drop_floor(), 3U);
  sync_wait(life, env->close());
  EXPECT_FALSE(disk.content("state/s/1-1.run"));
}

TEST_F(Environment, RecyclesJournalFilesAndKeepsWhatIsLive) {
  environment_options options = in_state();
  options.journal_file_bytes_max = 64 << 10;
  options.journal_growth_bytes = 16 << 10;
  options.journal_bytes_kept = 128 << 10;
  {
    sim_runtime life(disk, 1);
    auto env = open(life, options);
    byte_store& store = env->open_byte_store("s");
    sync_wait(life, put(store, "first", "kept"));
    env->append_output(as_bytes("undelivered"));
    for (int i = 0; i < 400; ++i) {
      sync_wait(life, put(store, numbered_text("k", i % 50), std::string(500, 'x')));
      sync_wait(life, env->commit());
    }
    EXPECT_LE(env->statistics().journal_files, 4U);
    sync_wait(life, env->close());
  }
  EXPECT_FALSE(disk.content("state/journal-1.log"));
  sim_runtime life(disk, 2);
  auto env = open(life, options);
  EXPECT_EQ(env->recovered().sequence, 400U);
  EXPECT_EQ(sync_wait(life, read(env->open_byte_store("s"), "first")), "kept");
  ASSERT_TRUE(env->next_output(0));
  EXPECT_EQ(as_text(env->next_output(0)->output), "undelivered");
  sync_wait(life, env->close());
}

task<void> commit_often(environment& env, byte_store& store, std::string key, int times) {
  const std::string value(3000, 'x');
  for (int i = 0; i < times; ++i) {
    co_await store.put(as_bytes(key), as_bytes(value));
    co_await env.commit();
  }
}

TEST_F(Environment, TwoCommittersDoNotKeepTheJournalFromBeingRecycled) {
  environment_options options = in_state();
  options.journal_file_bytes_max = 64 << 10;
  options.journal_growth_bytes = 16 << 10;
  options.journal_bytes_kept = 128 << 10;
  sim_runtime life(disk, 1);
  auto env = open(life, options);
  byte_store& store = env->open_byte_store("s");
  coro::scope both(life.queue());
  both.spawn(commit_often(*env, store, "a", 200));
  both.spawn(commit_often(*env, store, "b", 200));
  sync_wait(life, both.join());
  EXPECT_LE(env->statistics().journal_files, 5U);
  sync_wait(life, env->close());
}

// What closing came to: the last durable commit when it returned, or that it threw.
task<void> close_into(environment& env, std::string& outcome) {
  try {
    co_await env.close();
    outcome = std::to_string(env.last_durable());
  } catch (const std::system_error&) {
    outcome = "threw";
  }
}

task<void> close_and_destroy(std::unique_ptr<environment>& env) {
  co_await env->close();
  env.reset();
}

TEST_F(Environment, WhoeverClosesItWaitsUntilItIsClosed) {
  for (const bool failing : {false, true}) {
    sim_disk fresh(1);
    sim_runtime life(fresh, 1);
    auto env = open(life);
    sync_wait(life, put(env->open_byte_store("s"), "k", "v"));
    if (failing) life.engine().fail_kind(coro::io_kind::data_sync, 1, EIO);
    env->cut();
    std::string first;
    std::string second;
    coro::scope both(life.queue());
    both.spawn(close_into(*env, first));
    both.spawn(close_into(*env, second));
    EXPECT_EQ(first + second, "") << "the commit is in flight";
    EXPECT_THROW(env->open_byte_store("t"), std::system_error) << "no changes meanwhile";
    sync_wait(life, both.join());
    EXPECT_EQ(first, failing ? "threw" : "1");
    EXPECT_EQ(second, first);
  }
}

TEST_F(Environment, AnyOfTwoWhoCloseItMayDestroyIt) {
  sim_runtime life(disk, 1);
  auto env = open(life);
  sync_wait(life, put(env->open_byte_store("s"), "k", "v"));
  env->cut();
  coro::scope both(life.queue());
  both.spawn(close_and_destroy(env));
  both.spawn(close_and_destroy(env));
  sync_wait(life, both.join());
  EXPECT_EQ(env, nullptr);
}

TEST_F(Environment, SecondOpenIsRefusedAndNamesTheHolder) {
  sim_runtime life(disk, 1);
  auto env = open(life);
  try {
    open(life);
    FAIL() << "opened twice";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::in_use);
    EXPECT_NE(std::string(error.what()).find("process"), std::string::npos);
  }
  sync_wait(life, env->close());
}

TEST_F(Environment, WithoutADirectoryCommitIsReady) {
  sim_runtime life(disk, 1);
  auto env = open(life, environment_options());
  byte_store& store = env->open_byte_store("s");
  sync_wait(life, put(store, "k", "v"));
  maybe_ready<commit_sequence> done = env->commit();
  ASSERT_TRUE(done.ready());
  EXPECT_EQ(done.take(), 1U);
  EXPECT_EQ(env->statistics().bytes_written, 0U);
  sync_wait(life, env->close());
}

}  // namespace
}  // namespace lentic
