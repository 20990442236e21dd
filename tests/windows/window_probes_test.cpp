// SPDX-License-Identifier: Apache-2.0
#include "cold_segments.hpp"
#include "run_now.hpp"
#include "window_worlds.hpp"

#include <lentic/errc.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace lentic::windows {
namespace {

using testing::cold_segments;
using testing::run_now;

// A segment store that counts what is asked of it.
class counted_store final : public byte_store {
 public:
  counted_store(byte_store& inner, std::uint64_t& gets, std::uint64_t& ranges)
      : inner_(inner), gets_(gets), ranges_(ranges) {}
  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    ++gets_;
    return inner_.get(key);
  }
  maybe_ready<void> put(bytes_view key, bytes_view value) override {
    return inner_.put(key, value);
  }
  maybe_ready<bool> erase(bytes_view key) override { return inner_.erase(key); }
  cursor range(const key_range& range, direction order) override {
    ++ranges_;
    return inner_.range(range, order);
  }
  maybe_ready<void> clear() override { return inner_.clear(); }
  std::uint64_t approximate_count() const override { return inner_.approximate_count(); }
  std::uint64_t size_bytes() const override { return inner_.size_bytes(); }

 private:
  byte_store& inner_;
  std::uint64_t& gets_;
  std::uint64_t& ranges_;
};

class counted_segments final : public segmented_store {
 public:
  byte_store& segment(segment_id id) override {
    return stores_.try_emplace(id, inner_.segment(id), gets, ranges).first->second;
  }
  byte_store* find_segment(segment_id id) override {
    const auto found = stores_.find(id);
    return found == stores_.end() ? nullptr : &found->second;
  }
  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override {
    return inner_.segments(lo, hi);
  }
  void seal_hint(segment_id id) override { inner_.seal_hint(id); }
  maybe_ready<void> drop_below(segment_id id) override {
    stores_.erase(stores_.begin(), stores_.lower_bound(id));
    return inner_.drop_below(id);
  }
  segment_id drop_floor() const override { return inner_.drop_floor(); }

  std::uint64_t gets = 0;
  std::uint64_t ranges = 0;

 private:
  memory_segments inner_;
  std::map<segment_id, counted_store> stores_;
};

window_store_options tens(std::int64_t alignment_ms) {
  window_store_options options;
  options.window_size_ms = 20;
  options.advance_ms = 10;
  options.retention_ms = 300;
  options.segment_interval_ms = 50;
  options.start_alignment_ms = alignment_ms;
  return options;
}

using found = std::vector<std::tuple<std::string, std::int64_t, std::string>>;

found rows_of(window_cursor rows) {
  found list;
  const std::vector<window_entry> entries = run_now(collect(std::move(rows)));
  for (const window_entry& each : entries)
    list.emplace_back(as_text(each.key), each.start_ms, as_text(each.value));
  return list;
}

std::error_code code_of_put(window_store& store, std::int64_t start_ms) {
  try {
    run_now(store.put(as_bytes("k"), start_ms, as_bytes("v")));
  } catch (const std::system_error& failure) {
    return failure.code();
  }
  return {};
}

template <class World>
class AlignedStarts : public ::testing::Test {
 protected:
  World of_tens;
  World of_any;
};

template <class Segments>
using kafka_cache = testing::caching_window_world<Segments, caching::kafka, std::uint64_t{1} << 30>;
template <class Segments>
using fused_cache = testing::caching_window_world<Segments, caching::fused, 300>;

using worlds =
    ::testing::Types<testing::segmented_world<memory_segments>,
                     testing::segmented_world<cold_segments>, kafka_cache<memory_segments>,
                     kafka_cache<cold_segments>, fused_cache<cold_segments>>;
TYPED_TEST_SUITE(AlignedStarts, worlds);

TYPED_TEST(AlignedStarts, AnswerWhatAnyStartsAnswer) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&random](int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random);
  };
  window_store& aligned = this->of_tens.make(tens(10));
  window_store& any = this->of_any.make(tens(0));
  const std::vector<std::string> keys{"", "a", "aa", std::string(12, '\0'), "b"};
  for (int step = 0; step < 2000; ++step) {
    const bytes_view key = as_bytes(keys[static_cast<std::size_t>(below(5))]);
    const std::int64_t start_ms = step / 20 * 10 + 10 * below(30);
    const std::string value(static_cast<std::size_t>(below(40)),
                            static_cast<char>('a' + step % 26));
    if (below(5) == 0) {
      ASSERT_EQ(run_now(aligned.erase(key, start_ms)), run_now(any.erase(key, start_ms)));
    } else {
      ASSERT_EQ(run_now(aligned.put(key, start_ms, as_bytes(value))),
                run_now(any.put(key, start_ms, as_bytes(value))));
    }
    if (below(50) == 0) run_now(aligned.expire());
    if (below(50) == 0) run_now(any.expire());
    const time_range starts{start_ms - below(400), start_ms + below(400)};
    const direction order = below(2) == 0 ? direction::forward : direction::backward;
    ASSERT_EQ(rows_of(aligned.fetch_rows(key, starts, order)),
              rows_of(any.fetch_rows(key, starts, order)))
        << "step " << step;
  }
}

TYPED_TEST(AlignedStarts, RefuseOthersAndLeaveNoTrace) {
  window_store& store = this->of_tens.make(tens(10));
  EXPECT_EQ(code_of_put(store, 15), errc::invalid_argument);
  EXPECT_THROW(run_now(store.erase(as_bytes("k"), 5)), std::system_error);
  EXPECT_EQ(store.observed_stream_time_ms(), -1);
  EXPECT_EQ(code_of_put(store, 20), std::error_code());
}

TEST(WindowProbes, ExamineEachStartOnceAndNoRange) {
  counted_segments segments;
  segmented_window_store store(segments, tens(10));
  for (std::int64_t start_ms = 0; start_ms < 300; start_ms += 10)
    run_now(store.put(as_bytes("k"), start_ms, as_bytes("v")));
  segments.gets = 0;
  const auto rows = run_now(store.fetch(as_bytes("k"), 101, 205));
  EXPECT_EQ(rows.size(), 10U);
  EXPECT_EQ(segments.gets, 10U);
  EXPECT_EQ(segments.ranges, 0U);
}

TEST(WindowProbes, StartsBehindTheStreamTimeAndHugeRangesAreNotLookedUp) {
  counted_segments segments;
  segmented_window_store store(segments, tens(10));
  run_now(store.put(as_bytes("k"), 40, as_bytes("v")));
  EXPECT_EQ(run_now(store.fetch(as_bytes("k"), -time_max, time_max)).size(), 1U);
  EXPECT_EQ(segments.gets, 5U);
}

TEST(WindowProbes, ManyStartsAreARange) {
  counted_segments segments;
  window_store_options options = tens(1);
  segmented_window_store store(segments, options);
  run_now(store.put(as_bytes("k"), 299, as_bytes("v")));
  segments.gets = 0;
  EXPECT_EQ(run_now(store.fetch(as_bytes("k"), 0, 299)).size(), 1U);
  EXPECT_EQ(segments.gets, 0U);
  EXPECT_GT(segments.ranges, 0U);
}

TEST(WindowProbes, LargeValuesEndABlock) {
  memory_segments segments;
  segmented_window_store store(segments, tens(10));
  const bytes large(40 << 10, std::byte{7});
  for (std::int64_t start_ms = 0; start_ms < 100; start_ms += 10)
    run_now(store.put(as_bytes("k"), start_ms, large));
  window_cursor rows = store.fetch_rows(as_bytes("k"), time_range{0, 90});
  std::size_t count = 0;
  for (;;) {
    const std::span<const window_row> block = run_now(rows.next());
    if (block.empty()) break;
    EXPECT_LE(block.size(), 2U);
    for (const window_row& each : block) {
      EXPECT_EQ(each.start_ms, static_cast<std::int64_t>(10 * count++));
      EXPECT_TRUE(equal(each.value, large));
    }
  }
  EXPECT_EQ(count, 10U);
}

}  // namespace
}  // namespace lentic::windows
