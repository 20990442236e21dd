// SPDX-License-Identifier: Apache-2.0
// Snapshots of segments that are dropped, of window stores, and against a memory budget.
#include "memory_rig.hpp"

#include <lentic/store/memory_store.hpp>
#include <lentic/store/prefixed_segments.hpp>
#include <lentic/store/snapshot_segments.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lentic::test {
namespace {

constexpr segment_id last_id = std::numeric_limits<segment_id>::max();

template <class Call>
std::string code_of(Call call) {
  try {
    call();
    return "done";
  } catch (const std::system_error& error) {
    return error.code().message();
  }
}

constexpr const char* expired = "snapshot has expired: open a new one";

class SnapshotSegments : public testing::TestWithParam<const char*> {
 protected:
  SnapshotSegments() {
    if (GetParam() == std::string("prefixed"))
      prefixed_ = sync_wait(life_, prefixed_segments::open(rows_));
    segmented_store& inner = prefixed_ ? static_cast<segmented_store&>(*prefixed_) : memory_;
    store_ = make_snapshot_segments(inner, life_);
  }

  store_shell shell(segmented_store& of, segment_id id) {
    return store_shell(life_, of.segment(id));
  }

  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_segments memory_;
  memory_store rows_;
  std::unique_ptr<prefixed_segments> prefixed_;
  std::unique_ptr<snapshot_segments> store_;
};

INSTANTIATE_TEST_SUITE_P(Over, SnapshotSegments, testing::Values("memory", "prefixed"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(SnapshotSegments, ADroppedSegmentIsLostAndTheOthersAreNot) {
  for (const segment_id id : {1U, 2U, 3U}) shell(*store_, id).put("k", "before");
  const auto then = sync_wait(life_, store_->open_snapshot());
  for (const segment_id id : {1U, 2U, 3U}) shell(*store_, id).put("k", "after");
  const std::uint64_t kept = then->bytes();
  cursor of_lost = then->segment(1).scan();
  cursor of_kept = then->segment(3).scan();
  sync_wait(life_, store_->drop_below(3));
  EXPECT_EQ(then->lost_below(), 3U);
  EXPECT_LT(then->bytes(), kept);
  EXPECT_EQ(code_of([&] { then->segment(1); }), expired);
  EXPECT_EQ(code_of([&] { then->find_segment(2); }), expired);
  EXPECT_EQ(code_of([&] { then->segments(0, last_id); }), expired) << "one would be left out";
  EXPECT_EQ(code_of([&] { static_cast<void>(of_lost.next()); }), expired);
  EXPECT_EQ(then->segments(3, last_id), std::vector<segment_id>{3});
  EXPECT_EQ(shell(*then, 3).get("k"), "before");
  EXPECT_EQ(store_shell(life_, then->segment(3)).rest(std::move(of_kept)),
            (text_rows{{"k", "before"}}));
  EXPECT_FALSE(then->expired());
  const auto next = sync_wait(life_, store_->open_snapshot());
  EXPECT_EQ(next->segments(0, last_id), std::vector<segment_id>{3});
  EXPECT_EQ(next->find_segment(1), nullptr);
}

TEST_P(SnapshotSegments, ASegmentThatCameLaterHasNoRows) {
  shell(*store_, 1).put("k", "before");
  const auto then = sync_wait(life_, store_->open_snapshot());
  shell(*store_, 2).put("k", "after");
  EXPECT_EQ(shell(*then, 2).scan(), text_rows());
  EXPECT_EQ(shell(*then, 7).get("k"), std::nullopt);
  EXPECT_EQ(then->find_segment(7), nullptr);
  EXPECT_EQ(shell(*then, 1).scan(), (text_rows{{"k", "before"}}));
  EXPECT_EQ(code_of([&] { static_cast<void>(then->drop_below(1)); }),
            make_error_code(errc::read_only).message());
}

TEST_P(SnapshotSegments, AWindowStoreReadsTheWindowsAsTheyWere) {
  windows::window_store_options options;
  options.window_size_ms = 10;
  options.retention_ms = 1000;
  options.segment_interval_ms = 100;
  windows::segmented_window_store store(*store_, options);
  const auto put = [&](windows::window_store& to, std::int64_t start, std::string_view value) {
    sync_wait(life_, to.put(as_bytes("key"), start, as_bytes(value)));
  };
  for (std::int64_t start = 0; start < 300; start += 10) put(store, start, "before");
  const auto then = sync_wait(life_, store_->open_snapshot());
  windows::segmented_window_store before(*then, options);
  before.restore(store.state());
  for (std::int64_t start = 200; start < 500; start += 10) put(store, start, "after");
  const auto found = sync_wait(life_, before.fetch(as_bytes("key"), 150, 1000));
  ASSERT_EQ(found.size(), 15U);
  for (const windows::window_entry& each : found) EXPECT_EQ(as_text(each.value), "before");
  EXPECT_EQ(code_of([&] { put(before, 200, "refused"); }),
            make_error_code(errc::read_only).message());
}

// One snapshot across a cache and its backend, through everything that moves rows.
TEST(SnapshotOfACache, StaysThroughFlushesCommitsSealsAndCompaction) {
  for (const caching mode : {caching::kafka, caching::fused}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    life.open();
    thread_cache budget(life.runtime().queue(), 50'000);
    caching_options options;
    options.send_old_values = false;
    auto cache = make_caching_store(mode, life.env().open_byte_store("s"), budget, "c", options);
    auto store = make_snapshot_store(*cache, life.runtime(), life.env().memory());
    store_shell shell(life.runtime(), *store);
    text_rows before;
    for (int i = 0; i < 2000; ++i)
      before.emplace_back(numbered_text("key", 10'000 + i), numbered_text("value ", i));
    for (const auto& [key, value] : before) shell.put(key, value);
    const auto then = sync_wait(life.runtime(), store->open_snapshot());
    for (int i = 0; i < 20'000; ++i) {
      const std::string key = numbered_text("key", 10'000 + i * 7 % 4000);
      if (i % 5 == 0) {
        shell.erase(key);
      } else {
        shell.put(key, numbered_text("later ", i));
      }
      if (i % 2500 == 0) {
        static_cast<void>(sync_wait(life.runtime(), cache->flush_with_old()));
        life.seal("s", 0);
      }
    }
    static_cast<void>(sync_wait(life.runtime(), cache->flush_with_old()));
    life.commit();
    sync_wait(life.runtime(), life.env().compact());
    life.env().forget_residency();
    EXPECT_TRUE(store_shell(life.runtime(), *then).scan() == before);
    store.reset();
    cache.reset();
    life.close();
  }
}

class SnapshotMemory : public MemoryBudget {
 protected:
  void open_store() {
    open();
    store_ = make_snapshot_store(env().open_byte_store("s"), life_->runtime(), env().memory());
  }
  std::string put_row(int number, std::size_t bytes_each) {
    return outcome_of([&] {
      store_shell(life_->runtime(), *store_)
          .put(numbered_text("key", number), std::string(bytes_each, 'v'));
    });
  }
  std::unique_ptr<live_snapshot> open_snapshot(std::uint64_t max_bytes = 0) {
    snapshot_limits limits;
    limits.max_bytes = max_bytes;
    return sync_wait(life_->runtime(), store_->open_snapshot(limits));
  }
  void close() {
    store_.reset();
    life_->close();
  }

  std::unique_ptr<snapshot_store> store_;
};

TEST_F(SnapshotMemory, WhatSnapshotsKeepIsChargedAndGivenBack) {
  open_store();
  for (int i = 0; i < 50; ++i) put_row(i, 1000);
  auto older = open_snapshot();
  auto newer = open_snapshot();
  for (int i = 0; i < 50; ++i) put_row(i, 10);
  EXPECT_EQ(held(memory_holder::snapshots), newer->bytes());
  EXPECT_GT(newer->bytes(), 50'000U);
  EXPECT_EQ(older->bytes(), 0U);
  newer.reset();
  EXPECT_EQ(held(memory_holder::snapshots), older->bytes());
  EXPECT_GT(older->bytes(), 50'000U);
  older.reset();
  EXPECT_EQ(held(memory_holder::snapshots), 0U);
  close();
}

TEST_F(SnapshotMemory, ASnapshotGivesWayOnlyWhenNothingElseCan) {
  open_store();
  for (int i = 0; i < 300; ++i) put_row(i, 1000);
  life_->commit();
  auto then = open_snapshot();
  for (int i = 0; i < 300; ++i) ASSERT_EQ(put_row(i, 10), "done");
  life_->commit();
  EXPECT_GT(held(memory_holder::snapshots), 300'000U);
  for (int i = 300; i < 900 && !env().wants_commit(); ++i) ASSERT_EQ(put_row(i, 1000), "done");
  life_->commit();
  EXPECT_FALSE(then->expired()) << "rows went to disk";
  int number = 1000;
  while (!then->expired() && put_row(number, 1000) == "done") ++number;
  EXPECT_TRUE(then->expired());
  EXPECT_EQ(held(memory_holder::snapshots), 0U);
  while (put_row(number, 1000) == "done") ++number;
  EXPECT_EQ(put_row(number, 1000), over) << "rows that are not committed are not given up";
  close();
}

TEST_F(SnapshotMemory, OverBudgetNamesThem) {
  open_store();
  memory_account& account = *env().memory();
  account.charge(memory_holder::snapshots, mebibyte);
  EXPECT_EQ(put_row(1, 1000), over);
  EXPECT_NE(message_.find("snapshots 1048576"), std::string::npos) << message_;
  account.credit(memory_holder::snapshots, mebibyte);
  close();
}

}  // namespace
}  // namespace lentic::test
