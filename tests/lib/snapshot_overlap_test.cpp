// SPDX-License-Identifier: Apache-2.0
// Snapshots while puts, erases and reads suspend and overlap.
#include "cache_rig.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace lentic::test {
namespace {

using opened = std::unique_ptr<live_snapshot>;

task<void> put(byte_store& store, std::string key, std::string value) {
  co_await store.put(as_bytes(key), as_bytes(value));
}

task<void> awaited(maybe_ready<void> work) {
  co_await std::move(work);
}

task<void> erase(byte_store& store, std::string key) {
  co_await store.erase(as_bytes(key));
}

task<void> open(snapshot_store& store, opened& into) {
  into = co_await store.open_snapshot();
}

task<void> get(byte_store& rows, std::string key, std::optional<std::string>& into) {
  const std::optional<bytes> found = co_await rows.get_copy(as_bytes(key));
  into = found ? std::string(as_text(*found)) : "none";
}

// A store whose every operation suspends before and behind its effect, and one with snapshots.
class SnapshotOverlap : public testing::Test {
 protected:
  void begin(task<void> work) { works_.spawn(std::move(work)); }
  void run() {
    task<void> all = works_.join();
    sync_wait(life_, std::move(all));
  }
  text_rows shown(byte_store& rows) { return store_shell(life_, rows).scan(); }
  text_rows now() { return store_shell(life_, inner_.rows).scan(); }

  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  slow_store inner_{life_.queue(), pace::suspends};
  std::unique_ptr<snapshot_store> store_ = make_snapshot_store(inner_, life_);
  coro::scope works_{life_.queue()};
};

TEST_F(SnapshotOverlap, OpenWaitsForThePutThatIsUnderWay) {
  opened then;
  begin(put(*store_, "a", "1"));
  EXPECT_FALSE(store_->open_snapshot().ready());
  begin(open(*store_, then));
  EXPECT_EQ(then, nullptr);
  run();
  ASSERT_NE(then, nullptr);
  begin(put(*store_, "a", "2"));
  run();
  EXPECT_EQ(shown(*then), (text_rows{{"a", "1"}}));
}

// Puts that come one behind the other leave no turn of the queue in between.
task<void> put_many(byte_store& store, int count) {
  const bytes key = to_bytes("k");
  for (int i = 0; i < count; ++i) {
    const bytes value = to_bytes(numbered_text("value ", i));
    co_await store.put(key, value);
  }
}

TEST_F(SnapshotOverlap, OpenIsNotStarvedByPutsThatFollowEachOther) {
  opened then;
  begin(put_many(*store_, 5));
  begin(open(*store_, then));
  run();
  ASSERT_NE(then, nullptr);
  EXPECT_EQ(shown(*then), (text_rows{{"k", "value 0"}}));
  EXPECT_EQ(now(), (text_rows{{"k", "value 4"}}));
}

TEST_F(SnapshotOverlap, PutsOfOneKeyThatOverlapSaveItsFirstValue) {
  begin(put(*store_, "k", "before"));
  run();
  opened then;
  begin(open(*store_, then));
  begin(put(*store_, "k", "1"));
  begin(put(*store_, "k", "2"));
  begin(erase(*store_, "k"));
  begin(put(*store_, "new", "3"));
  begin(erase(*store_, "new"));
  run();
  EXPECT_EQ(shown(*then), (text_rows{{"k", "before"}}));
}

// Rows of which one get, or one block of a cursor, takes its time: it reads what is there at its
// end.
class late_rows final : public byte_store {
 public:
  explicit late_rows(coro::run_queue& queue) noexcept : gate(queue) {}

  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    if (std::exchange(next_is_late, false)) return get_late(key);
    return rows.get(key);
  }
  maybe_ready<void> put(bytes_view key, bytes_view value) override { return rows.put(key, value); }
  maybe_ready<bool> erase(bytes_view key) override { return rows.erase(key); }
  cursor range(const key_range& range, direction order) override {
    return cursor(std::make_unique<late_cursor>(*this, rows.range(range, order)));
  }
  maybe_ready<void> clear() override { return rows.clear(); }
  std::uint64_t approximate_count() const override { return rows.approximate_count(); }
  std::uint64_t size_bytes() const override { return rows.size_bytes(); }

  memory_store rows;
  coro::event gate;
  bool next_is_late = false;

 private:
  class late_cursor final : public cursor_source {
   public:
    late_cursor(late_rows& store, cursor inner) : store_(store), inner_(std::move(inner)) {}
    maybe_ready<std::span<const row>> next() override {
      if (std::exchange(store_.next_is_late, false)) return next_late();
      return inner_.next();
    }

   private:
    task<std::span<const row>> next_late() {
      co_await store_.gate.wait();
      co_return co_await inner_.next();
    }
    late_rows& store_;
    cursor inner_;
  };

  task<std::optional<value_view>> get_late(bytes_view key) {
    co_await gate.wait();
    co_return co_await rows.get(key);
  }
};

task<void> read_all(cursor rows, text_rows& into) {
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) co_return;
    for (const row& each : block) into.emplace_back(as_text(each.key), as_text(each.value));
  }
}

TEST_F(SnapshotOverlap, AReadThatIsOvertakenByAPutShowsTheOldValue) {
  late_rows inner(life_.queue());
  const auto store = make_snapshot_store(inner, life_);
  for (const char* const key : {"a", "k", "z"})
    store->put(as_bytes(key), as_bytes("before")).take();
  const opened then = store->open_snapshot().take();
  std::optional<std::string> found;
  inner.next_is_late = true;
  begin(get(*then, "k", found));
  std::optional<std::string> missing;
  inner.next_is_late = true;
  begin(get(*then, "l", missing));
  text_rows rows;
  inner.next_is_late = true;
  begin(read_all(then->scan(), rows));
  store->put(as_bytes("k"), as_bytes("after")).take();
  store->put(as_bytes("l"), as_bytes("new")).take();
  store->erase(as_bytes("z")).take();
  inner.gate.set();
  run();
  EXPECT_EQ(found, "before");
  EXPECT_EQ(missing, "none");
  EXPECT_EQ(rows, (text_rows{{"a", "before"}, {"k", "before"}, {"z", "before"}}));
}

TEST_F(SnapshotOverlap, AReadUnderWayOfASnapshotThatIsClosedExpires) {
  begin(put(*store_, "k", "before"));
  run();
  opened then;
  begin(open(*store_, then));
  run();
  std::optional<std::string> found;
  begin(get(*then, "k", found));
  then.reset();
  EXPECT_THROW(run(), std::system_error);
  EXPECT_EQ(found, std::nullopt);
}

TEST_F(SnapshotOverlap, ASnapshotOfAStoreThatIsGoneExpires) {
  opened then;
  begin(open(*store_, then));
  run();
  cursor rows = then->scan();
  store_.reset();
  EXPECT_TRUE(then->expired());
  EXPECT_THROW(static_cast<void>(then->get(as_bytes("k"))), std::system_error);
  EXPECT_THROW(static_cast<void>(rows.next()), std::system_error);
}

TEST_F(SnapshotOverlap, APutThatFailsLeavesSnapshotsRight) {
  begin(put(*store_, "k", "before"));
  run();
  opened then;
  begin(open(*store_, then));
  run();
  for (const std::uint64_t call : {1U, 2U}) {  // the read of the old value, the put
    inner_.trouble.fail_at(call);
    begin(put(*store_, "k", "failed"));
    EXPECT_THROW(run(), std::system_error);
    EXPECT_EQ(shown(*then), (text_rows{{"k", "before"}}));
    EXPECT_TRUE(store_->open_snapshot().ready()) << "nothing is under way";
  }
  begin(put(*store_, "k", "after"));
  run();
  EXPECT_EQ(shown(*then), (text_rows{{"k", "before"}}));
}

TEST_F(SnapshotOverlap, APutThatIsNeverAwaitedIsOverWithItsTask) {
  {
    const maybe_ready<void> never = store_->put(as_bytes("k"), as_bytes("v"));
    EXPECT_FALSE(store_->open_snapshot().ready());
  }
  EXPECT_TRUE(store_->open_snapshot().ready());
}

TEST_F(SnapshotOverlap, APutMayTakeItsValueFromASnapshotThatExpiresMeanwhile) {
  memory_store rows;
  const auto store = make_snapshot_store(rows, life_);
  const std::string long_value(5000, 'v');
  store->put(as_bytes("a"), as_bytes(long_value)).take();
  snapshot_limits limits;
  limits.max_age_ms = 1000;
  const opened then = store->open_snapshot(limits).take();
  store->put(as_bytes("a"), as_bytes("changed")).take();
  const bytes_view saved = *then->get(as_bytes("a")).take();
  life_.advance_ms(1000);
  store->put(as_bytes("a"), saved).take();
  EXPECT_EQ(store_shell(life_, rows).get("a"), long_value);
  const opened next = store->open_snapshot(limits).take();
  store->put(as_bytes("b"), as_bytes("any")).take();
  store->put(as_bytes("a"), as_bytes("changed")).take();
  const bytes_view again = *next->get(as_bytes("a")).take();
  life_.advance_ms(1000);
  store->put(as_bytes("c"), again).take();
  EXPECT_EQ(store_shell(life_, rows).get("c"), long_value);
  EXPECT_TRUE(then->expired());
  EXPECT_TRUE(next->expired());
}

// What the put saves ends the snapshot that its value lies in, and its own key and value stay.
TEST_F(SnapshotOverlap, APutThatReadsFirstKeepsItsKeyAndValue) {
  const std::string long_value(5000, 'v');
  begin(put(*store_, "a", long_value));
  begin(put(*store_, "c", "cold"));
  run();
  snapshot_limits limits;
  limits.max_age_ms = 1000;
  maybe_ready<opened> opening = store_->open_snapshot(limits);
  ASSERT_TRUE(opening.ready());
  const opened then = opening.take();
  begin(put(*store_, "a", "changed"));
  run();
  maybe_ready<std::optional<value_view>> reading = then->get(as_bytes("a"));
  ASSERT_TRUE(reading.ready());
  const std::optional<value_view> saved = reading.take();
  maybe_ready<void> putting = store_->put(as_bytes("c"), *saved);
  ASSERT_FALSE(putting.ready());
  life_.advance_ms(1000);
  begin(awaited(std::move(putting)));
  run();
  EXPECT_TRUE(then->expired());
  EXPECT_EQ(now(), (text_rows{{"a", "changed"}, {"c", long_value}}));
}

TEST_F(SnapshotOverlap, AnOpenThatOutlivesItsStoreShowsNothing) {
  opened then;
  begin(put(*store_, "k", "v"));
  begin(open(*store_, then));
  store_.reset();
  run();
  ASSERT_NE(then, nullptr);
  EXPECT_TRUE(then->expired());
  EXPECT_THROW(static_cast<void>(then->get(as_bytes("k"))), std::system_error);
}

TEST_F(SnapshotOverlap, APutThatIsTooLargeIsNoChange) {
  memory_store rows;
  const auto store = make_snapshot_store(rows, life_);
  store->put(as_bytes("abcde"), as_bytes("v")).take();
  const opened first = store->open_snapshot().take();
  opened second = store->open_snapshot().take();
  const std::string long_key = "abcde" + std::string(131'072, 'x');  // what a record would cut off
  EXPECT_THROW(static_cast<void>(store->put(as_bytes(long_key), as_bytes("v"))), std::system_error);
  EXPECT_EQ(shown(*second), (text_rows{{"abcde", "v"}}));
  second.reset();
  EXPECT_EQ(shown(*first), (text_rows{{"abcde", "v"}}));
  EXPECT_EQ(first->bytes(), 0U);
}

// Random writers that overlap, and readers: what a snapshot shows never changes, and is what the
// store holds where the snapshot opens at once.
class overlap_story {
 public:
  overlap_story(coro::sim_runtime& life, slow_store& inner, snapshot_store& store,
                byte_store& writes, std::uint64_t seed)
      : life_(life), inner_(inner), store_(store), writes_(writes), random_(seed) {}

  static task<void> write(overlap_story& self, int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::string key = self.some_key();
      const std::string value = numbered_text("value ", self.random_.below(1000));
      if (self.random_.below(3) == 0) {
        co_await self.writes_.erase(as_bytes(key));
      } else {
        co_await self.writes_.put(as_bytes(key), as_bytes(value));
      }
      const std::uint64_t pause = self.random_.below(12);
      for (std::uint64_t turn = 0; turn < pause; ++turn) co_await yield(self.life_.queue());
    }
  }

  static task<void> read(overlap_story& self, int snapshots) {
    for (int i = 0; i < snapshots; ++i) {
      std::optional<text_rows> expected;
      maybe_ready<opened> pending = self.store_.open_snapshot();
      if (pending.ready()) {
        expected = self.rows_now();
        ++self.opened_at_once;
      }
      const opened then = co_await std::move(pending);
      for (int reads = 0; reads < 4; ++reads) {
        text_rows found;
        cursor rows = then->scan(direction::forward);
        for (;;) {
          const std::span<const row> block = co_await rows.next();
          if (block.empty()) break;
          for (const row& each : block) found.emplace_back(as_text(each.key), as_text(each.value));
        }
        if (!expected) expected = found;
        EXPECT_EQ(found, *expected) << "snapshot " << i << ", read " << reads;
        const std::string key = self.some_key();
        const std::optional<value_view> value = co_await then->get(as_bytes(key));
        std::optional<std::string> shown;
        for (const auto& [known, known_value] : *expected) {
          if (known == key) shown = known_value;
        }
        EXPECT_EQ(value.has_value(), shown.has_value()) << key;
        if (value && shown) {
          EXPECT_EQ(as_text(*value), *shown);
        }
      }
    }
  }

  int opened_at_once = 0;

 private:
  std::string some_key() { return numbered_text("k", random_.below(12)); }
  text_rows rows_now() { return store_shell(life_, inner_.rows).scan(); }

  coro::sim_runtime& life_;
  slow_store& inner_;
  snapshot_store& store_;
  byte_store& writes_;
  coro::sim_random random_;
};

TEST_F(SnapshotOverlap, WhatASnapshotShowsNeverChanges) {
  int opened_at_once = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    overlap_story story(life_, inner_, *store_, *store_, seed);
    for (int writer = 0; writer < 3; ++writer) begin(overlap_story::write(story, 60));
    for (int reader = 0; reader < 2; ++reader) begin(overlap_story::read(story, 8));
    run();
    opened_at_once += story.opened_at_once;
  }
  EXPECT_GT(opened_at_once, 20);
}

}  // namespace
}  // namespace lentic::test
