// SPDX-License-Identifier: Apache-2.0
// named_cache and thread_cache against Kafka's: the traces T1 to T5 by hand, and the sharp cases of
// NamedCacheTest and ThreadCacheTest, through caching::kafka where a listener is needed.
#include "cache_rig.hpp"

#include <lentic/cache/named_cache.hpp>

#include <gtest/gtest.h>

namespace lentic::test {
namespace {

using lines = std::vector<std::string>;
constexpr cache_setting exact{caching::kafka, pace::ready};

class NamedCache : public testing::Test {
 protected:
  void put(std::string_view key, std::string_view value, entry_state state = entry_state::dirty) {
    cache.put(as_bytes(key), as_bytes(value), state, record_context());
  }
  // The keys from the most recent on; empties the cache.
  std::string recent() {
    std::string keys;
    cache.begin_flush();
    while (const auto next = cache.next_dirty()) {
      const bytes key = to_bytes(next->key);
      cache.start(key);
      cache.landed(key);
    }
    cache.end_flush();
    while (const auto last = cache.oldest()) {
      keys.insert(0, as_text(last->key));
      cache.drop_oldest_clean();
    }
    return keys;
  }
  std::string dirty_order() {
    std::string keys;
    cache.begin_flush();
    while (const auto next = cache.next_dirty()) {
      const bytes key = to_bytes(next->key);
      keys += as_text(key);
      cache.start(key);
      cache.landed(key);
    }
    cache.end_flush();
    return keys;
  }

  coro::run_queue queue;
  thread_cache budget{queue, 1 << 20};
  named_cache cache{budget, "cache"};
};

TEST_F(NamedCache, AnEntryOfOneByteEachTakes47Bytes) {
  put("a", "1");
  EXPECT_EQ(cache.bytes(), 47U);
  EXPECT_EQ(budget.bytes(), 47U);
  record_context context;
  context.origin.topic = "topic";
  context.headers.push_back(header{"key", to_bytes("value")});
  cache.put(as_bytes("b"), as_bytes("22"), entry_state::clean, context);
  EXPECT_EQ(cache.bytes(), 47U + 48U + 5U + 8U);
  cache.put(as_bytes("b"), std::nullopt, entry_state::clean, record_context());
  EXPECT_EQ(cache.bytes(), 47U + 46U);
  EXPECT_TRUE(cache.erase(as_bytes("b")));
  EXPECT_EQ(cache.bytes(), 47U);
  cache.clear();
  EXPECT_EQ(budget.bytes(), 0U);
}

TEST_F(NamedCache, PuttingADirtyKeyAgainMovesItToTheEndOfTheDirtyOrder) {
  for (const char* key : {"a", "b", "c", "a"}) put(key, "1");
  EXPECT_EQ(dirty_order(), "bca");
}

TEST_F(NamedCache, GetPutAndRangesMakeAnEntryTheMostRecent) {
  for (const char* key : {"a", "b", "c", "d"}) put(key, "1");
  EXPECT_TRUE(cache.get(as_bytes("b")));
  put("a", "2");
  EXPECT_EQ(as_text(cache.at_or_after(as_bytes("c"), false)->key), "c");
  EXPECT_EQ(recent(), "cabd");
}

TEST_F(NamedCache, CountsHitsMissesAndOverwrites) {
  put("a", "1");
  put("a", "2");
  EXPECT_TRUE(cache.get(as_bytes("a")));
  EXPECT_FALSE(cache.get(as_bytes("b")));
  EXPECT_EQ(cache.figures().hits, 1U);
  EXPECT_EQ(cache.figures().misses, 1U);
  EXPECT_EQ(cache.figures().overwrites, 1U);
}

TEST_F(NamedCache, PutIfAbsentTakesATombstoneForAbsent) {
  EXPECT_EQ(cache.put_if_absent(as_bytes("a"), as_bytes("1"), record_context()), std::nullopt);
  EXPECT_EQ(as_text(*cache.put_if_absent(as_bytes("a"), as_bytes("2"), record_context())), "1");
  cache.put(as_bytes("a"), std::nullopt, entry_state::dirty, record_context());
  EXPECT_EQ(cache.put_if_absent(as_bytes("a"), as_bytes("3"), record_context()), std::nullopt);
  EXPECT_EQ(as_text(*cache.get(as_bytes("a"))->value), "3");
}

// Kafka's hazard (a): its clean-up deletes what a listener put over a tombstone.
TEST_F(NamedCache, ATombstoneThatIsPutAgainInFlightStays) {
  put("a", "1");
  cache.put(as_bytes("a"), std::nullopt, entry_state::dirty, record_context());
  cache.begin_flush();
  EXPECT_TRUE(cache.start(as_bytes("a")));
  put("a", "2");
  EXPECT_EQ(cache.dirty_count(), 1U);
  cache.landed(as_bytes("a"));
  cache.end_flush();
  EXPECT_EQ(cache.dirty_count(), 1U);
  EXPECT_EQ(as_text(*cache.get(as_bytes("a"))->value), "2");
}

TEST_F(NamedCache, AnEntryThatFailedIsTheFirstAgain) {
  for (const char* key : {"a", "b"}) put(key, "1");
  cache.begin_flush();
  cache.start(as_bytes("b"));
  cache.failed(as_bytes("b"));
  cache.end_flush();
  EXPECT_EQ(dirty_order(), "ba");
}

TEST_F(NamedCache, WhatIsInFlightIsNotDropped) {
  put("a", "1");
  cache.begin_flush();
  cache.start(as_bytes("a"));
  EXPECT_FALSE(cache.drop_oldest_clean());
  EXPECT_EQ(cache.dirty_count(), 1U);
  cache.landed(as_bytes("a"));
  cache.end_flush();
  EXPECT_TRUE(cache.drop_oldest_clean());
  EXPECT_FALSE(cache.drop_oldest_clean());
}

TEST_F(NamedCache, AgreesWithAMapUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    cache.clear();
    coro::sim_random random(seed);
    std::map<std::string, std::string> model;
    for (int step = 0; step < 4000; ++step) {
      const std::string key(random.below(120), static_cast<char>('a' + random.below(4)));
      if (random.below(3) == 0) {
        ASSERT_EQ(cache.erase(as_bytes(key)), model.erase(key) == 1);
      } else {
        const std::string value(random.below(2000), 'v');
        put(key, value);
        model[key] = value;
      }
      std::uint64_t expected = 0;
      for (const auto& [each, value] : model) expected += each.size() + value.size() + 45;
      ASSERT_EQ(cache.bytes(), expected) << "step " << step;
      ASSERT_EQ(cache.size(), model.size());
      const auto above = cache.at_or_after(as_bytes(key), true);
      const auto known = model.upper_bound(key);
      ASSERT_EQ(above.has_value(), known != model.end());
      if (above) {
        ASSERT_EQ(as_text(above->key), known->first);
      }
      const auto below = cache.before(as_bytes(key));
      const auto behind = model.lower_bound(key);
      ASSERT_EQ(below.has_value(), behind != model.begin());
      if (below) {
        ASSERT_EQ(as_text(*below->value), std::prev(behind)->second);
      }
    }
  }
}

TEST(KafkaTraces, T1APutAgainGoesLast) {
  cache_rig rig(exact);
  rig.put("a", "1");
  rig.put("b", "1");
  rig.put("a", "9");
  rig.flush();
  EXPECT_EQ(rig.listener.lines(), (lines{"b: - > 1", "a: - > 9"}));
  EXPECT_EQ(rig.budget().bytes(), 94U);
}

TEST(KafkaTraces, T2AnEvictionFlushesAllThatIsDirtyTheEvictedFirst) {
  cache_rig rig(exact, 94);
  rig.put("a", "1");
  rig.put("b", "1");
  rig.put("c", "1");
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "b: - > 1", "c: - > 1"}));
  EXPECT_EQ(rig.budget().bytes(), 94U);
  EXPECT_EQ(rig.store->statistics().flushes, 1U);
  rig.put("b", "2");
  EXPECT_EQ(rig.get("c"), "1");
  rig.put("d", "1");
  EXPECT_EQ(rig.listener.lines(), (lines{"b: 1 > 2", "d: - > 1"}));
  EXPECT_EQ(rig.budget().bytes(), 94U);
}

TEST(KafkaTraces, T3AStoreEvictsOnlyFromItself) {
  cache_rig rig(exact, 100);
  recorder other_listener(rig.runtime().queue(), pace::ready);
  memory_store other_inner;
  caching_options options;
  options.listener = &other_listener;
  const auto other = make_caching_store(caching::kafka, other_inner, rig.budget(), "b", options);
  rig.put("a", "1");
  rig.put("b", "1");
  rig.wait(other->put(as_bytes("c"), as_bytes("1")));
  EXPECT_EQ(other_listener.lines(), (lines{"c: - > 1"}));
  EXPECT_EQ(rig.listener.lines(), lines());
  EXPECT_EQ(rig.store->dirty_count(), 2U);
  EXPECT_EQ(rig.budget().bytes_of("b"), 0U);
}

TEST(KafkaTraces, T4ATombstoneLeavesTheCacheWithItsFlush) {
  cache_rig rig(exact);
  rig.put("a", "0");
  rig.flush();
  rig.listener.lines();
  rig.erase("a");
  rig.put("b", "1");
  rig.flush();
  EXPECT_EQ(rig.listener.lines(), (lines{"a: 0 > -", "b: - > 1"}));
  EXPECT_EQ(rig.budget().bytes(), 47U);
}

TEST(KafkaTraces, T5ABudgetOfNothingHoldsNothing) {
  cache_rig rig(exact, 0);
  rig.put("a", "1");
  rig.put("b", "1");
  rig.flush();
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "b: - > 1"}));
  EXPECT_EQ(rig.budget().bytes(), 0U);
  EXPECT_EQ(rig.store->statistics().flushes, 2U);
}

TEST(KafkaTraces, AMissKeepsACleanCopyWhichMayPushDirtyEntriesOut) {
  cache_rig rig(exact, 94);
  rig.wait(rig.inner.rows.put(as_bytes("x"), as_bytes("1")));
  EXPECT_EQ(rig.get("x"), "1");
  EXPECT_EQ(rig.budget().bytes(), 47U);
  EXPECT_EQ(rig.get("missing"), std::nullopt);
  EXPECT_EQ(rig.budget().bytes(), 47U);
  rig.put("a", "1");
  rig.put("b", "1");  // x is clean and goes without a flush
  EXPECT_EQ(rig.listener.lines(), lines());
  EXPECT_EQ(rig.get("x"), "1");
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "b: - > 1"}));
}

TEST(KafkaTraces, PutIfAbsentWithATinyBudgetEvictsEachTime) {
  cache_rig rig(exact, 1);
  EXPECT_TRUE(rig.shell().put_if_absent("a", "1"));
  EXPECT_FALSE(rig.shell().put_if_absent("a", "2"));
  EXPECT_TRUE(rig.shell().put_if_absent("b", "3"));
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "b: - > 3"}));
  EXPECT_EQ(rig.flush(), 0U);
}

// Kafka's MergedSortedCacheWrappedKeyValueStoreIterator as fixed by KAFKA-18326.
TEST(KafkaTraces, ATombstoneHidesItsRowHoweverTheTwoInterleave) {
  cache_rig rig(exact);
  for (const char* key : {"0", "1", "2"}) rig.put(key, "v");
  rig.flush();
  rig.erase("1");
  EXPECT_EQ(rig.shell().scan(), (text_rows{{"0", "v"}, {"2", "v"}}));
  rig.erase("2");
  EXPECT_EQ(rig.shell().scan(), (text_rows{{"0", "v"}}));
  rig.erase("0");
  rig.put("1", "w");
  EXPECT_EQ(rig.shell().scan(direction::backward), (text_rows{{"1", "w"}}));
}

}  // namespace
}  // namespace lentic::test
