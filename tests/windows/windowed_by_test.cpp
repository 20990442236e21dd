// SPDX-License-Identifier: Apache-2.0
#include "process/task_rig.hpp"

#include <lentic/errc.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/sink.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using namespace std::chrono_literals;
using process::for_each;
using process::group_by_key;
using process::record;
using process::record_rejected;
using process::to_stream;
using process::topology;
using test::task_rig;
using strings = std::vector<std::string>;

std::string text(std::int64_t value) {
  return std::to_string(value);
}
std::string text(const std::string& value) {
  return value;
}
std::string text(const bytes& value) {
  return std::string(as_text(value));
}

// "A[0,10) 1>2 @5".
struct collect {
  strings* lines;
  template <class A>
  void operator()(const record<windowed<std::string>, process::change_of<A>>& next) const {
    std::string line = next.key.key + "[" + text(next.key.start_ms) + "," + text(next.key.end_ms);
    line += ") " + (next.value.old_value ? text(*next.value.old_value) : "-") + ">";
    line += next.value.new_value ? text(*next.value.new_value) : "-";
    lines->push_back(line + " @" + text(next.timestamp_ms));
  }
};

class WindowedBy : public ::testing::Test {
 protected:
  auto by_key() { return work_.source<std::string, std::string>("in") | group_by_key(); }
  auto out() { return for_each(collect{&seen_}); }
  task_rig start() {
    return task_rig([this] { return std::move(work_); });
  }
  strings take() { return std::exchange(seen_, {}); }

  topology work_;
  strings seen_;
};

void feed(task_rig& rig, std::string key, std::int64_t timestamp_ms, std::string value = "v") {
  rig.feed<std::string, std::string>("in", std::move(key), std::move(value), timestamp_ms);
}

TEST_F(WindowedBy, CountTellsEachChangeWithOldAndNew) {
  by_key() | windowed_by(tumbling(10ms)) | count("counts") | out();
  task_rig rig = start();
  feed(rig, "A", 3);
  feed(rig, "A", 7);
  feed(rig, "A", 12);
  EXPECT_EQ(take(), (strings{"A[0,10) ->1 @3", "A[0,10) 1>2 @7", "A[10,20) ->1 @12"}));
}

TEST_F(WindowedBy, AHoppingRecordTellsOfAllItsWindows) {
  by_key() | windowed_by(hopping(10ms, 5ms)) | count("counts") | out();
  task_rig rig = start();
  feed(rig, "A", 12);
  feed(rig, "A", 16);
  EXPECT_EQ(take(), (strings{"A[5,15) ->1 @12", "A[10,20) ->1 @12", "A[10,20) 1>2 @16",
                             "A[15,25) ->1 @16"}));
}

TEST_F(WindowedBy, ALateRecordWithinGraceKeepsTheGreaterTimestamp) {
  by_key() | windowed_by(tumbling(10ms).grace(5ms)) | count("counts") | out();
  task_rig rig = start();
  feed(rig, "A", 8);
  feed(rig, "B", 14);
  feed(rig, "A", 2);
  EXPECT_EQ(take(), (strings{"A[0,10) ->1 @8", "B[10,20) ->1 @14", "A[0,10) 1>2 @8"}));
}

TEST_F(WindowedBy, ARecordPastGraceIsCountedAsLate) {
  by_key() | windowed_by(tumbling(10ms).grace(5ms)) | count("counts") | out();
  task_rig rig = start();
  feed(rig, "B", 15);
  feed(rig, "A", 2);
  EXPECT_EQ(take(), strings{"B[10,20) ->1 @15"});
  EXPECT_EQ(rig.job().store<windowed_aggregation>("counts").late_dropped(), 1U);
}

TEST_F(WindowedBy, EmitOnCloseTellsEachWindowOnceInOrder) {
  by_key() | windowed_by(tumbling(10ms)) | emit_on_close() | count("counts") | out();
  task_rig rig = start();
  feed(rig, "B", 1);
  feed(rig, "A", 3);
  feed(rig, "A", 7);
  EXPECT_EQ(take(), strings{});
  feed(rig, "A", 10);
  EXPECT_EQ(take(), (strings{"A[0,10) ->2 @7", "B[0,10) ->1 @1"}));
  feed(rig, "A", 20);
  EXPECT_EQ(take(), strings{"A[10,20) ->1 @10"});
}

TEST_F(WindowedBy, ReduceStartsWithTheFirstValueOfAWindow) {
  by_key() | windowed_by(tumbling(10ms))
      | reduce("joined", [](std::string sum, const std::string& next) { return sum + next; })
      | out();
  task_rig rig = start();
  feed(rig, "A", 1, "x");
  feed(rig, "A", 2, "y");
  feed(rig, "A", 11, "z");
  EXPECT_EQ(take(), (strings{"A[0,10) ->x @1", "A[0,10) x>xy @2", "A[10,20) ->z @11"}));
}

TEST_F(WindowedBy, AggregateStartsWithTheInitialValue) {
  by_key() | windowed_by(tumbling(10ms))
      | aggregate(
          "joined", [] { return std::string("="); },
          [](const std::string& next, std::string sum) { return sum + next; })
      | out();
  task_rig rig = start();
  feed(rig, "A", 1, "x");
  feed(rig, "A", 2, "y");
  EXPECT_EQ(take(), (strings{"A[0,10) ->=x @1", "A[0,10) =x>=xy @2"}));
}

TEST_F(WindowedBy, ToStreamGivesTheNewValue) {
  std::vector<std::int64_t> counts;
  by_key() | windowed_by(tumbling(10ms)) | count("counts") | to_stream()
      | for_each([&counts](const std::int64_t& value) { counts.push_back(value); });
  task_rig rig = start();
  feed(rig, "A", 1);
  feed(rig, "A", 2);
  EXPECT_EQ(counts, (std::vector<std::int64_t>{1, 2}));
}

// Fails for the value "bad", at the second window of a record only.
struct concatenate_bytes {
  int calls = 0;
  result<void> operator()(std::optional<bytes_view> old,
                          const record<std::string, std::string>& next, bytes& out) {
    if (next.value == "bad" && ++calls == 2) return make_error_code(errc::too_large);
    if (old) out.assign(old->begin(), old->end());
    const bytes_view added = as_bytes(next.value);
    out.insert(out.end(), added.begin(), added.end());
    return {};
  }
};

TEST_F(WindowedBy, AggregateBytesSeesTheStoredBytes) {
  by_key() | windowed_by(tumbling(10ms)) | aggregate_bytes("joined", concatenate_bytes()) | out();
  task_rig rig = start();
  feed(rig, "A", 1, "x");
  feed(rig, "A", 2, "y");
  EXPECT_EQ(take(), (strings{"A[0,10) ->x @1", "A[0,10) x>xy @2"}));
}

TEST_F(WindowedBy, ARejectedRecordChangesNothing) {
  by_key() | windowed_by(hopping(10ms, 5ms)) | emit_on_close()
      | aggregate_bytes("joined", concatenate_bytes()) | out();
  task_rig rig = start();
  feed(rig, "A", 7, "x");
  const bytes before = rig.job().store<windowed_aggregation>("joined").state().encode();
  try {
    feed(rig, "A", 1000, "bad");
    FAIL() << "the record was taken";
  } catch (const record_rejected& refused) {
    EXPECT_EQ(refused.code(), errc::too_large);
  }
  EXPECT_EQ(rig.job().store<windowed_aggregation>("joined").state().encode(), before);
  EXPECT_EQ(rig.job().stream_time_ms(), 7);
  EXPECT_FALSE(rig.job().poisoned());
  EXPECT_EQ(take(), strings{});
  feed(rig, "A", 10, "y");
  EXPECT_EQ(take(), strings{"A[0,10) ->x @7"});
}

TEST_F(WindowedBy, ANegativeTimestampIsRejected) {
  by_key() | windowed_by(tumbling(10ms)) | count("counts") | out();
  task_rig rig = start();
  EXPECT_THROW(feed(rig, "A", -1), record_rejected);
  EXPECT_EQ(rig.job().stream_time_ms(), -1);
}

TEST_F(WindowedBy, ARecordWithoutKeyIsPassedOver) {
  using maybe = std::optional<std::string>;
  strings seen;
  topology work;
  work.source<maybe, maybe>("in") | group_by_key() | windowed_by(tumbling(10ms)) | count("counts")
      | for_each(collect{&seen});
  task_rig rig([&work] { return std::move(work); });
  rig.feed("in", maybe(), maybe("v"), 1);
  rig.feed("in", maybe("A"), maybe(), 2);
  EXPECT_EQ(seen, strings{"A[0,10) ->1 @2"});
  EXPECT_EQ(rig.job().store<process::aggregate_counters>("counts").null_dropped, 1U);
}

TEST_F(WindowedBy, AGroupUsedByNameFeedsBothItsWindows) {
  auto grouped = by_key();
  grouped | windowed_by(tumbling(10ms)) | count("short") | out();
  grouped | windowed_by(tumbling(100ms)) | count("long") | out();
  task_rig rig = start();
  feed(rig, "A", 55);
  EXPECT_EQ(take(), (strings{"A[50,60) ->1 @55", "A[0,100) ->1 @55"}));
}

TEST_F(WindowedBy, AnImpossibleDefinitionIsAnError) {
  EXPECT_THROW(windowed_by(tumbling(0ms)), std::system_error);
  EXPECT_THROW(windowed_by(hopping(10ms, 20ms)), std::system_error);
  EXPECT_THROW(windowed_by(tumbling(10ms).grace(5ms).retention(12ms)), std::system_error);
}

}  // namespace
}  // namespace lentic::windows
