// SPDX-License-Identifier: Apache-2.0
// What both modes of caching_store promise, over an inner store and a listener that answer at once
// and over ones that suspend.
#include "cache_rig.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lentic::test {
namespace {

using lines = std::vector<std::string>;

class CachingStore : public testing::TestWithParam<cache_setting> {
 protected:
  static lines sorted(lines told) {
    std::sort(told.begin(), told.end());
    return told;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Modes, CachingStore,
    testing::Values(cache_setting{caching::kafka, pace::ready},
                    cache_setting{caching::kafka, pace::suspends},
                    cache_setting{caching::fused, pace::ready},
                    cache_setting{caching::fused, pace::suspends},
                    cache_setting{caching::fused, pace::ready, offer::touching},
                    cache_setting{caching::fused, pace::suspends, offer::touching}),
    [](const auto& setting) { return name_of(setting.param); });

// Kafka's CachingPersistentWindowStoreTest: old values on.
TEST_P(CachingStore, OldIsTheValueLastToldAndNotTheOneInBetween) {
  cache_rig rig(GetParam());
  rig.put("k", "a");
  rig.put("k", "b");
  EXPECT_EQ(rig.flush(), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"k: - > b"}));
  rig.put("k", "c");
  EXPECT_EQ(rig.flush(), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"k: b > c"}));
  rig.erase("k");
  EXPECT_EQ(rig.flush(), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"k: c > -"}));
  EXPECT_EQ(rig.stored(), text_rows());
}

TEST_P(CachingStore, WithoutOldValuesEveryOldIsNone) {
  cache_rig rig(GetParam(), 1 << 20, false);
  rig.put("k", "a");
  rig.flush();
  rig.put("k", "b");
  rig.flush();
  rig.erase("k");
  rig.flush();
  EXPECT_EQ(rig.listener.lines(), (lines{"k: - > a", "k: - > b", "k: - > -"}));
}

TEST_P(CachingStore, WhatIsNoneBeforeAndAfterIsNotTold) {
  cache_rig rig(GetParam());
  rig.put("k", "a");
  rig.erase("k");
  rig.erase("never");
  EXPECT_EQ(rig.flush(), 0U);
  EXPECT_EQ(rig.listener.lines(), lines());
  EXPECT_EQ(rig.store->dirty_count(), 0U);
  EXPECT_EQ(rig.get("k"), std::nullopt);
}

TEST_P(CachingStore, AFlushOfNothingIsReadyAndTellsNothing) {
  cache_rig rig(GetParam());
  maybe_ready<std::uint64_t> first = rig.store->flush();
  ASSERT_TRUE(first.ready());
  EXPECT_EQ(first.take(), 0U);
  rig.put("k", "a");
  rig.flush();
  rig.get("k");
  EXPECT_TRUE(rig.store->flush().ready());
}

TEST_P(CachingStore, DirtyBytesAreKeysAndNewestValues) {
  cache_rig rig(GetParam());
  rig.put("key", "four");
  rig.put("key", "five5");
  rig.put("other", "");
  EXPECT_EQ(rig.store->dirty_count(), 2U);
  EXPECT_EQ(rig.store->dirty_bytes(), 3U + 5U + 5U);
  rig.erase("key");
  EXPECT_EQ(rig.store->dirty_bytes(), 3U + 5U);
  rig.flush();
  EXPECT_EQ(rig.store->dirty_bytes(), 0U);
}

TEST_P(CachingStore, TheContextIsThatOfTheLatestPut) {
  cache_rig rig(GetParam());
  rig.current.timestamp_ms = 1;
  rig.put("k", "a");
  rig.current.timestamp_ms = 2;
  rig.current.origin = {"topic", 3, 4};
  rig.current.headers.push_back(header{"h", to_bytes("v")});
  rig.put("k", "b");
  const record_context expected = rig.current;
  rig.current = record_context();
  rig.flush();
  ASSERT_EQ(rig.listener.contexts.size(), 1U);
  EXPECT_EQ(rig.listener.contexts[0], expected);
  rig.put("k", "c");
  rig.flush();
  EXPECT_EQ(rig.listener.contexts[1], record_context());
}

TEST_P(CachingStore, ABudgetOfNothingTellsEachPut) {
  cache_rig rig(GetParam(), 0);
  rig.put("a", "1");
  rig.put("a", "2");
  rig.put("", "");
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "a: 1 > 2", ": - > "}));
  EXPECT_EQ(rig.store->dirty_count(), 0U);
  EXPECT_EQ(rig.flush(), 0U);
  EXPECT_EQ(rig.stored(), (text_rows{{"", ""}, {"a", "2"}}));
}

TEST_P(CachingStore, PullingDrainsWhatIsDirtyPastTheListener) {
  cache_rig rig(GetParam());
  rig.put("a", "1");
  rig.put("b", "2");
  EXPECT_EQ(sorted(lines_of(rig.wait(rig.store->flush_with_old()))),
            (lines{"a: - > 1", "b: - > 2"}));
  EXPECT_EQ(rig.listener.lines(), lines());
  EXPECT_TRUE(rig.wait(rig.store->flush_with_old()).empty());
  rig.put("a", "3");
  rig.flush();
  EXPECT_EQ(rig.listener.lines(), (lines{"a: 1 > 3"}));
}

TEST_P(CachingStore, WithoutAListenerNothingIsLostBetweenPulls) {
  cache_rig rig(GetParam(), 0, true, false);
  rig.put("a", "1");
  rig.put("a", "2");
  rig.put("b", "3");
  EXPECT_EQ(lines_of(rig.wait(rig.store->flush_with_old())),
            (lines{"a: - > 1", "a: 1 > 2", "b: - > 3"}));
  EXPECT_TRUE(rig.wait(rig.store->flush_with_old()).empty());
}

TEST_P(CachingStore, AStopBetweenEntriesLeavesTheRestDirtyAndEachIsToldOnce) {
  for (std::size_t stop_at = 0; stop_at <= 5; ++stop_at) {
    cache_rig rig(GetParam());
    for (const char* key : {"a", "b", "c", "d", "e"}) rig.put(key, "1");
    coro::stop_source source;
    std::size_t told = 0;
    rig.listener.meanwhile = [&] {
      if (++told == stop_at) source.request_stop();
    };
    if (stop_at == 0) source.request_stop();
    EXPECT_EQ(rig.wait(rig.store->flush(coro::stop_token(source))), stop_at);
    EXPECT_EQ(rig.store->dirty_count(), 5 - stop_at);
    rig.listener.meanwhile = nullptr;
    EXPECT_EQ(rig.flush(), 5 - stop_at);
    EXPECT_EQ(rig.listener.lines(),
              (lines{"a: - > 1", "b: - > 1", "c: - > 1", "d: - > 1", "e: - > 1"}));
  }
}

TEST_P(CachingStore, APullThatWasStoppedKeepsWhatItDrained) {
  cache_rig rig(GetParam());
  for (const char* key : {"a", "b", "c"}) rig.put(key, "1");
  coro::stop_source source;
  source.request_stop();
  EXPECT_TRUE(rig.wait(rig.store->flush_with_old(coro::stop_token(source))).empty());
  EXPECT_EQ(rig.store->dirty_count(), 3U);
  EXPECT_EQ(rig.wait(rig.store->flush_with_old()).size(), 3U);
}

// A listener that throws has not taken the change: it comes again, and only it.
TEST_P(CachingStore, AListenerThatFailsHearsTheSameChangeAgainFirst) {
  for (std::uint64_t failing = 1; failing <= 4; ++failing) {
    cache_rig rig(GetParam());
    rig.put("b", "0");
    rig.flush();
    rig.listener.lines();
    for (const char* key : {"a", "b", "c", "d"}) rig.put(key, "1");
    rig.listener.trouble.fail_at(failing);
    EXPECT_THROW(rig.flush(), std::system_error);
    EXPECT_EQ(rig.store->dirty_count(), 4 - (failing - 1));
    lines told = rig.listener.lines();
    EXPECT_EQ(told.size(), failing - 1);
    const std::string key(1, static_cast<char>('a' + failing - 1));
    rig.put(key, "2");
    EXPECT_EQ(rig.flush(), 4 - (failing - 1) + 1);
    const lines again = rig.listener.lines();
    told.insert(told.end(), again.begin(), again.end());
    lines expected = {"a: - > 1", "b: 0 > 1", "c: - > 1", "d: - > 1", key + ": 1 > 2"};
    EXPECT_EQ(sorted(told), sorted(expected)) << "failing " << failing;
    EXPECT_EQ(rig.get(key), "2");
  }
}

TEST_P(CachingStore, AnInnerStoreThatFailsAtAnyCallLosesAndRepeatsNothing) {
  for (std::uint64_t failing = 1; failing <= 20; ++failing) {
    SCOPED_TRACE("failing " + std::to_string(failing));
    cache_rig rig(GetParam());
    rig.put("a", "0");
    rig.put("c", "0");
    rig.flush();
    rig.listener.lines();
    rig.inner.trouble.fail_at(failing);
    std::map<std::string, std::optional<std::string>> model{{"a", "0"}, {"c", "0"}};
    const auto try_to = [&](auto change, const std::string& key, std::optional<std::string> value) {
      try {
        change();
        model[key] = std::move(value);
      } catch (const std::system_error&) {  // not applied: the model says so
      }
    };
    try_to([&] { rig.put("a", "1"); }, "a", "1");
    try_to([&] { rig.put("b", "1"); }, "b", "1");
    try_to([&] { rig.erase("c"); }, "c", std::nullopt);
    try_to([&] { rig.put("d", "1"); }, "d", "1");
    try {
      rig.flush();
    } catch (const std::system_error&) {
      rig.flush();
    }
    rig.inner.trouble.never();
    lines expected;
    for (const auto& [key, value] : model) {
      const bool before = key == "a" || key == "c";
      const std::string now = value.value_or("-");
      if (now != (before ? "0" : "-"))
        expected.push_back(key + (before ? ": 0 > " : ": - > ") + now);
    }
    EXPECT_EQ(sorted(rig.listener.lines()), expected);
    EXPECT_EQ(rig.store->dirty_count(), 0U);
    for (const auto& [key, value] : model) EXPECT_EQ(rig.get(key), value) << key;
  }
}

TEST_P(CachingStore, APutDuringItsFlightIsDirtyAgainAndToldNext) {
  cache_rig rig(GetParam());
  rig.put("k", "1");
  bool once = true;
  rig.listener.meanwhile = [&] {
    if (GetParam().how != pace::ready || !std::exchange(once, false)) return;
    ASSERT_TRUE(rig.store->put(as_bytes("k"), as_bytes("2")).ready());
  };
  rig.listener.meanwhile_slowly = [&]() -> task<void> {
    return std::exchange(once, false) ? rig.store->put(as_bytes("k"), as_bytes("2")).into_task()
                                      : maybe_ready<void>().into_task();
  };
  EXPECT_EQ(rig.flush(), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"k: - > 1"}));
  EXPECT_EQ(rig.store->dirty_count(), 1U);
  EXPECT_EQ(rig.get("k"), "2");
  EXPECT_EQ(rig.flush(), 1U);
  EXPECT_EQ(rig.listener.lines(), (lines{"k: 1 > 2"}));
}

TEST_P(CachingStore, ASecondFlushWaitsForTheFirst) {
  cache_rig rig(GetParam());
  for (const char* key : {"a", "b", "c"}) rig.put(key, "1");
  std::uint64_t second = 99;
  coro::scope background(rig.runtime().queue());
  const auto flush_into = [](caching_store& store, std::uint64_t& count) -> task<void> {
    count = co_await store.flush();
  };
  std::uint64_t first = 99;
  background.spawn(flush_into(*rig.store, first));
  background.spawn(flush_into(*rig.store, second));
  rig.wait(background.join());
  EXPECT_EQ(first, 3U);
  EXPECT_EQ(second, 0U);
  EXPECT_EQ(rig.listener.lines().size(), 3U);
}

TEST_P(CachingStore, RetireTellsOnlyWhatIsBelow) {
  cache_rig rig(GetParam());
  for (const char* key : {"d", "a", "c", "b"}) rig.put(key, "1");
  const bytes end = to_bytes("c");
  EXPECT_EQ(rig.wait(rig.store->retire_below(end)), 2U);
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 1", "b: - > 1"}));
  EXPECT_EQ(rig.store->dirty_count(), 2U);
  EXPECT_EQ(rig.wait(rig.store->retire_below(end)), 0U);
  EXPECT_EQ(rig.flush(), 2U);
}

TEST_P(CachingStore, ClearForgetsAndTheChainStartsAnew) {
  cache_rig rig(GetParam());
  rig.put("a", "1");
  rig.flush();
  rig.put("a", "2");
  rig.put("b", "2");
  rig.wait(rig.store->clear());
  EXPECT_EQ(rig.store->dirty_count(), 0U);
  EXPECT_EQ(rig.store->dirty_bytes(), 0U);
  EXPECT_EQ(rig.budget().bytes(), 0U);
  EXPECT_EQ(rig.get("a"), std::nullopt);
  rig.listener.lines();
  rig.put("a", "3");
  rig.flush();
  EXPECT_EQ(rig.listener.lines(), (lines{"a: - > 3"}));
}

TEST_P(CachingStore, ATakenNameIsRefusedAndFreeAgainAfterwards) {
  cache_rig rig(GetParam());
  memory_store other;
  EXPECT_THROW(make_caching_store(GetParam().mode, other, rig.budget(), "cache"),
               std::system_error);
  rig.put("a", "1");
  EXPECT_GT(rig.budget().bytes_of("cache"), 0U);
  rig.store.reset();
  EXPECT_EQ(rig.budget().bytes(), 0U);
  EXPECT_NE(make_caching_store(GetParam().mode, other, rig.budget(), "cache"), nullptr);
}

// A row that a flush moves down while a scan stands before it is neither lost nor seen twice.
TEST_P(CachingStore, AScanMeetsRowsThatAFlushMovesBelowIt) {
  for (const direction order : {direction::forward, direction::backward}) {
    cache_rig rig(GetParam(), 400);
    for (int i = 0; i < 300; i += 2) rig.put(numbered_text("k", 1000 + i), "v");
    rig.flush();
    for (int i = 1; i < 300; i += 2) rig.put(numbered_text("k", 1000 + i), "v");
    cursor rows = rig.store->scan(order);
    std::set<std::string> seen;
    std::size_t count = 0;
    for (text_rows block = rig.shell().next(rows); !block.empty(); block = rig.shell().next(rows)) {
      count += block.size();
      for (const auto& [key, value] : block) seen.insert(key);
      rig.flush();
      for (int i = 0; i < 20; ++i) rig.put(numbered_text("x", i), "evicts");
      for (int i = 0; i < 20; ++i) rig.erase(numbered_text("x", i));
    }
    std::erase_if(seen, [](const std::string& key) { return key[0] == 'x'; });
    EXPECT_EQ(seen.size(), 300U);
    EXPECT_LE(count, 320U);
  }
}

// The chain: each old is the new before it; what was told last is what the store holds.
class told_chain {
 public:
  void add(const lines& told) {
    for (const std::string& line : told) {
      const std::string key = line.substr(0, line.find(':'));
      const std::string before = line.substr(key.size() + 2, line.find(" > ") - key.size() - 2);
      const std::string after = line.substr(line.find(" > ") + 3);
      const auto last = last_.find(key);
      ASSERT_EQ(before, last == last_.end() ? "-" : last->second) << line;
      ASSERT_FALSE(before == "-" && after == "-") << line;
      last_[key] = after;
    }
  }
  text_rows rows() const {
    text_rows rows;
    for (const auto& [key, value] : last_)
      if (value != "-") rows.emplace_back(key, value);
    return rows;
  }

 private:
  std::map<std::string, std::string> last_;
};

task<void> flush_until(caching_store& store, coro::stop_token stop) {
  co_await store.flush(stop);
}

// One flush that is asked to stop while it is under way.
void flush_and_stop(cache_rig& rig) {
  coro::stop_source stop;
  coro::scope background(rig.runtime().queue());
  background.spawn(flush_until(*rig.store, coro::stop_token(stop)));
  rig.runtime().turn();
  stop.request_stop();
  rig.wait(background.join());
}

void random_operation(cache_rig& rig, coro::sim_random& random,
                      std::map<std::string, std::string>& model, std::uint64_t serial) {
  const std::string key = numbered_text("k", random.below(12));
  const std::uint64_t dice = random.below(100);
  if (dice < 55) {
    const std::string value = numbered_text("", serial);
    rig.put(key, value);
    model[key] = value;
  } else if (dice < 70) {
    EXPECT_EQ(rig.erase(key), model.erase(key) == 1);
  } else if (dice < 90) {
    const auto found = model.find(key);
    EXPECT_EQ(rig.get(key),
              found == model.end() ? std::nullopt : std::optional<std::string>(found->second));
  } else if (dice < 97) {
    rig.flush();
  } else {
    flush_and_stop(rig);
  }
}

// Stops, failures of both sides, puts from within the listener, tiny and large budgets.
TEST_P(CachingStore, RandomOperationsKeepTheChainAndAgreeWithAMap) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    coro::sim_random random(seed);
    const std::uint64_t budgets[] = {0, 47, 94, 300, 1000, 1 << 20};
    cache_rig rig(GetParam(), budgets[seed % 6]);
    std::map<std::string, std::string> model;
    told_chain chain;
    const bool faulty = seed % 3 == 1;
    const bool puts_back = seed % 3 == 2;
    rig.listener.meanwhile_slowly = [&]() -> task<void> {
      if (!puts_back || random.below(4) != 0) return maybe_ready<void>().into_task();
      model["k3"] = "back";
      return rig.store->put(as_bytes("k3"), as_bytes("back")).into_task();
    };
    for (std::uint64_t step = 0; step < 1500; ++step) {
      if (faulty && random.below(60) == 0) rig.inner.trouble.fail_at(1 + random.below(6));
      if (faulty && random.below(60) == 0) rig.listener.trouble.fail_at(1 + random.below(3));
      bool failed = false;
      try {
        random_operation(rig, random, model, step);
      } catch (const std::system_error&) {  // whether it was applied is read back
        failed = true;
      }
      rig.inner.trouble.never();
      rig.listener.trouble.never();
      if (failed || step % 20 == 0 || puts_back) {
        const text_rows now = rig.shell().scan();
        if (!failed && !puts_back) {
          ASSERT_EQ(now, text_rows(model.begin(), model.end()));
        }
        model = {now.begin(), now.end()};
      }
      chain.add(rig.listener.lines());
      if (testing::Test::HasFailure()) FAIL() << "step " << step;
    }
    rig.listener.meanwhile_slowly = nullptr;
    rig.flush();
    rig.flush();  // what was put from within the listener
    chain.add(rig.listener.lines());
    EXPECT_EQ(rig.store->dirty_count(), 0U);
    EXPECT_EQ(rig.shell().scan(), rig.stored());
    EXPECT_EQ(chain.rows(), rig.stored());
  }
}

}  // namespace
}  // namespace lentic::test
