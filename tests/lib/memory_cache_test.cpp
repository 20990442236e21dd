// SPDX-License-Identifier: Apache-2.0
// A memory budget and the caches that are bound to it: what they give up, what their flushes may
// take, and how puts through a fused cache wait for room.
#include "memory_rig.hpp"

#include <lentic/coro/scope.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

// --- caches ----------------------------------------------------------------------------------

// Puts each change into a store downstream.
class downstream final : public change_listener {
 public:
  explicit downstream(byte_store& target) : target_(&target) {}
  maybe_ready<void> on_change(const change& told) override {
    return target_->put(told.key, told.new_value.value_or(bytes_view()));
  }

 private:
  byte_store* target_;
};

TEST_F(BoundCache, CleanEntriesGoFirst) {
  open_cache();
  for (int number = 0; number < 300; ++number)
    cached().put(numbered_text("key", number), std::string(500, 'c'));
  sync_wait(life_->runtime(), store_->flush());
  life_->commit();
  EXPECT_GT(held(memory_holder::caches), 150'000U);
  const std::uint64_t runs = env().statistics().runs_written;
  const commit_sequence commits = env().last_durable();
  int number = 0;
  const std::uint64_t before = held(memory_holder::caches);
  while (held(memory_holder::caches) == before && put("s", 1, number, 1000) == "done") ++number;
  EXPECT_LT(held(memory_holder::caches), before);
  EXPECT_EQ(env().statistics().runs_written, runs) << "nothing had to go to disk";
  EXPECT_EQ(env().last_durable(), commits);
  close();
}

TEST_F(BoundCache, AFlushAtTheLimitDrawsOnTheReserve) {
  open();
  downstream listener(env().open_byte_store("below"));
  life_->close();
  open_cache();
  store_.reset();
  downstream below(env().open_byte_store("below"));
  caching_options options;
  options.listener = &below;
  store_ =
      make_caching_store(caching::fused, env().open_byte_store("cached"), cache_, "f", options);
  for (int number = 0; number < 20; ++number)
    cached().put(numbered_text("dirty", number), std::string(500, 'c'));
  fill("s");
  EXPECT_EQ(put("below", 0, 1, 1000), over);
  sync_wait(life_->runtime(), store_->flush());
  EXPECT_EQ(store_->dirty_count(), 0U);
  EXPECT_EQ(store_shell(life_->runtime(), env().open_byte_store("below")).scan().size(), 20U);
  EXPECT_LE(env().statistics().memory_bytes_max, mebibyte);
  EXPECT_EQ(put("below", 0, 1, 1000), over) << "nobody else may";
  close();
}

// Clean entries go to make room for output, and what is put out may be the value of one.
TEST_F(BoundCache, OutputMayBeWhatACleanEntryShows) {
  const std::string large(150'000, 'l');
  open_cache();
  cached().put("large", large);
  cached().put("other", std::string(160'000, 'o'));
  sync_wait(life_->runtime(), store_->flush());
  life_->commit();
  for (int number = 0; env().memory()->admits(1000); ++number)
    ASSERT_EQ(put("s", 1, number, 900), "done");
  ASSERT_GT(held(memory_holder::caches), large.size());
  maybe_ready<std::optional<value_view>> shown = store_->get(as_bytes("large"));
  ASSERT_TRUE(shown.ready());
  const std::optional<value_view> value = shown.take();
  ASSERT_TRUE(value);
  env().append_output(*value);
  ASSERT_LT(held(memory_holder::caches), large.size());
  const commit_sequence last = env().last_durable();
  life_->commit();
  const std::optional<outbox_batch> batch = env().next_output(last);
  ASSERT_TRUE(batch);
  EXPECT_EQ(as_text(batch->output), large);
  close();
}

// --- a cache whose entries are the rows --------------------------------------------------------

// What it is told, and a put of its own into a store that nothing waits for.
class told_keys final : public change_listener {
 public:
  maybe_ready<void> on_change(const change& told) override {
    keys.emplace_back(as_text(told.key));
    old_values.push_back(told.old_value ? std::string(as_text(*told.old_value)) : "none");
    return {};
  }

  std::vector<std::string> keys;
  std::vector<std::string> old_values;
};

class TouchingPuts : public BoundCache {
 protected:
  void open_fused() {
    open();
    cache_.bind(env().memory());
    open_store(env().open_segmented_store("s").segment(2));
  }
  void open_store(byte_store& below) {
    caching_options options;
    options.listener = &told_;
    store_ = make_caching_store(caching::fused, below, cache_, "f", options);
  }
  // Until there is no room; a frame is in flight then that freezes the rows.
  void fill_and_cut() {
    int number = 0;
    while (env().memory()->admits(1000)) ASSERT_EQ(put("s", 1, number++, 1000), "done");
    env().cut();
  }

  told_keys told_;
};

TEST_F(TouchingPuts, WaitForRoomInOrder) {
  open_fused();
  cached().put("waiting0", "old");
  fill_and_cut();
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  for (int number = 0; number < 5; ++number) waiting.spawn(put_and_note(*store_, number, notes));
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(env().memory()->waiters(), 5U);
  sync_wait(life_->runtime(), waiting.join());
  EXPECT_EQ(notes, (std::vector<std::string>{"put 0", "put 1", "put 2", "put 3", "put 4"}));
  EXPECT_EQ(cached().get("waiting3"), std::string(1000, 'w'));
  sync_wait(life_->runtime(), store_->flush());
  EXPECT_EQ(told_.keys,
            (std::vector<std::string>{"waiting0", "waiting1", "waiting2", "waiting3", "waiting4"}));
  life_->commit();
  close();
}

task<void> erase_and_note(byte_store& store, std::string key, std::vector<std::string>& notes) {
  const bool existed = co_await store.erase(as_bytes(key));
  notes.push_back(existed ? "erased" : "not there");
}

TEST_F(TouchingPuts, ErasesWaitAsWell) {
  open_fused();
  cached().put("there", "row");
  sync_wait(life_->runtime(), store_->flush());
  fill_and_cut();
  std::uint64_t taken = 0;
  for (; env().memory()->admits(5); taken += 5) env().memory()->charge(memory_holder::seals, 5);
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  waiting.spawn(erase_and_note(*store_, "there", notes));
  EXPECT_TRUE(notes.empty());
  env().memory()->credit(memory_holder::seals, taken);
  sync_wait(life_->runtime(), waiting.join());
  EXPECT_EQ(notes, (std::vector<std::string>{"erased"}));
  EXPECT_EQ(cached().get("there"), std::nullopt);
  sync_wait(life_->runtime(), store_->flush());
  EXPECT_EQ(told_.old_values, (std::vector<std::string>{"none", "row"}));
  close();
}

TEST_F(TouchingPuts, NoFlushWaitsForOneThatWaits) {
  open_fused();
  cached().put("dirty", "row");
  fill_and_cut();
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  waiting.spawn(put_and_note(*store_, 0, notes));
  EXPECT_EQ(env().memory()->waiters(), 1U);
  maybe_ready<std::uint64_t> flushed = store_->flush();
  ASSERT_TRUE(flushed.ready());
  EXPECT_EQ(flushed.take(), 1U);
  EXPECT_TRUE(notes.empty());
  sync_wait(life_->runtime(), waiting.join());
  EXPECT_EQ(notes, (std::vector<std::string>{"put 0"}));
  close();
}

TEST_F(TouchingPuts, AreNotAppliedToASegmentThatIsDropped) {
  open_fused();
  fill_and_cut();
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  waiting.spawn(put_and_note(*store_, 0, notes));
  life_->drop_below("s", 3);
  sync_wait(life_->runtime(), waiting.join());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("segment 2 was dropped"), std::string::npos) << notes[0];
  close();
}

// Its row went into a run while it waited: the old value is read again.
TEST_F(TouchingPuts, FindTheirRowWhereItWent) {
  open_fused();
  for (int number = 0; number < 300; ++number)
    cached().put(numbered_text("waiting", number), std::string(1000, 'o'));
  sync_wait(life_->runtime(), store_->flush());
  life_->commit();
  told_.old_values.clear();
  int number = 0;
  while (env().memory()->admits(1000)) ASSERT_EQ(put("s", 1, number++, 1000), "done");
  const std::uint64_t runs = env().statistics().runs_written;
  std::vector<std::string> notes;
  coro::scope waiting(life_->runtime().queue());
  env().forget_residency();
  waiting.spawn(put_and_note(*store_, 7, notes));
  sync_wait(life_->runtime(), waiting.join());
  EXPECT_EQ(notes, (std::vector<std::string>{"put 7"}));
  EXPECT_GT(env().statistics().runs_written, runs);
  sync_wait(life_->runtime(), store_->flush());
  EXPECT_EQ(told_.old_values, (std::vector<std::string>{std::string(1000, 'o')}));
  close();
}

// Rows that were committed and not told hold the memory that a seal would free: they are told
// first.
TEST_F(TouchingPuts, WhatWasNotToldIsToldWhereNothingElseCanGo) {
  open_fused();
  for (int number = 0; number < 300; ++number)
    cached().put(numbered_text("untold", number), std::string(1000, 'u'));
  life_->commit();
  const int others = fill("s");
  EXPECT_TRUE(told_.keys.empty());
  EXPECT_EQ(put("s", 0, others, 1000), over) << "it is not this store's to tell";
  cached().put("more", std::string(1000, 'm'));
  EXPECT_EQ(told_.keys.size(), 300U);
  EXPECT_EQ(env().statistics().runs_written, 1U);
  EXPECT_EQ(cached().get("untold7"), std::string(1000, 'u'));
  close();
}

TEST_F(TouchingPuts, TheLogAndItsTablesAreCountedAndRowsOnce) {
  open_fused();
  for (int number = 0; number < 100; ++number)
    cached().put(numbered_text("key", number), std::string(1000, 'o'));
  EXPECT_GT(store_->dirty_bytes(), 100'000U);
  const std::uint64_t log = held(memory_holder::caches);
  EXPECT_GT(log, 100 * 32U);
  EXPECT_LT(log, 100'000U) << "values are counted as rows";
  life_->seal("s", 2);
  EXPECT_GT(held(memory_holder::caches), log + 100'000U) << "the old table is kept";
  EXPECT_EQ(held(memory_holder::frozen_rows), 0U);
  sync_wait(life_->runtime(), store_->flush());
  EXPECT_LE(held(memory_holder::caches), log);
  store_.reset();
  EXPECT_EQ(held(memory_holder::caches), 0U);
  life_->close();
}

// The account of an environment goes with it, the cache's log does not.
TEST_F(TouchingPuts, ACacheThatWasNotBoundOutlivesTheAccount) {
  open();
  thread_cache alone(life_->runtime().queue(), 100 * mebibyte);
  caching_options options;
  auto cached = make_caching_store(caching::fused, env().open_byte_store("b"), alone, "f", options);
  store_shell(life_->runtime(), *cached).put("key", std::string(1000, 'o'));
  life_->seal("b", 0);
  EXPECT_GT(held(memory_holder::caches), 1000U);
  life_->close();
  cached.reset();
}

}  // namespace
}  // namespace lentic::test
