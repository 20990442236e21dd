// SPDX-License-Identifier: Apache-2.0
#include "aggregation_rig.hpp"
#include "cold_segments.hpp"

#include <lentic/store/memory_store.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lentic::windows {
namespace {

using testing::aggregation_rig;
using testing::cold_segments;
using testing::concatenate;
using testing::print_rows;
using testing::rig_options;
using testing::run_now;

using lines = std::vector<std::string>;

rig_options hopping(std::int64_t size_ms, std::int64_t advance_ms, std::int64_t grace_ms) {
  rig_options options;
  options.size_ms = size_ms;
  options.advance_ms = advance_ms;
  options.grace_ms = grace_ms;
  return options;
}

// One over segments that answer at once, one over segments that suspend every time.
template <class Segments>
class WindowedAggregation : public ::testing::Test {
 protected:
  Segments segments;
};

using segment_kinds = ::testing::Types<memory_segments, cold_segments>;
TYPED_TEST_SUITE(WindowedAggregation, segment_kinds);

// Kafka's KStreamWindowAggregateTest: basic.
TYPED_TEST(WindowedAggregation, OutOfOrderRecordsKeepTheGreatestTimestamp) {
  aggregation_rig rig(this->segments, hopping(10, 5, 100));
  rig.add("B", 8, "1");
  rig.add("B", 13, "2");
  rig.add("B", 3, "3");
  rig.add("B", 2, "4");
  rig.add("B", 9, "5");
  EXPECT_EQ(rig.open(), (lines{"B [0,10) 1+3+4+5 @9", "B [5,15) 1+2+5 @13", "B [10,20) 2 @13"}));
}

// Kafka's KStreamWindowAggregateTest: late records.
TYPED_TEST(WindowedAggregation, OneRecordCanBeLateInOneWindowAndInTimeInAnother) {
  aggregation_rig rig(this->segments, hopping(10, 5, 90));
  rig.add("A", 100, "100");
  std::uint64_t rejected = 0;
  for (int i = 0; i <= 6; ++i) rejected += rig.add("A", i, std::to_string(i)).rejected;
  EXPECT_EQ(rejected, 7U);
  EXPECT_EQ(rig.aggregation.late_dropped(), 7U);
  EXPECT_EQ(rig.open().front(), "A [5,15) 5+6 @6");
  EXPECT_TRUE(rig.closed.empty());
}

// Kafka's KStreamWindowAggregateTest: emit on close.
TYPED_TEST(WindowedAggregation, AWindowIsEmittedWhenItsEndEqualsTheCloseTime) {
  aggregation_rig rig(this->segments, hopping(10, 5, 5));
  rig.add("A", 0, "1");
  rig.add("A", 5, "2");
  rig.add("B", 10, "3");
  rig.add("C", 15, "4");
  rig.add("D", 20, "5");
  EXPECT_EQ(rig.closed, (lines{"A [0,10) 1+2 @5", "A [5,15) 2 @5", "B [5,15) 3 @10"}));
  EXPECT_EQ(rig.aggregation.windows_closed(), 3U);
}

// Kafka's SuppressScenarioTest: time windows.
TYPED_TEST(WindowedAggregation, FinalResultsAreThoseOfSuppress) {
  aggregation_rig rig(this->segments, hopping(2, 2, 1));
  for (const std::int64_t timestamp : {0, 1, 2, 1, 0, 5, 0}) rig.add("k", timestamp, "1");
  EXPECT_EQ(rig.closed, (lines{"k [0,2) 1+1+1+1 @1", "k [2,4) 1 @2"}));
  EXPECT_EQ(rig.aggregation.late_dropped(), 1U);
}

TYPED_TEST(WindowedAggregation, ClosedWindowsComeInStartThenKeyOrder) {
  aggregation_rig rig(this->segments, hopping(10, 10, 100));
  for (const char* key : {"b", "\xff", "a", "ab"})
    for (const std::int64_t timestamp : {15, 5}) rig.add(key, timestamp, "1");
  rig.add("z", 500, "1");
  EXPECT_EQ(rig.closed, (lines{"a [0,10) 1 @5", "ab [0,10) 1 @5", "b [0,10) 1 @5",
                               "\xff [0,10) 1 @5", "a [10,20) 1 @15", "ab [10,20) 1 @15",
                               "b [10,20) 1 @15", "\xff [10,20) 1 @15"}));
}

TYPED_TEST(WindowedAggregation, EachClosedWindowIsHandedOutOnce) {
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  rig.add("a", 0, "1");
  rig.add("a", 10, "1");
  rig.emit();
  rig.emit();
  EXPECT_EQ(rig.closed, (lines{"a [0,10) 1 @0"}));
}

TYPED_TEST(WindowedAggregation, ClosedWindowsOfSeveralRecordsCanBeHandedOutTogether) {
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  concatenate update("1");
  for (const std::int64_t timestamp : {0, 10, 20})
    EXPECT_TRUE(run_now(rig.aggregation.process(as_bytes("a"), timestamp, update)).has_value());
  rig.emit();
  EXPECT_EQ(rig.closed, (lines{"a [0,10) 1 @0", "a [10,20) 1 @10"}));
}

// The values of closing windows lie far behind the store's retention once the record is put.
TYPED_TEST(WindowedAggregation, AFarJumpOfStreamTimeEmitsEveryWindow) {
  constexpr std::int64_t ten_years = std::int64_t{10} * 365 * 86'400'000;
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  rig.add("a", 0, "1");
  rig.add("b", 3, "2");
  EXPECT_EQ(rig.add("c", ten_years, "3").closed_now, 2U);
  EXPECT_EQ(rig.closed, (lines{"a [0,10) 1 @0", "b [0,10) 2 @3"}));
  EXPECT_EQ(rig.aggregation.windows_open(), 1U);
  EXPECT_EQ(this->segments.segments(0, 100).size(), 0U);
}

TYPED_TEST(WindowedAggregation, TheLastMillisecondOfTimeIsHandled) {
  aggregation_rig rig(this->segments, hopping(10, 10, 5));
  rig.add("a", 0, "1");
  const aggregation_outcome outcome = rig.add("a", time_max, "2");
  EXPECT_EQ(outcome.accepted, 1U);
  EXPECT_EQ(outcome.closed_now, 1U);
  ASSERT_EQ(rig.open().size(), 1U);
  EXPECT_EQ(rig.add("a", 0, "3").rejected, 1U);
}

TYPED_TEST(WindowedAggregation, PlanChangesNothing) {
  aggregation_rig rig(this->segments, hopping(10, 5, 0));
  rig.add("a", 12, "1");
  const record_plan plan = rig.aggregation.plan(1000);
  EXPECT_EQ(plan.stream_time_ms, 1000);
  EXPECT_EQ(plan.accepted.size(), 2U);
  EXPECT_EQ(plan.accepted[0], 995);
  EXPECT_EQ(rig.aggregation.stream_time_ms(), 12);
  EXPECT_EQ(rig.aggregation.plan(6).rejected, 1U);  // [0,10) has closed, [5,15) has not
  EXPECT_EQ(rig.aggregation.plan(6).accepted.size(), 1U);
  EXPECT_EQ(rig.aggregation.late_dropped(), 0U);
}

TYPED_TEST(WindowedAggregation, AFailedUpdateChangesNothing) {
  aggregation_rig rig(this->segments, hopping(10, 5, 0));
  rig.add("a", 7, "1");
  const aggregation_state before = rig.aggregation.state();
  const lines open_before = rig.open();
  concatenate update("bad");
  update.fail_at = 1;  // the second of the record's two windows
  const auto done = run_now(rig.aggregation.process(as_bytes("a"), 12, update));
  EXPECT_EQ(done.error(), std::errc::value_too_large);
  EXPECT_EQ(rig.aggregation.state(), before);
  rig.emit();
  EXPECT_TRUE(rig.closed.empty());
  EXPECT_EQ(rig.open(), open_before);
  rig.add("a", 12, "2");
  EXPECT_EQ(rig.open(), (lines{"a [5,15) 1+2 @12", "a [10,20) 2 @12"}));
}

TYPED_TEST(WindowedAggregation, ARecordThatCannotBeStoredIsAnErrorThatChangesNothing) {
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  rig.add("a", 5, "1");
  const aggregation_state before = rig.aggregation.state();
  concatenate update("1");
  EXPECT_EQ(run_now(rig.aggregation.process(as_bytes("a"), -1, update)).error(),
            errc::invalid_argument);
  const std::string long_key(key_bytes_max - 11, 'k');
  EXPECT_EQ(run_now(rig.aggregation.process(as_bytes(long_key), 50, update)).error(),
            errc::too_large);
  EXPECT_EQ(update.calls, 0);
  EXPECT_EQ(rig.aggregation.state(), before);
  EXPECT_TRUE(
      run_now(rig.aggregation.process(as_bytes(long_key).first(key_bytes_max - 12), 5, update))
          .has_value());
}

TYPED_TEST(WindowedAggregation, ALateRecordMakesNoUpdate) {
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  rig.add("a", 50, "1");
  concatenate update("late");
  const auto done = run_now(rig.aggregation.process(as_bytes("a"), 3, update));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->accepted, 0U);
  EXPECT_EQ(done->rejected, 1U);
  EXPECT_EQ(update.calls, 0);
  EXPECT_EQ(rig.aggregation.stream_time_ms(), 50);
}

TYPED_TEST(WindowedAggregation, AVisitorThatThrowsGetsItsWindowAgain) {
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  concatenate update("1");
  for (const std::int64_t timestamp : {0, 10})
    EXPECT_TRUE(run_now(rig.aggregation.process(as_bytes("a"), timestamp, update)).has_value());
  auto refuse = [](const window_result&) { throw std::length_error("full"); };
  const auto hand_out = [&] { run_now(rig.aggregation.for_each_closed(refuse)); };
  EXPECT_THROW(hand_out(), std::length_error);
  EXPECT_EQ(rig.aggregation.windows_closed(), 0U);
  rig.emit();
  EXPECT_EQ(rig.closed, (lines{"a [0,10) 1 @0"}));
}

TYPED_TEST(WindowedAggregation, AValueWithoutATimestampIsDamaged) {
  aggregation_rig rig(this->segments, hopping(10, 10, 0));
  run_now(rig.store.put(as_bytes("a"), 0, as_bytes("short")));
  concatenate update("1");
  try {
    EXPECT_FALSE(run_now(rig.aggregation.process(as_bytes("a"), 0, update)).has_value());
    ADD_FAILURE() << "a damaged value was read";
  } catch (const std::system_error& failure) {
    EXPECT_EQ(failure.code(), errc::damaged);
  }
}

TYPED_TEST(WindowedAggregation, RestoreFindsOpenWindowsAndSkipsClosedOnes) {
  rig_options options = hopping(10, 5, 5);
  options.extra_retention_ms = 1000;  // closed windows stay in the store
  bytes raw;
  {
    aggregation_rig rig(this->segments, options);
    for (const std::int64_t timestamp : {0, 5, 10, 15, 20}) rig.add("a", timestamp, "1");
    EXPECT_EQ(rig.closed.size(), 2U);
    raw = rig.aggregation.state().encode();
  }
  aggregation_rig rig(this->segments, options);
  run_now(rig.aggregation.restore(aggregation_state::decode(raw).value()));
  EXPECT_EQ(rig.aggregation.windows_open(), 3U);
  EXPECT_EQ(rig.aggregation.windows_closed(), 2U);
  EXPECT_EQ(rig.aggregation.state().encode(), raw);
  rig.add("b", 30, "2");
  EXPECT_EQ(rig.closed, (lines{"a [10,20) 1+1 @15", "a [15,25) 1+1 @20"}));
}

TEST(WindowedAggregationSeals, ASegmentIsHintedOnceWhenItsLastWindowHasClosed) {
  cold_segments segments;
  rig_options options = hopping(10, 10, 0);
  options.extra_retention_ms = 1000;
  aggregation_rig rig(segments, options);  // two windows a segment
  for (const std::int64_t timestamp : {0, 10, 19}) rig.add("a", timestamp, "1");
  EXPECT_TRUE(segments.hints.empty());
  for (const std::int64_t timestamp : {20, 21, 30, 39}) rig.add("a", timestamp, "1");
  EXPECT_EQ(segments.hints, (std::vector<segment_id>{0}));
  rig.add("a", 205, "1");
  EXPECT_EQ(segments.hints, (std::vector<segment_id>{0, 1}));
}

// Nothing is set aside, and nothing is looked for at a restart.
TEST(WindowedAggregationOnUpdate, KeepsNoWindowsButValuesLateCountsHintsAndExpiry) {
  cold_segments segments;
  const rig_options options = hopping(10, 10, 5);
  segmented_window_store store(segments, testing::store_options_of(options));
  windowed_aggregation aggregation(store, testing::windows_of(options), emit_strategy::on_update);
  std::uint64_t closed = 0;
  for (const std::int64_t timestamp : {0, 3, 55, 9}) {
    concatenate update("1");
    const auto done = run_now(aggregation.process(as_bytes("a"), timestamp, update));
    ASSERT_TRUE(done.has_value());
    closed += done->closed_now;
    if (timestamp != 3) continue;
    EXPECT_EQ(as_text(*run_now(store.fetch(as_bytes("a"), 0))).substr(8), "1+1");
  }
  EXPECT_EQ(closed, 0U);
  EXPECT_EQ(aggregation.windows_open(), 0U);
  EXPECT_EQ(aggregation.late_dropped(), 1U);
  lines seen;
  testing::print_rows print{&seen};
  run_now(aggregation.for_each_closed(print));
  EXPECT_TRUE(seen.empty());
  run_now(aggregation.expire());
  EXPECT_EQ(segments.drop_floor(), 1U);
  EXPECT_EQ(store.state(), aggregation.state().store);
  windowed_aggregation again(store, testing::windows_of(options), emit_strategy::on_update);
  run_now(again.restore(aggregation.state()));
  EXPECT_EQ(again.windows_open(), 0U);
  EXPECT_EQ(again.state(), aggregation.state());
}

TEST(WindowedAggregationOptions, AStoreThatExpiresBeforeWindowsCloseIsRefused) {
  const auto refused = [](std::int64_t size_ms, std::int64_t retention_ms) {
    memory_segments segments;
    window_store_options options;
    options.window_size_ms = size_ms;
    options.retention_ms = retention_ms;
    segmented_window_store store(segments, options);
    try {
      const windowed_aggregation aggregation(store, testing::windows_of(hopping(10, 10, 5)));
      return false;
    } catch (const std::system_error& failure) {
      return failure.code() == errc::invalid_argument;
    }
  };
  EXPECT_TRUE(refused(10, 14));
  EXPECT_TRUE(refused(11, 100));
  EXPECT_FALSE(refused(10, 15));
}

TEST(AggregationState, EveryOtherLengthVersionOrTimeIsRefused) {
  aggregation_state state;
  state.stream_time_ms = 9;
  state.last_close_ms = 7;
  state.late_dropped = 1;
  state.windows_closed = 2;
  state.store.observed_stream_time_ms = 5;
  const bytes raw = state.encode();
  EXPECT_EQ(
      to_hex(raw),
      "0100000000000000090000000000000007000000000000000100000000000000020100000000000000050000"
      "000000000000");
  EXPECT_EQ(aggregation_state::decode(raw).value(), state);
  for (std::size_t length = 0; length < raw.size(); ++length)
    EXPECT_EQ(aggregation_state::decode(bytes_view(raw).first(length)).error(), errc::damaged);
  for (const auto& [at, value, error] : std::vector<std::tuple<std::size_t, std::byte, errc>>{
           {0, std::byte{2}, errc::newer_format},
           {1, std::byte{0x80}, errc::damaged},
           {9, std::byte{0x01}, errc::damaged},
           {33, std::byte{2}, errc::newer_format}}) {
    bytes other = raw;
    other.at(at) = value;
    EXPECT_EQ(aggregation_state::decode(other).error(), error) << "byte " << at;
  }
}

}  // namespace
}  // namespace lentic::windows
