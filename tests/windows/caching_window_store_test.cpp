// SPDX-License-Identifier: Apache-2.0
// What a caching_window_store tells: keys, expiry, and a model of hopping windows through
// windowed_aggregation with emit on update. That it is a window_store: see window_store_test.cpp.
#include "aggregation_rig.hpp"
#include "cold_segments.hpp"

#include <lentic/timestamped_value.hpp>
#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/key_schema.hpp>

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using testing::cold_segments;
using testing::run_now;
using lines = std::vector<std::string>;

// "k@10: old > new", with - for none, in the order told.
class teller final : public change_listener {
 public:
  maybe_ready<void> on_change(const change& told) override {
    const window_key window = decode_window_key(told.key).value();
    std::string line(as_text(window.key));
    line += "@" + std::to_string(window.start_ms) + ": ";
    line += told.old_value ? as_text(*told.old_value) : "-";
    line += " > ";
    line += told.new_value ? as_text(*told.new_value) : "-";
    told_.push_back(line);
    const std::pair<std::string, std::int64_t> key(as_text(window.key), window.start_ms);
    const auto before = last_.find(key);
    const bool same = told.old_value
                        ? before != last_.end() && before->second == as_text(*told.old_value)
                        : before == last_.end();
    if (!same) ++broken;
    if (told.new_value) {
      last_[key] = as_text(*told.new_value);
    } else {
      last_.erase(key);
    }
    return {};
  }
  lines told() { return std::exchange(told_, {}); }
  const std::map<std::pair<std::string, std::int64_t>, std::string>& last() const { return last_; }

  int broken = 0;

 private:
  lines told_;
  std::map<std::pair<std::string, std::int64_t>, std::string> last_;
};

constexpr std::uint64_t huge = std::uint64_t{1} << 30;

template <class Segments>
struct world {
  world(caching mode, const window_store_options& options, std::uint64_t bytes_max,
        bool listens = true)
      : budget(testing::test_queue(), bytes_max), inner(segments, options) {
    caching_options chosen;
    chosen.listener = listens ? &listener : nullptr;
    store = std::make_unique<caching_window_store>(mode, inner, budget, "windows", chosen);
  }
  bool put(std::string_view key, std::int64_t start_ms, std::string_view value) {
    return run_now(store->put(as_bytes(key), start_ms, as_bytes(value)));
  }

  Segments segments;
  thread_cache budget;
  teller listener;
  segmented_window_store inner;
  std::unique_ptr<caching_window_store> store;
};

window_store_options tens(std::int64_t retention_ms) {
  window_store_options options;
  options.window_size_ms = 10;
  options.retention_ms = retention_ms;
  options.segment_interval_ms = 10;
  return options;
}

class CachingWindowStore : public ::testing::TestWithParam<caching> {};
INSTANTIATE_TEST_SUITE_P(Modes, CachingWindowStore,
                         ::testing::Values(caching::kafka, caching::fused), [](const auto& mode) {
                           return mode.param == caching::kafka ? "Kafka" : "Fused";
                         });

TEST_P(CachingWindowStore, TellsEachKeyAndWindowOnceWithItsStoreKey) {
  world<cold_segments> here(GetParam(), tens(100), huge);
  here.put("a", 0, "1");
  here.put("a", 10, "1");
  here.put("a", 0, "2");
  EXPECT_EQ(run_now(here.store->flush()), 2U);
  EXPECT_EQ(here.listener.told().size(), 2U);
  here.put("a", 0, "3");
  run_now(here.store->erase(as_bytes("a"), 10));
  run_now(here.store->flush());
  EXPECT_EQ(here.listener.told(), (lines{"a@0: 2 > 3", "a@10: 1 > -"}));
}

TEST_P(CachingWindowStore, PulledChangesCarryTheStoreKey) {
  world<memory_segments> here(GetParam(), tens(100), 0, false);
  here.put("a", 20, "1");
  const std::vector<owned_change> changes = run_now(here.store->flush_with_old());
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(to_hex(changes[0].key), "61000000000000001400000000");
}

// What goes is told before it goes, and only that: the rest waits for the flush.
TEST_P(CachingWindowStore, ExpiryTellsTheWindowsThatGoAndNoOthers) {
  world<cold_segments> here(GetParam(), tens(20), huge);
  here.put("a", 0, "1");
  here.put("b", 10, "1");
  here.put("a", 30, "1");
  here.put("b", 35, "1");
  run_now(here.store->expire());
  EXPECT_EQ(here.listener.told(), (lines{"a@0: - > 1"}));
  EXPECT_EQ(here.store->dirty_count(), 3U);
  EXPECT_FALSE(run_now(here.store->fetch_expiring(as_bytes("a"), 0)).has_value());
  EXPECT_FALSE(here.put("a", 0, "2"));
  run_now(here.store->expire());
  EXPECT_EQ(here.listener.told(), lines());
  here.put("b", 45, "1");
  run_now(here.store->expire());
  EXPECT_EQ(here.listener.told(), (lines{"b@10: - > 1"}));
  EXPECT_EQ(run_now(here.store->flush()), 3U);
  EXPECT_EQ(here.store->expired_dropped(), 1U);
}

TEST_P(CachingWindowStore, StateAfterAFlushIsThatOfAStoreWithoutACache) {
  world<memory_segments> here(GetParam(), tens(20), huge);
  memory_segments segments;
  segmented_window_store plain(segments, tens(20));
  for (const std::int64_t start : {0, 50, 10, 20, 40, 30}) {
    EXPECT_EQ(here.put("a", start, "v"), run_now(plain.put(as_bytes("a"), start, as_bytes("v"))));
  }
  run_now(here.store->flush());
  EXPECT_EQ(here.store->state(), plain.state());
  bytes raw;
  here.store->state().append_to(raw);
  world<memory_segments> again(GetParam(), tens(20), huge);
  again.store->restore(window_store_state::decode(raw).value());
  EXPECT_EQ(again.store->state(), plain.state());
  EXPECT_EQ(again.inner.state(), plain.state());
  EXPECT_FALSE(again.put("a", 0, "v"));
}

TEST_P(CachingWindowStore, SealHintsComeWhenNothingIsDirtyBelow) {
  world<cold_segments> here(GetParam(), tens(1000), huge);
  for (const std::int64_t start : {0, 10, 20}) here.put("a", start, "v");
  here.store->closed_below(20);
  EXPECT_EQ(here.segments.hints.empty(), GetParam() == caching::kafka);
  run_now(here.store->flush());
  EXPECT_EQ(here.segments.hints, (std::vector<segment_id>{0, 1}));
}

TEST_P(CachingWindowStore, WhatIsReadFromBelowDoesNotEnterTheCache) {
  for (const bool expiring : {false, true}) {
    world<cold_segments> cold(GetParam(), tens(1000), 200);
    world<memory_segments> warm(GetParam(), tens(1000), 200);
    const auto check = [expiring](auto& here) {
      for (std::int64_t start = 0; start < 200; start += 10) here.put("a", start, "v");
      run_now(here.store->flush());
      for (const std::int64_t start : {170, 180, 190})  // makes room
        run_now(here.store->erase(as_bytes("a"), start));
      run_now(here.store->flush());
      const std::uint64_t before = here.budget.bytes_of("windows");
      const auto found = expiring ? run_now(here.store->fetch_expiring(as_bytes("a"), 0))
                                  : run_now(here.store->fetch(as_bytes("a"), 0));
      EXPECT_EQ(as_text(found.value()), "v");
      EXPECT_EQ(here.budget.bytes_of("windows"), before);
      EXPECT_EQ(here.store->statistics().evictions > 0, true);
    };
    check(cold);
    check(warm);
  }
}

TEST_P(CachingWindowStore, WhatWasPulledWhenAHintFailedComesWithTheNextPull) {
  world<cold_segments> here(GetParam(), tens(1000), huge, false);
  for (const std::int64_t start : {0, 10, 20}) here.put("a", start, "v");
  here.segments.refuses_hints = true;
  try {
    here.store->closed_below(20);
  } catch (const std::bad_alloc&) {  // fused: at once
  }
  EXPECT_THROW(run_now(here.store->flush_with_old()), std::bad_alloc);
  here.segments.refuses_hints = false;
  EXPECT_EQ(run_now(here.store->flush_with_old()).size(), 3U);
  EXPECT_TRUE(run_now(here.store->flush_with_old()).empty());
}

TEST_P(CachingWindowStore, WhatIsTooLargeRaisesNeitherStreamTimeNorTheCounter) {
  world<memory_segments> here(GetParam(), tens(20), huge);
  here.put("a", 50, "v");
  const window_store_state before = here.store->state();
  const std::string large(key_bytes_max, 'k');
  for (const std::int64_t start : {0, 90}) {
    EXPECT_THROW(here.put(large, start, "v"), std::system_error);
    EXPECT_THROW(run_now(here.store->erase(as_bytes(large), start)), std::system_error);
  }
  const std::string value(value_bytes_max + 1, 'v');
  EXPECT_THROW(here.put("a", 90, value), std::system_error);
  EXPECT_EQ(here.store->state(), before);
}

// Random records in hopping windows. Each accepted update changes one window; the model keeps the
// last text of each.
class hopping_model {
 public:
  void run(caching mode, std::uint64_t bytes_max, std::uint64_t seed, std::int64_t flush_every) {
    testing::rig_options options;
    options.size_ms = 100;
    options.advance_ms = 25;
    options.grace_ms = 60;
    options.segment_interval_ms = 50;
    world<memory_segments> here(mode, testing::store_options_of(options), bytes_max);
    windowed_aggregation aggregation(*here.store, testing::windows_of(options),
                                     emit_strategy::on_update);
    std::mt19937_64 random(seed);
    std::int64_t now = 0;
    for (int i = 0; i < 3000; ++i) {
      now += static_cast<std::int64_t>(random() % 4);
      const auto late = static_cast<std::int64_t>(random() % 200);
      const std::int64_t timestamp = std::max<std::int64_t>(0, now - late);
      const std::string key(1, static_cast<char>('a' + random() % 5));
      add(aggregation, key, timestamp, i);
      run_now(aggregation.expire());
      if (flush_every != 0 && i % flush_every == 0) run_now(here.store->flush());
    }
    run_now(here.store->flush());
    EXPECT_EQ(here.listener.broken, 0);
    EXPECT_EQ(here.listener.last(), last_);
    changes = here.listener.told().size();
    EXPECT_EQ(aggregation.state().store, here.inner.state());
  }

  std::size_t changes = 0;
  std::uint64_t accepted = 0;
  std::size_t windows() const { return last_.size(); }

 private:
  void add(windowed_aggregation& aggregation, const std::string& key, std::int64_t timestamp,
           int serial) {
    const record_plan plan = aggregation.plan(timestamp);
    const std::string text = std::to_string(serial);
    const auto replace = [&](std::optional<bytes_view>, bytes& out) -> result<void> {
      out = to_bytes(text);
      return {};
    };
    const auto done = run_now(aggregation.process(as_bytes(key), timestamp, replace));
    ASSERT_TRUE(done.has_value());
    accepted += done->accepted;
    for (const std::int64_t start : plan.accepted) {
      std::int64_t& newest = newest_[{key, start}];
      newest = std::max(newest, timestamp);
      last_[{key, start}] = std::string(as_text(encode(timestamped_value{newest, as_bytes(text)})));
    }
  }

  std::map<std::pair<std::string, std::int64_t>, std::string> last_;
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> newest_;
};

TEST_P(CachingWindowStore, TheLastChangeOfEachWindowIsTheModelsAtEveryBudget) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    for (const std::uint64_t budget : {std::uint64_t{0}, std::uint64_t{500}, huge}) {
      for (const std::int64_t flush_every : {0, 40}) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", budget " + std::to_string(budget));
        hopping_model model;
        model.run(GetParam(), budget, seed, flush_every);
        if (budget == 0) {
          EXPECT_EQ(model.changes, model.accepted);
        }
        if (budget == huge && flush_every == 0) {
          EXPECT_EQ(model.changes, model.windows());
        }
        EXPECT_GE(model.changes, model.windows());
        EXPECT_LE(model.changes, model.accepted);
      }
    }
  }
}

}  // namespace
}  // namespace lentic::windows
