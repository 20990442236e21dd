// SPDX-License-Identifier: Apache-2.0
// Aggregates behind write-back caches, in both modes: changes are collected until a commit.
#include "process/task_rig.hpp"

#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using namespace std::chrono_literals;
using process::record;
using process::topology;
using test::keeps;
using test::task_rig;
using text = std::string;
using strings = std::vector<text>;

process::stream_task_options cached(caching mode, std::uint64_t bytes_max = 1 << 20) {
  process::stream_task_options options;
  options.cache = mode;
  options.cache_bytes_max = bytes_max;
  return options;
}

text number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

class CachedPipe : public ::testing::TestWithParam<caching> {
 protected:
  // "A[0 1>2 @7" for each change of a count in windows of 10 ms.
  topology build() {
    topology work;
    work.source<text, text>("in") | process::group_by_key() | windowed_by(tumbling(10ms))
        | count("counts")
        | process::for_each(
            [this](const record<windowed<text>, process::change_of<std::int64_t>>& next) {
              seen_.push_back(next.key.key + "[" + std::to_string(next.key.start_ms) + " "
                              + number(next.value.old_value) + ">" + number(next.value.new_value)
                              + " @" + std::to_string(next.timestamp_ms));
            });
    return work;
  }
  task_rig::builder builder() {
    return [this] { return build(); };
  }
  void feed(task_rig& rig, text key, std::int64_t at_ms) {
    rig.feed<text, text>("in", std::move(key), "v", at_ms);
  }
  strings take() { return std::exchange(seen_, {}); }

  strings seen_;
};

TEST_P(CachedPipe, ChangesOfOneWindowAreOneAtTheCommit) {
  task_rig rig(builder(), keeps::memory, cached(GetParam()));
  feed(rig, "A", 1);
  feed(rig, "A", 7);
  feed(rig, "A", 3);
  EXPECT_EQ(take(), strings{});
  rig.commit();
  EXPECT_EQ(take(), strings{"A[0 ->3 @7"});
}

TEST_P(CachedPipe, TheOldValueIsTheOneLastTold) {
  task_rig rig(builder(), keeps::memory, cached(GetParam()));
  feed(rig, "A", 1);
  rig.commit();
  feed(rig, "A", 2);
  feed(rig, "A", 3);
  rig.commit();
  EXPECT_EQ(take(), (strings{"A[0 ->1 @1", "A[0 1>3 @3"}));
}

TEST_P(CachedPipe, WithoutABudgetEachChangeIsToldAtOnce) {
  task_rig rig(builder(), keeps::memory, cached(GetParam(), 0));
  feed(rig, "A", 1);
  feed(rig, "A", 2);
  EXPECT_EQ(take(), (strings{"A[0 ->1 @1", "A[0 1>2 @2"}));
}

TEST_P(CachedPipe, ACommittedChangeIsToldOnceAndAnUncommittedOneAgain) {
  task_rig rig(builder(), keeps::disk, cached(GetParam()));
  feed(rig, "A", 1);
  rig.commit();
  feed(rig, "A", 2);
  rig.restart();
  rig.commit();
  EXPECT_EQ(take(), strings{"A[0 ->1 @1"});
  feed(rig, "A", 2);
  rig.commit();
  EXPECT_EQ(take(), strings{"A[0 1>2 @2"});
}

TEST_P(CachedPipe, AnAggregateOfAnAggregateIsFlushedInOneCommit) {
  strings seen;
  topology work;
  work.source<text, text>("in") | process::group_by_key() | windowed_by(tumbling(10ms))
      | count("counts") | process::to_stream()
      | process::map([](const windowed<text>& key, std::int64_t value) {
          return std::pair(key.start_ms, value);
        })
      | process::group_by_key()
      | process::reduce("largest",
                        [](std::int64_t most, std::int64_t next) { return std::max(most, next); })
      | process::to_stream() | process::for_each([&seen](std::int64_t start_ms, std::int64_t most) {
          seen.push_back(std::to_string(start_ms) + ":" + std::to_string(most));
        });
  task_rig rig([&work] { return std::move(work); }, keeps::memory, cached(GetParam()));
  feed(rig, "A", 1);
  feed(rig, "B", 2);
  feed(rig, "B", 3);
  EXPECT_EQ(seen, strings{});
  rig.commit();
  EXPECT_EQ(seen, strings{"0:2"});
}

TEST_P(CachedPipe, AStoppedStageMayBeCalledAgain) {
  task_rig rig(builder(), keeps::disk, cached(GetParam()));
  feed(rig, "A", 1);
  coro::stop_source stop;
  stop.request_stop();
  try {
    rig.wait(rig.job().stage(coro::stop_token(stop)));
    FAIL() << "the stage was not stopped";
  } catch (const std::system_error& stopped) {
    EXPECT_EQ(stopped.code(), std::errc::operation_canceled);
  }
  EXPECT_FALSE(rig.job().poisoned());
  rig.commit();
  EXPECT_EQ(take(), strings{"A[0 ->1 @1"});
}

TEST_P(CachedPipe, AWindowPastItsRetentionIsToldAtTheCommitBeforeItGoes) {
  task_rig rig(builder(), keeps::memory, cached(GetParam()));
  feed(rig, "A", 1);
  feed(rig, "A", 1'000'000);
  EXPECT_EQ(take(), strings{});
  rig.commit();
  EXPECT_EQ(take(), (strings{"A[0 ->1 @1", "A[1000000 ->1 @1000000"}));
  auto& counts = rig.job().store<window_store>("counts");
  EXPECT_FALSE(sync_wait(rig.runtime(), counts.fetch_expiring(as_bytes("A"), 0)).has_value());
}

// Old and new of each window are a chain, and its end is the count of a run without a cache.
TEST_P(CachedPipe, RandomRecordsEndWithTheCountsOfAModel) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::map<std::pair<text, std::int64_t>, std::int64_t> model;
    std::map<std::pair<text, std::int64_t>, std::int64_t> told;
    bool chained = true;
    const auto see = [&](const record<windowed<text>, process::change_of<std::int64_t>>& next) {
      std::int64_t& last = told[{next.key.key, next.key.start_ms}];
      chained = chained && last == next.value.old_value.value_or(0);
      last = *next.value.new_value;
    };
    task_rig rig(
        [&see] {
          topology work;
          work.source<text, text>("in") | process::group_by_key()
              | windowed_by(tumbling(10ms).grace(1h)) | count("counts") | process::for_each(see);
          return work;
        },
        keeps::memory, cached(GetParam(), 1 + random() % 2000));
    for (int i = 0; i < 300; ++i) {
      const text key(1, static_cast<char>('a' + random() % 6));
      const auto at_ms = static_cast<std::int64_t>(random() % 100);
      ++model[{key, at_ms / 10 * 10}];
      feed(rig, key, at_ms);
      if (random() % 30 == 0) rig.commit();
    }
    rig.commit();
    EXPECT_TRUE(chained);
    EXPECT_EQ(told, model);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, CachedPipe, ::testing::Values(caching::kafka, caching::fused),
                         [](const auto& mode) {
                           return mode.param == caching::kafka ? "Kafka" : "Fused";
                         });

}  // namespace
}  // namespace lentic::windows
