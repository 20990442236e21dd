// SPDX-License-Identifier: Apache-2.0
// Random records against a naive oracle: a map of every window ever opened, and the rule of one
// window at a time. Interrupted runs: state and segments survive, everything else is made anew.
#include "aggregation_rig.hpp"
#include "cold_segments.hpp"

#include <lentic/store/memory_store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using testing::aggregation_rig;
using testing::rig_options;
using testing::run_now;

using lines = std::vector<std::string>;

struct record {
  std::string key;
  std::int64_t timestamp_ms;
  std::string value;
};

// What the run says: closed windows in order, then the open ones.
struct answer {
  lines closed;
  lines open;
  std::uint64_t late = 0;

  bool operator==(const answer&) const = default;
};

class oracle {
 public:
  explicit oracle(const rig_options& options) : options_(options) {}

  void add(const record& added) {
    stream_time_ = std::max(stream_time_, added.timestamp_ms);
    const std::int64_t close = stream_time_ - options_.grace_ms;
    take_closed(close);
    for (std::int64_t start = 0; start <= added.timestamp_ms; start += options_.advance_ms) {
      if (added.timestamp_ms >= start + options_.size_ms) continue;
      if (start + options_.size_ms <= close) {
        ++said_.late;
        continue;
      }
      window& slot = open_[{start, added.key}];
      slot.text += (slot.text.empty() ? "" : "+") + added.value;
      slot.timestamp_ms = std::max(slot.timestamp_ms, added.timestamp_ms);
    }
  }
  answer finish() {
    for (const auto& [at, slot] : open_) said_.open.push_back(line(at, slot));
    return said_;
  }

 private:
  struct window {
    std::string text;
    std::int64_t timestamp_ms = 0;
  };
  using place = std::pair<std::int64_t, std::string>;

  std::string line(const place& at, const window& slot) const {
    return at.second + " [" + std::to_string(at.first) + ","
         + std::to_string(at.first + options_.size_ms) + ") " + slot.text + " @"
         + std::to_string(slot.timestamp_ms);
  }
  void take_closed(std::int64_t close) {
    while (!open_.empty() && open_.begin()->first.first + options_.size_ms <= close) {
      said_.closed.push_back(line(open_.begin()->first, open_.begin()->second));
      open_.erase(open_.begin());
    }
  }

  rig_options options_;
  std::int64_t stream_time_ = -1;
  std::map<place, window> open_;
  answer said_;
};

rig_options random_options(std::mt19937_64& random) {
  rig_options options;
  options.size_ms = 1 + static_cast<std::int64_t>(random() % 50);
  options.advance_ms = random() % 3 == 0
                         ? options.size_ms
                         : 1 + static_cast<std::int64_t>(random() % 50) % options.size_ms;
  options.grace_ms = random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 100);
  options.extra_retention_ms = random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % 200);
  options.segment_interval_ms = 1 + static_cast<std::int64_t>(random() % 100);
  return options;
}

// Times move on, out of order, with a jump now and then.
std::vector<record> random_records(std::mt19937_64& random, std::size_t count) {
  const std::vector<std::string> keys = {"a",        "aa", std::string("a\0", 2), "\xff",
                                         "\xff\xff", "",   std::string(12, '\0'), "b"};
  std::vector<record> records;
  std::int64_t now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    now += static_cast<std::int64_t>(random() % 4);
    if (random() % 200 == 0) now += static_cast<std::int64_t>(random() % 2000);
    const std::int64_t timestamp =
        std::max<std::int64_t>(0, now - static_cast<std::int64_t>(random() % 120));
    records.push_back(record{keys[random() % keys.size()], timestamp, std::to_string(i)});
  }
  return records;
}

answer expected_of(const rig_options& options, const std::vector<record>& records) {
  oracle model(options);
  for (const record& next : records) model.add(next);
  return model.finish();
}

// Stops with a chance of 1 in `restart_every` after a record, and goes on from what a commit holds.
answer run(segmented_store& segments, const rig_options& options,
           const std::vector<record>& records, std::uint64_t restart_every,
           std::mt19937_64& random) {
  auto rig = std::make_unique<aggregation_rig>(segments, options);
  answer said;
  for (const record& next : records) {
    rig->add(next.key, next.timestamp_ms, next.value);
    if (restart_every == 0 || random() % restart_every != 0) continue;
    const bytes raw = rig->aggregation.state().encode();
    said.closed.insert(said.closed.end(), rig->closed.begin(), rig->closed.end());
    rig = std::make_unique<aggregation_rig>(segments, options);
    run_now(rig->aggregation.restore(aggregation_state::decode(raw).value()));
  }
  said.closed.insert(said.closed.end(), rig->closed.begin(), rig->closed.end());
  said.open = rig->open();
  said.late = rig->aggregation.late_dropped();
  EXPECT_EQ(rig->aggregation.windows_closed(), said.closed.size());
  EXPECT_EQ(rig->aggregation.windows_open(), said.open.size());
  EXPECT_EQ(rig->store.expired_dropped(), 0U);
  return said;
}

constexpr std::uint64_t seeds = 60;
constexpr std::size_t record_count = 400;

template <class Segments>
void compare_runs(std::uint64_t restart_every) {
  std::uint64_t late = 0;
  std::size_t closed = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const rig_options options = random_options(random);
    const std::vector<record> records = random_records(random, record_count);
    const answer expected = expected_of(options, records);
    Segments segments;
    const answer said = run(segments, options, records, restart_every, random);
    ASSERT_EQ(said.late, expected.late);
    ASSERT_EQ(said.closed, expected.closed);
    ASSERT_EQ(said.open, expected.open);
    late += said.late;
    closed += said.closed.size();
  }
  EXPECT_GT(late, 1000U);
  EXPECT_GT(closed, 1000U);
}

TEST(AggregationModel, RandomRecordsGiveTheOraclesWindowsAndLateCount) {
  compare_runs<memory_segments>(0);
}

TEST(AggregationModel, SuspendingStoresGiveTheSame) {
  compare_runs<testing::cold_segments>(0);
}

TEST(AggregationModel, AnInterruptedRunEqualsAnUninterruptedOne) {
  compare_runs<memory_segments>(40);
}

TEST(AggregationModel, AnInterruptedRunOverSuspendingStoresEqualsAnUninterruptedOne) {
  compare_runs<testing::cold_segments>(40);
}

}  // namespace
}  // namespace lentic::windows
