// SPDX-License-Identifier: Apache-2.0
// Operations of a caching_store that overlap, fail while they are under way, or whose task lives
// longer than they do.
#include "cache_rig.hpp"

#include <lentic/coro/scope.hpp>

#include <gtest/gtest.h>

namespace lentic::test {
namespace {

using lines = std::vector<std::string>;

class CacheOverlap : public testing::TestWithParam<cache_setting> {};

INSTANTIATE_TEST_SUITE_P(
    Modes, CacheOverlap,
    testing::Values(cache_setting{caching::kafka, pace::ready},
                    cache_setting{caching::kafka, pace::suspends},
                    cache_setting{caching::fused, pace::ready},
                    cache_setting{caching::fused, pace::suspends},
                    cache_setting{caching::fused, pace::ready, offer::touching},
                    cache_setting{caching::fused, pace::suspends, offer::touching}),
    [](const auto& setting) { return name_of(setting.param); });

// The frame of the first flush lives until the function ends.
task<std::uint64_t> flush_and_keep_the_task(caching_store& store) {
  maybe_ready<std::uint64_t> kept = store.flush();
  co_await kept;
  const bytes key = to_bytes("b");
  co_await store.put(key, key);
  const std::uint64_t second = co_await store.flush();
  co_return second;
}

TEST_P(CacheOverlap, AFlushIsOverWhereItEndsThoughItsTaskIsKept) {
  cache_rig rig(GetParam());
  rig.put("a", "1");
  EXPECT_EQ(rig.wait(flush_and_keep_the_task(*rig.store)), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "b: - > b"}));
}

template <class Answer>
task<bool> fail_and_flush(caching_store& store, maybe_ready<Answer> kept) {
  bool failed = false;
  try {
    co_await kept;
  } catch (const std::system_error&) {
    failed = true;
  }
  co_await store.flush();
  co_return failed;
}

TEST(SlowFusedStore, AFlushDoesNotWaitForAPutThatFailedThoughItsTaskIsKept) {
  const std::pair<std::string_view, std::uint64_t> failing[] = {
      {"dirty", 1}, {"fresh", 1}, {"fresh", 2}};
  for (const auto& [key, call] : failing) {
    SCOPED_TRACE(std::string(key) + ", call " + std::to_string(call));
    cache_rig rig({caching::fused, pace::suspends});
    rig.put("dirty", "1");
    rig.inner.trouble.fail_at(call);
    const bytes_view changed = as_bytes(key);
    EXPECT_TRUE(rig.wait(fail_and_flush(*rig.store, rig.store->put(changed, changed))));
    EXPECT_EQ(rig.listener.lines(), (lines{"dirty: - > 1"}));
  }
}

TEST(SlowFusedStore, AFlushDoesNotWaitForAnEraseThatFailedThoughItsTaskIsKept) {
  for (const std::uint64_t call : {1U, 2U}) {
    cache_rig rig({caching::fused, pace::suspends});
    rig.put("k", "1");
    rig.inner.trouble.fail_at(call);
    EXPECT_TRUE(rig.wait(fail_and_flush(*rig.store, rig.store->erase(as_bytes("k")))));
    EXPECT_EQ(rig.listener.lines(), (lines{"k: - > 1"}));
  }
}

TEST_P(CacheOverlap, PutIfAbsentWhoseFlushWaitsForTheListenerHasPutAndIsToldOnce) {
  cache_rig rig(GetParam(), 0);
  rig.listener.be_slow();
  EXPECT_TRUE(rig.shell().put_if_absent("k", "1"));
  EXPECT_EQ(rig.listener.lines(), (lines{"k: - > 1"}));
  EXPECT_FALSE(rig.shell().put_if_absent("k", "2"));
  EXPECT_EQ(rig.get("k"), "1");
  EXPECT_EQ(rig.flush(), 0U);
}

// Another record is current by the time the operation ends.
TEST_P(CacheOverlap, AChangeCarriesTheContextOfItsCall) {
  for (const bool erases : {false, true}) {
    cache_rig rig(GetParam());
    rig.inner.rows.put(as_bytes("k"), as_bytes("1")).take();
    rig.current.timestamp_ms = 1;
    if (erases) {
      maybe_ready<bool> pending = rig.store->erase(as_bytes("k"));
      rig.current.timestamp_ms = 2;
      EXPECT_TRUE(rig.wait(std::move(pending)));
    } else {
      maybe_ready<void> pending = rig.store->put(as_bytes("k"), as_bytes("2"));
      rig.current.timestamp_ms = 2;
      rig.wait(std::move(pending));
    }
    EXPECT_EQ(rig.flush(), 1U);
    EXPECT_EQ(rig.listener.contexts.back().timestamp_ms, 1);
  }
}

TEST_P(CacheOverlap, ClearForgetsTheChangeThatItsListenerDidNotTake) {
  cache_rig rig(GetParam());
  rig.put("k", "1");
  rig.listener.trouble.fail_at(1);
  EXPECT_THROW(rig.flush(), std::system_error);
  EXPECT_EQ(rig.store->dirty_count(), 1U);
  rig.shell().clear();
  EXPECT_EQ(rig.store->dirty_count(), 0U);
  EXPECT_EQ(rig.flush(), 0U);
  EXPECT_EQ(rig.listener.lines(), lines());
}

TEST_P(CacheOverlap, AClearThatFailsBelowForgetsNothing) {
  cache_rig rig(GetParam());
  rig.put("k", "1");
  rig.inner.trouble.fail_at(1);
  EXPECT_THROW(rig.shell().clear(), std::system_error);
  EXPECT_EQ(rig.get("k"), "1");
  EXPECT_EQ(rig.flush(), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"k: - > 1"}));
}

TEST(KafkaStore, AKeyThatIsTheAnswerOfTheLastGetIsReadAndCachedAsItWas) {
  cache_rig rig({caching::kafka, pace::ready});
  rig.inner.rows.put(as_bytes("a"), as_bytes("b")).take();
  rig.inner.rows.put(as_bytes("b"), as_bytes("x")).take();
  const std::optional<value_view> next = rig.store->get(as_bytes("a")).take();
  ASSERT_TRUE(next.has_value());
  const std::optional<value_view> last = rig.store->get(*next).take();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(as_text(*last), "x");
  EXPECT_EQ(rig.get("b"), "x");
  EXPECT_EQ(rig.get("x"), std::nullopt);
}

// Reads when it is asked, and answers later: what it hands out may be old by then.
class early_store final : public byte_store {
 public:
  explicit early_store(byte_store& rows) noexcept : rows_(rows) {}

  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    const std::optional<value_view> found = rows_.get(key).take();
    return late(found ? to_bytes(*found) : bytes(), found.has_value());
  }
  maybe_ready<void> put(bytes_view key, bytes_view value) override { return rows_.put(key, value); }
  maybe_ready<bool> erase(bytes_view key) override { return rows_.erase(key); }
  cursor range(const key_range& range, direction order) override {
    return rows_.range(range, order);
  }
  maybe_ready<void> clear() override { return rows_.clear(); }
  std::uint64_t approximate_count() const override { return rows_.approximate_count(); }
  std::uint64_t size_bytes() const override { return rows_.size_bytes(); }

 private:
  task<std::optional<value_view>> late(bytes found, bool existed) {
    answer_ = std::move(found);
    if (!existed) co_return std::nullopt;
    co_return value_view(answer_);
  }

  byte_store& rows_;
  bytes answer_;
};

TEST(KafkaStore, WhatWasReadBeforeAFlushIsNotCachedBehindIt) {
  coro::sim_disk disk(1);
  coro::sim_runtime life(disk, 1);
  memory_store rows;
  rows.put(as_bytes("k"), as_bytes("old")).take();
  early_store inner(rows);
  thread_cache budget(life.queue(), 1 << 20);
  recorder listener(life.queue(), pace::ready);
  caching_options options;
  options.listener = &listener;
  const auto store = make_caching_store(caching::kafka, inner, budget, "cache", options);
  const bytes key = to_bytes("k");
  const bytes end = to_bytes("l");
  maybe_ready<std::optional<value_view>> reading = store->get(key);
  store->put(key, as_bytes("new")).take();
  sync_wait(life, store->retire_below(end));
  sync_wait(life, std::move(reading));
  EXPECT_EQ(store_shell(life, *store).get("k"), "new");
}

}  // namespace
}  // namespace lentic::test
