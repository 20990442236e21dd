// SPDX-License-Identifier: Apache-2.0
#include "task_rig.hpp"

#include <lentic/process/aggregate.hpp>
#include <lentic/process/flat_map.hpp>
#include <lentic/process/fork.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/sink.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::process {
namespace {

using test::keeps;
using test::task_rig;
using strings = std::vector<std::string>;
using text = std::string;

void write_line(const record<text, std::int64_t>& next, text& out) {
  out += next.key + " " + std::to_string(next.value) + "\n";
}

// Refuses "bad", breaks at "broken", else the length.
result<std::int64_t> length_of(const text& value, std::int64_t sum) {
  if (value == "bad") return make_error_code(errc::too_large);
  if (value == "broken") throw std::runtime_error("broken");
  return sum + static_cast<std::int64_t>(value.size());
}

topology lengths() {
  topology work;
  work.source<text, text>("in") | group_by_key()
      | aggregate(
          "lengths", [] { return std::int64_t{0}; }, length_of)
      | to_stream() | sink("out", write_line);
  return work;
}

void feed(task_rig& rig, text key, text value, std::int64_t timestamp_ms = 1) {
  rig.feed("in", std::move(key), std::move(value), timestamp_ms);
}

std::error_code code_of(const auto& act) {
  try {
    act();
  } catch (const std::system_error& failure) {
    return failure.code();
  }
  return {};
}

TEST(StreamTask, AKilledTaskIsAtItsLastCommit) {
  task_rig rig(lengths, keeps::disk);
  feed(rig, "a", "xx", 10);
  rig.job().set_position("in", as_bytes("1"));
  rig.commit();
  feed(rig, "a", "yyy", 20);
  rig.job().set_position("in", as_bytes("2"));
  rig.restart();
  EXPECT_EQ(rig.job().stream_time_ms(), 10);
  EXPECT_EQ(as_text(*rig.env().position("in")), "1");
  EXPECT_EQ(rig.output(), "a 2\n");
  feed(rig, "a", "z");
  rig.commit();
  EXPECT_EQ(rig.output(), "a 2\na 3\n");
}

TEST(StreamTask, OutputWaitsForTheCommit) {
  task_rig rig(lengths, keeps::disk);
  feed(rig, "a", "xx");
  EXPECT_EQ(rig.output(), "");
  rig.commit();
  EXPECT_EQ(rig.output(), "a 2\n");
}

TEST(StreamTask, StageAndCutGiveTheFrameThatCommitGives) {
  task_rig rig(lengths, keeps::disk);
  feed(rig, "a", "xx", 10);
  rig.wait(rig.job().stage());
  const commit_sequence cut = rig.env().cut();
  sync_wait(rig.runtime(), rig.env().wait_durable(cut));
  rig.restart();
  EXPECT_EQ(rig.job().stream_time_ms(), 10);
  EXPECT_EQ(rig.output(), "a 2\n");
}

TEST(StreamTask, ACommitWithoutNewRecordsWritesNothing) {
  task_rig rig(lengths, keeps::disk);
  feed(rig, "a", "xx", 10);
  rig.commit();
  const commit_sequence before = rig.env().last_durable();
  rig.commit();
  EXPECT_EQ(rig.env().last_durable(), before);
}

TEST(StreamTask, ARejectedRecordChangesNothing) {
  task_rig rig(lengths, keeps::disk);
  feed(rig, "a", "xx", 10);
  EXPECT_THROW(feed(rig, "a", "bad", 20), record_rejected);
  EXPECT_FALSE(rig.job().poisoned());
  EXPECT_EQ(rig.job().stream_time_ms(), 10);
  feed(rig, "a", "y", 5);
  rig.commit();
  EXPECT_EQ(rig.output(), "a 2\na 3\n");
}

TEST(StreamTask, AFailurePoisonsUntilItIsOpenedAgain) {
  task_rig rig(lengths, keeps::disk);
  feed(rig, "a", "xx");
  rig.commit();
  EXPECT_THROW(feed(rig, "a", "broken"), std::runtime_error);
  EXPECT_TRUE(rig.job().poisoned());
  EXPECT_EQ(code_of([&rig] { feed(rig, "a", "y"); }), errc::poisoned);
  EXPECT_EQ(code_of([&rig] { rig.commit(); }), errc::poisoned);
  EXPECT_EQ(code_of([&rig] { rig.job().set_position("in", {}); }), errc::poisoned);
  rig.restart();
  feed(rig, "a", "y");
  rig.commit();
  EXPECT_EQ(rig.output(), "a 2\na 3\n");
}

TEST(StreamTask, ARejectionAfterAChangePoisons) {
  topology work;
  auto in = work.source<text, text>("in");
  in | group_by_key() | count("counts");
  in | group_by_key()
      | aggregate(
          "lengths", [] { return std::int64_t{0}; }, length_of);
  task_rig rig([&work] { return std::move(work); });
  EXPECT_THROW(feed(rig, "a", "bad"), record_rejected);
  EXPECT_TRUE(rig.job().poisoned());
}

TEST(StreamTask, ARejectionBeforeAnyChangeOfAForkDoesNotPoison) {
  topology work;
  auto in = work.source<text, text>("in");
  in | group_by_key()
      | aggregate(
          "lengths", [] { return std::int64_t{0}; }, length_of);
  in | group_by_key() | count("counts");
  task_rig rig([&work] { return std::move(work); });
  EXPECT_THROW(feed(rig, "a", "bad"), record_rejected);
  EXPECT_FALSE(rig.job().poisoned());
}

TEST(StreamTask, ASourceOfAnotherNameOrTypeIsAnError) {
  task_rig rig(lengths);
  EXPECT_EQ(code_of([&rig] { (rig.job().source_of<text, text>("out")); }), errc::invalid_argument);
  EXPECT_EQ(code_of([&rig] { (rig.job().source_of<text, int>("in")); }), errc::invalid_argument);
}

class TwoSources : public ::testing::Test {
 protected:
  topology build() {
    topology work;
    auto left = work.source<text, int>("left");
    work.source<text, int>("right") | merge(std::move(left))
        | for_each([this](const record<text, int>& next) {
            seen_.push_back(next.key + std::to_string(next.timestamp_ms));
          });
    return work;
  }
  bool next(task_rig& rig) { return sync_wait(rig.runtime(), rig.job().process_next()); }
  void add(task_rig& rig, const text& source, std::int64_t timestamp_ms) {
    auto& to = rig.job().source_of<text, int>(source);
    EXPECT_TRUE(rig.job().add_record(to, record<text, int>(source, 0, timestamp_ms)));
  }

  strings seen_;
};

TEST_F(TwoSources, TheSmallestTimestampGoesFirst) {
  task_rig rig([this] { return build(); });
  add(rig, "left", 5);
  add(rig, "left", 1);
  add(rig, "right", 3);
  add(rig, "right", 5);
  while (next(rig)) {
  }
  EXPECT_EQ(seen_, (strings{"right3", "left5", "left1", "right5"}));
  EXPECT_EQ(rig.job().stream_time_ms(), 5);
}

TEST_F(TwoSources, OfEqualTimestampsTheFirstSourceGoesFirst) {
  task_rig rig([this] { return build(); });
  add(rig, "right", 5);
  add(rig, "left", 5);
  EXPECT_TRUE(next(rig));
  EXPECT_EQ(seen_, strings{"left5"});
}

TEST_F(TwoSources, AFullQueueTakesNoMore) {
  stream_task_options options;
  options.waiting_records_max = 1;
  task_rig rig([this] { return build(); }, keeps::memory, options);
  add(rig, "left", 5);
  auto& left = rig.job().source_of<text, int>("left");
  EXPECT_FALSE(rig.job().add_record(left, record<text, int>("left", 0, 6)));
  EXPECT_EQ(rig.job().waiting_records(), 1U);
}

// A consumer that waits for a virtual millisecond before it answers.
class SlowSink : public ::testing::Test {
 protected:
  task_rig::builder builder() {
    return [this] {
      topology work;
      auto in = work.source<text, text>("in");
      in | flat_map_values([](const text& value) {
        strings letters;
        for (const char letter : value) letters.emplace_back(1, letter);
        return letters;
      }) | map_values([](const text& value) { return value + value; })
          | for_each([this](const record<text, text>& next) { return wait(next); });
      in | for_each([this](const text& value) { seen_.push_back(value); });
      return work;
    };
  }
  task<void> wait(const record<text, text>& next) {
    const std::int64_t until = rig_->runtime().now_ms() + 1;
    co_await coro::sleep_until(rig_->runtime(), until);
    seen_.push_back(next.value);
  }

  strings seen_;
  task_rig* rig_ = nullptr;
};

TEST_F(SlowSink, RecordsThatWaitKeepTheirOrderAndTheirValues) {
  task_rig rig(builder());
  rig_ = &rig;
  feed(rig, "a", "xyz");
  feed(rig, "a", "u");
  EXPECT_EQ(seen_, (strings{"xx", "yy", "zz", "xyz", "uu", "u"}));
}

TEST_F(SlowSink, ASecondOperationIsRefusedWhileOneIsUnderWay) {
  task_rig rig(builder());
  rig_ = &rig;
  auto& in = rig.job().source_of<text, text>("in");
  record<text, text> next("a", "x", 1);
  maybe_ready<void> first = rig.job().process(in, next);
  EXPECT_FALSE(first.ready());
  EXPECT_TRUE(rig.job().busy());
  record<text, text> other("a", "y", 1);
  EXPECT_EQ(code_of([&] { sync_wait(rig.runtime(), rig.job().process(in, other)); }),
            errc::invalid_argument);
  EXPECT_EQ(code_of([&rig] { rig.commit(); }), errc::invalid_argument);
  sync_wait(rig.runtime(), std::move(first));
  EXPECT_FALSE(rig.job().busy());
  rig.commit();
  EXPECT_EQ(seen_, (strings{"xx", "x"}));
}

}  // namespace
}  // namespace lentic::process
