// SPDX-License-Identifier: Apache-2.0
#include "cold_segments.hpp"
#include "run_now.hpp"
#include "window_worlds.hpp"

#include <lentic/errc.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using testing::cold_segments;
using testing::run_now;

using found = std::vector<std::pair<std::string, std::int64_t>>;

window_store_options options_of(std::int64_t size_ms, std::int64_t retention_ms,
                                std::int64_t interval_ms) {
  window_store_options options;
  options.window_size_ms = size_ms;
  options.retention_ms = retention_ms;
  options.segment_interval_ms = interval_ms;
  return options;
}

std::error_code code_of(const std::system_error& failure) {
  return failure.code();
}

// Over segments that answer at once and over ones that suspend every time; behind caches as well.
template <class World>
class WindowStore : public ::testing::Test {
 protected:
  window_store& make(std::int64_t size_ms, std::int64_t retention_ms, std::int64_t interval_ms) {
    return world.make(options_of(size_ms, retention_ms, interval_ms));
  }
  static bool put(window_store& store, std::string_view key, std::int64_t start,
                  std::string_view value) {
    return run_now(store.put(as_bytes(key), start, as_bytes(value)));
  }
  static std::optional<std::string> get(window_store& store, std::string_view key,
                                        std::int64_t start) {
    const std::optional<value_view> value = run_now(store.fetch(as_bytes(key), start));
    if (!value) return std::nullopt;
    return std::string(as_text(*value));
  }
  static found rows_of(window_cursor rows) {
    found list;
    const std::vector<window_entry> entries = run_now(collect(std::move(rows)));
    for (const window_entry& entry : entries) list.emplace_back(as_text(entry.key), entry.start_ms);
    return list;
  }

  World world;
};

template <class Segments, std::uint64_t Budget = std::uint64_t{1} << 30>
using kafka_cache = testing::caching_window_world<Segments, caching::kafka, Budget>;
template <class Segments, std::uint64_t Budget = std::uint64_t{1} << 30>
using fused_cache = testing::caching_window_world<Segments, caching::fused, Budget>;

using worlds = ::testing::Types<
    testing::segmented_world<memory_segments>, testing::segmented_world<cold_segments>,
    kafka_cache<memory_segments>, kafka_cache<cold_segments>, kafka_cache<cold_segments, 300>,
    fused_cache<memory_segments>, fused_cache<cold_segments>, fused_cache<cold_segments, 300>>;
TYPED_TEST_SUITE(WindowStore, worlds);

TYPED_TEST(WindowStore, FetchAnswersWhatWasPut) {
  window_store& store = this->make(10, 100, 10);
  EXPECT_TRUE(this->put(store, "a", 0, "one"));
  EXPECT_TRUE(this->put(store, "a", 0, "two"));
  EXPECT_EQ(this->get(store, "a", 0), "two");
  EXPECT_EQ(this->get(store, "a", 10), std::nullopt);
  EXPECT_EQ(this->get(store, "b", 0), std::nullopt);
}

TYPED_TEST(WindowStore, EraseAnswersWhetherItWasThere) {
  window_store& store = this->make(10, 100, 10);
  this->put(store, "a", 0, "one");
  EXPECT_TRUE(run_now(store.erase(as_bytes("a"), 0)));
  EXPECT_FALSE(run_now(store.erase(as_bytes("a"), 0)));
  EXPECT_EQ(this->get(store, "a", 0), std::nullopt);
}

TYPED_TEST(WindowStore, StoredKeysAreWholeStoreKeysInTheSegmentOfTheirStart) {
  window_store& store = this->make(10, 1000, 50);
  this->put(store, "k", 120, "v");
  this->world.settle();
  byte_store* const segment = this->world.segments.find_segment(2);
  ASSERT_NE(segment, nullptr);
  EXPECT_TRUE(run_now(segment->contains(testing::from_hex("6b000000000000007800000000"))));
}

TYPED_TEST(WindowStore, ANegativeStartIsInvalid) {
  window_store& store = this->make(10, 100, 10);
  for (const int operation : {0, 1, 2}) {
    try {
      if (operation == 0) run_now(store.put(as_bytes("a"), -1, as_bytes("v")));
      if (operation == 1) run_now(store.erase(as_bytes("a"), -1));
      if (operation == 2) run_now(store.fetch(as_bytes("a"), -1));
      ADD_FAILURE() << "operation " << operation << " took a negative start";
    } catch (const std::system_error& failure) {
      EXPECT_EQ(code_of(failure), errc::invalid_argument);
    }
  }
  EXPECT_EQ(store.observed_stream_time_ms(), -1);
}

TYPED_TEST(WindowStore, OperationsUnderWayKeepTheirKeys) {
  window_store& store = this->make(10, 100, 10);
  maybe_ready<bool> first = store.put(as_bytes("a"), 0, as_bytes("one"));
  maybe_ready<bool> second = store.put(as_bytes("b"), 0, as_bytes("two"));
  EXPECT_TRUE(run_now(std::move(first)));
  EXPECT_TRUE(run_now(std::move(second)));
  // A view ends with the next call: what is there at once is asked for one by one.
  auto value_of_a = store.fetch(as_bytes("a"), 0);
  if (value_of_a.ready()) {
    EXPECT_EQ(as_text(value_of_a.take().value()), "one");
    value_of_a = store.fetch(as_bytes("b"), 0);
    EXPECT_EQ(as_text(value_of_a.take().value()), "two");
    return;
  }
  auto value_of_b = store.fetch(as_bytes("b"), 0);
  EXPECT_EQ(as_text(run_now(std::move(value_of_a)).value()), "one");
  EXPECT_EQ(as_text(run_now(std::move(value_of_b)).value()), "two");
}

// Kafka's CachingPersistentWindowStoreTest: exact keys.
TYPED_TEST(WindowStore, FetchOfAKeyLeavesOutKeysThatItIsAPrefixOf) {
  window_store& store = this->make(10, 1000, 100);
  for (const auto& [key, start] :
       found{{"a", 0}, {"aa", 0}, {"a", 1}, {"aa", 1}, {"a", 100}, {std::string("a\0", 2), 1}})
    this->put(store, key, start, "v");
  EXPECT_EQ(this->rows_of(store.fetch_rows(as_bytes("a"), time_range{0, time_max})),
            (found{{"a", 0}, {"a", 1}, {"a", 100}}));
}

TYPED_TEST(WindowStore, FetchOverTimeIncludesBothEnds) {
  window_store& store = this->make(10, 1000, 20);
  for (std::int64_t start = 0; start < 100; start += 10) this->put(store, "a", start, "v");
  const std::vector<window_entry> entries = run_now(store.fetch(as_bytes("a"), 30, 50));
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].start_ms, 30);
  EXPECT_EQ(entries[2].start_ms, 50);
  EXPECT_EQ(as_text(entries[1].value), "v");
}

TYPED_TEST(WindowStore, AnEmptyTimeRangeIsAnEmptyAnswer) {
  window_store& store = this->make(10, 1000, 20);
  this->put(store, "a", 0, "v");
  EXPECT_TRUE(run_now(store.fetch(as_bytes("a"), 1, 0)).empty());
  EXPECT_TRUE(run_now(store.fetch(as_bytes("a"), -9, -1)).empty());
}

TYPED_TEST(WindowStore, BackwardIsTheReverseOfForward) {
  window_store& store = this->make(10, 1000, 20);
  for (const char* key : {"b", "a", "ab"})
    for (std::int64_t start = 0; start < 60; start += 10) this->put(store, key, start, "v");
  found forward = this->rows_of(store.fetch_all(time_range{}));
  EXPECT_EQ(forward.size(), 18U);
  const found backward = this->rows_of(store.fetch_all(time_range{}, direction::backward));
  std::reverse(forward.begin(), forward.end());
  EXPECT_EQ(backward, forward);
}

TYPED_TEST(WindowStore, FetchAllIsBySegmentThenKeyThenTime) {
  window_store& store = this->make(10, 1000, 20);
  for (const auto& [key, start] : found{{"b", 0}, {"a", 10}, {"a", 0}, {"a", 20}, {"c", 10}})
    this->put(store, key, start, "v");
  EXPECT_EQ(this->rows_of(store.fetch_all(time_range{})),
            (found{{"a", 0}, {"a", 10}, {"b", 0}, {"c", 10}, {"a", 20}}));
  EXPECT_EQ(this->rows_of(store.fetch_all(time_range{10, 10})), (found{{"a", 10}, {"c", 10}}));
}

TYPED_TEST(WindowStore, ScanTakesKeyRangesAndPrefixes) {
  window_store& store = this->make(10, 1000, 100);
  for (const char* key : {"a", "ab", "abc", "b", "\xff", "\xff\xff"}) this->put(store, key, 0, "v");
  EXPECT_EQ(this->rows_of(store.scan(key_selection::prefix(as_bytes("ab")), time_range{})),
            (found{{"ab", 0}, {"abc", 0}}));
  EXPECT_EQ(this->rows_of(store.scan(key_selection::prefix(as_bytes("\xff")), time_range{})),
            (found{{"\xff", 0}, {"\xff\xff", 0}}));
  EXPECT_EQ(
      this->rows_of(store.scan(key_selection::within(as_bytes("ab"), as_bytes("b")), time_range{})),
      (found{{"ab", 0}, {"abc", 0}, {"b", 0}}));
}

// Kafka's AbstractWindowBytesStoreTest: expiry.
TYPED_TEST(WindowStore, AnExpiredPutIsDroppedAndCounted) {
  window_store& store = this->make(60'000, 120'000, 60'000);
  EXPECT_TRUE(this->put(store, "a", 240'000, "v"));
  EXPECT_FALSE(this->put(store, "a", 0, "v"));
  EXPECT_EQ(store.expired_dropped(), 1U);
  EXPECT_TRUE(this->put(store, "a", 120'001, "v"));
  EXPECT_EQ(store.expired_dropped(), 1U);
  EXPECT_EQ(this->get(store, "a", 120'001), "v");
}

TYPED_TEST(WindowStore, ReadsShowStartsWithinRetentionOnly) {
  window_store& store = this->make(60'000, 120'000, 60'000);
  this->put(store, "a", 240'000, "v");
  EXPECT_TRUE(this->put(store, "a", 120'000, "v"));  // its segment lives, its retention is over
  EXPECT_EQ(this->get(store, "a", 120'000), std::nullopt);
  EXPECT_EQ(this->rows_of(store.fetch_all(time_range{})), (found{{"a", 240'000}}));
  EXPECT_TRUE(run_now(store.fetch_expiring(as_bytes("a"), 120'000)).has_value());
}

// Kafka's AbstractWindowBytesStoreTest: huge sizes.
TYPED_TEST(WindowStore, HugeSizesDoNotOverflow) {
  constexpr std::int64_t huge = 0x7a00000000000000;
  window_store& store = this->make(huge, huge, 0);
  for (const auto& [key, start] : found{{"a", 0}, {"aa", 0}, {"a", 1}, {"aa", 1}, {"a", huge - 1}})
    this->put(store, key, start, "v");
  EXPECT_EQ(run_now(store.fetch(as_bytes("a"), 0, time_max)).size(), 3U);
}

TYPED_TEST(WindowStore, SegmentsAreDroppedByExpireOnly) {
  window_store& store = this->make(10, 20, 10);
  this->put(store, "a", 0, "v");
  this->put(store, "a", 100, "v");
  EXPECT_TRUE(run_now(store.fetch_expiring(as_bytes("a"), 0)).has_value());
  this->world.settle();
  run_now(store.expire());
  EXPECT_FALSE(run_now(store.fetch_expiring(as_bytes("a"), 0)).has_value());
  EXPECT_EQ(this->world.segments.drop_floor(), 8U);
  EXPECT_EQ(this->world.segments.segments(0, 1000), (std::vector<segment_id>{10}));
}

// Kafka's InMemoryWindowStoreTest: open iterators keep their rows.
TYPED_TEST(WindowStore, OpenCursorsKeepTheirRowsUntilTheyAreClosed) {
  window_store& store = this->make(10, 20, 10);
  this->put(store, "a", 0, "v");
  this->put(store, "a", 10, "v");
  {
    window_cursor first = store.fetch_all(time_range{});
    window_cursor second = store.fetch_all(time_range{});
    this->put(store, "a", 1000, "v");
    run_now(store.expire());
    EXPECT_EQ(this->rows_of(std::move(first)), (found{{"a", 0}, {"a", 10}}));
    run_now(store.expire());
    EXPECT_EQ(this->rows_of(std::move(second)), (found{{"a", 0}, {"a", 10}}));
  }
  this->world.settle();
  run_now(store.expire());
  EXPECT_EQ(this->world.segments.segments(0, 50), (std::vector<segment_id>{}));
}

TYPED_TEST(WindowStore, AStoredKeyThatIsNoWindowKeyIsDamaged) {
  window_store& store = this->make(10, 100, 10);
  this->put(store, "a", 0, "v");
  run_now(this->world.segments.segment(0).put(as_bytes("short"), as_bytes("v")));
  window_cursor rows = store.fetch_all(time_range{});
  try {
    run_now(rows.next());
    ADD_FAILURE() << "a damaged key was read";
  } catch (const std::system_error& failure) {
    EXPECT_EQ(code_of(failure), errc::damaged);
  }
}

TYPED_TEST(WindowStore, RestoredStateGoesOnWhereItWas) {
  bytes raw;
  {
    window_store& store = this->make(10, 20, 10);
    this->put(store, "a", 100, "v");
    this->put(store, "a", 0, "v");
    store.state().append_to(raw);
  }
  window_store& store = this->make(10, 20, 10);
  store.restore(window_store_state::decode(raw).value());
  EXPECT_EQ(store.observed_stream_time_ms(), 100);
  EXPECT_EQ(store.expired_dropped(), 1U);
  EXPECT_FALSE(this->put(store, "a", 0, "v"));
}

TYPED_TEST(WindowStore, AgreesWithAMapUnderRandomOperations) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TypeParam fresh;
    window_store& store = fresh.make(options_of(10, 300, 40));
    std::map<std::pair<std::string, std::int64_t>, std::string> model;
    std::int64_t observed = -1;
    const std::vector<std::string> names = {"a",    "aa",       std::string("a\0", 2),
                                            "\xff", "\xff\xff", "b"};
    for (int i = 0; i < 1500; ++i) {
      const std::string& key = names[random() % names.size()];
      const auto now = static_cast<std::int64_t>(i);
      const std::int64_t start =
          std::max<std::int64_t>(0, now - static_cast<std::int64_t>(random() % 500));
      const std::string value = std::to_string(i);
      observed = std::max(observed, start);
      const bool live = start / 40 >= std::max<std::int64_t>(0, observed - 300) / 40;
      if (random() % 5 == 0) {
        const bool erased = run_now(store.erase(as_bytes(key), start));
        EXPECT_EQ(erased, model.erase({key, start}) == 1 && live);
      } else {
        EXPECT_EQ(this->put(store, key, start, value), live);
        if (live) model[{key, start}] = value;
      }
      if (random() % 50 == 0) run_now(store.expire());
      if (random() % 90 == 0) fresh.settle();
      std::erase_if(model, [&](const auto& row) {
        return row.first.second / 40 < std::max<std::int64_t>(0, observed - 300) / 40;
      });
      if (i % 25 != 0) continue;
      const std::int64_t from = std::max<std::int64_t>(0, now - 400);
      found expected;
      for (const auto& [at, stored] : model)
        if (at.first == key && at.second >= std::max(from, observed - 299)) expected.push_back(at);
      EXPECT_EQ(this->rows_of(store.fetch_rows(as_bytes(key), time_range{from, now})), expected);
      const time_range seen{std::max(from, observed - 299), now};
      EXPECT_EQ(this->rows_of(store.fetch_all(time_range{from, now})).size(),
                std::count_if(model.begin(), model.end(),
                              [&](const auto& row) { return seen.contains(row.first.second); }));
    }
  }
}

TEST(WindowStoreOptions, RetentionBelowTheWindowSizeIsRefused) {
  memory_segments segments;
  const auto refused = [&](std::int64_t size, std::int64_t retention, std::int64_t interval) {
    try {
      const segmented_window_store store(segments, options_of(size, retention, interval));
      return false;
    } catch (const std::system_error& failure) {
      return failure.code() == errc::invalid_argument;
    }
  };
  EXPECT_TRUE(refused(10, 9, 10));
  EXPECT_TRUE(refused(0, 9, 10));
  EXPECT_TRUE(refused(10, 10, -1));
  EXPECT_FALSE(refused(10, 10, 0));
}

TEST(WindowStoreOptions, TheDefaultIntervalKeepsSegmentsFew) {
  memory_segments segments;
  const auto interval = [&](std::int64_t size, std::int64_t advance, std::int64_t retention) {
    window_store_options options = options_of(size, retention, 0);
    options.advance_ms = advance;
    return segmented_window_store(segments, options).segment_interval_ms();
  };
  EXPECT_EQ(interval(10, 0, 10), 60'000);
  EXPECT_EQ(interval(3'600'000, 0, 3 * 3'600'000), 4 * 3'600'000);
  EXPECT_EQ(interval(3'600'000, 600'000, 320 * 3'600'000), 10 * 3'600'000);
  EXPECT_EQ(interval(time_max, 0, time_max), time_max);
}

TEST(WindowStoreState, EveryOtherLengthVersionOrTimeIsRefused) {
  window_store_state state;
  state.observed_stream_time_ms = 5;
  state.expired_dropped = 2;
  bytes raw;
  state.append_to(raw);
  EXPECT_EQ(to_hex(raw), "0100000000000000050000000000000002");
  EXPECT_EQ(window_store_state::decode(raw).value(), state);
  for (std::size_t length = 0; length < raw.size(); ++length)
    EXPECT_EQ(window_store_state::decode(bytes_view(raw).first(length)).error(), errc::damaged);
  bytes longer = raw;
  longer.push_back(std::byte{0});
  EXPECT_EQ(window_store_state::decode(longer).error(), errc::damaged);
  bytes newer = raw;
  newer.at(0) = std::byte{2};
  EXPECT_EQ(window_store_state::decode(newer).error(), errc::newer_format);
  bytes negative = raw;
  negative.at(1) = std::byte{0x80};
  EXPECT_EQ(window_store_state::decode(negative).error(), errc::damaged);
}

}  // namespace
}  // namespace lentic::windows
