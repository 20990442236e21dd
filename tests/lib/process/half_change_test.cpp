// SPDX-License-Identifier: Apache-2.0
// What a failure leaves behind decides what follows: a record that changed nothing is skipped, a
// change that went half its way poisons the task.
#include "task_rig.hpp"

#include <lentic/process/aggregate.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/processor.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/sink.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
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

constexpr std::int64_t refused = -1;
// Two entries fit, three do not.
constexpr std::uint64_t budget = 150;

result<std::int64_t> add(std::int64_t sum, std::int64_t next) {
  if (next == refused) return make_error_code(errc::too_large);
  return sum + next;
}

stream_task_options cached(caching mode, std::uint64_t bytes_max) {
  stream_task_options options;
  options.cache = mode;
  options.cache_bytes_max = bytes_max;
  return options;
}

void feed(task_rig& rig, text key, std::int64_t value) {
  rig.feed("in", std::move(key), value, 1);
}

// Sums by key; the sink tells "key:sum" at once, or a virtual millisecond later.
class CachedSums : public ::testing::TestWithParam<bool> {
 protected:
  topology build() {
    topology work;
    work.source<text, std::int64_t>("in") | group_by_key() | reduce("sums", add) | to_stream()
        | for_each([this](const record<text, std::int64_t>& next) { return tell(next); });
    return work;
  }
  maybe_ready<void> tell(const record<text, std::int64_t>& next) {
    if (next.key == fails_at_) throw record_rejected(make_error_code(errc::too_large), "sink");
    if (GetParam()) return tell_later(next);
    told_.push_back(next.key + ":" + std::to_string(next.value));
    return {};
  }
  task<void> tell_later(const record<text, std::int64_t>& next) {
    const std::int64_t until = rig_->runtime().now_ms() + 1;
    co_await coro::sleep_until(rig_->runtime(), until);
    told_.push_back(next.key + ":" + std::to_string(next.value));
  }

  // "b" is stored and not in the cache; "a" and "c" are in it and dirty.
  void fill(task_rig& rig) {
    feed(rig, "b", 1);
    feed(rig, "a", 2);
    feed(rig, "c", 3);
    feed(rig, "a", 2);
    feed(rig, "c", 3);
    ASSERT_EQ(std::exchange(told_, {}), (strings{"b:1", "a:2", "c:3"}));
  }

  strings told_;
  text fails_at_;
  task_rig* rig_ = nullptr;
};

// The read of "b" has no room: "a" goes, and is told, before the update refuses.
TEST_P(CachedSums, ARecordThatIsRejectedAfterItsReadToldAnothersChangeIsSkipped) {
  task_rig rig([this] { return build(); }, keeps::memory, cached(caching::kafka, budget));
  rig_ = &rig;
  fill(rig);
  EXPECT_THROW(feed(rig, "b", refused), record_rejected);
  ASSERT_EQ(std::exchange(told_, {}), (strings{"a:4", "c:6"}));
  EXPECT_FALSE(rig.job().poisoned());
  feed(rig, "b", 3);
  rig.commit();
  EXPECT_EQ(told_, strings{"b:4"});
}

TEST_P(CachedSums, AToldChangeThatIsRejectedOnItsWayPoisons) {
  task_rig rig([this] { return build(); }, keeps::memory, cached(caching::kafka, budget));
  rig_ = &rig;
  fill(rig);
  fails_at_ = "a";
  EXPECT_THROW(feed(rig, "b", 3), record_rejected);
  EXPECT_TRUE(rig.job().poisoned());
}

// Counts in its store, then passes the record on.
class counting final : public processor<text, std::int64_t, text, std::int64_t> {
 public:
  task<void> init(context_type& context) override {
    context_ = &context;
    seen_ = &context.store<byte_store>("seen");
    co_return;
  }
  maybe_ready<void> process(record<text, std::int64_t>& next) override { return keep(next); }

 private:
  task<void> keep(record<text, std::int64_t>& next) {
    const bytes key = to_bytes(as_bytes(next.key));
    co_await seen_->put(key, key);
    co_await context_->forward(next);
  }

  context_type* context_ = nullptr;
  byte_store* seen_ = nullptr;
};

TEST(HalfChange, ARecordThatIsRejectedBehindAProcessorPoisons) {
  topology work;
  work.add_store(std::make_unique<stored_bytes>("seen"));
  work.source<text, std::int64_t>("in")
      | process([] { return std::make_unique<counting>(); }, "seen") | group_by_key()
      | reduce("sums", add);
  task_rig rig([&work] { return std::move(work); });
  feed(rig, "a", 1);
  EXPECT_THROW(feed(rig, "a", refused), record_rejected);
  EXPECT_TRUE(rig.job().poisoned());
}

TEST(HalfChange, AConsumerThatIsCanceledInAFlushPoisons) {
  topology work;
  work.source<text, std::int64_t>("in") | group_by_key() | reduce("sums", add) | to_stream()
      | for_each([](const record<text, std::int64_t>&) {
          throw std::system_error(std::make_error_code(std::errc::operation_canceled));
        });
  task_rig rig([&work] { return std::move(work); }, keeps::memory, cached(caching::fused, 1000));
  feed(rig, "a", 1);
  EXPECT_THROW(rig.commit(), std::system_error);
  EXPECT_TRUE(rig.job().poisoned());
}

TEST(HalfChange, AStopBeforeTheCutIsHandedToTheEnvironment) {
  topology work;
  work.source<text, std::int64_t>("in") | group_by_key() | reduce("sums", add);
  task_rig rig([&work] { return std::move(work); }, keeps::disk);
  feed(rig, "a", 1);
  const commit_sequence before = rig.env().last_durable();
  coro::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(rig.wait(rig.job().commit(coro::stop_token(stop))), std::system_error);
  EXPECT_EQ(rig.env().last_durable(), before);
  EXPECT_FALSE(rig.job().poisoned());
  rig.commit();
  EXPECT_NE(rig.env().last_durable(), before);
}

// Does not open the first time.
class opens_late final : public processor<text, std::int64_t, text, std::int64_t> {
 public:
  explicit opens_late(int& attempts) : attempts_(&attempts) {}
  task<void> init(context_type&) override {
    if (++*attempts_ == 1) throw std::system_error(make_error_code(errc::too_large));
    co_return;
  }
  maybe_ready<void> process(record<text, std::int64_t>&) override { return {}; }

 private:
  int* attempts_;
};

TEST(HalfChange, ATaskThatDidNotOpenMayBeOpenedAgain) {
  int attempts = 0;
  topology work;
  work.source<text, std::int64_t>("in") | group_by_key() | reduce("sums", add) | to_stream()
      | process([&attempts] { return std::make_unique<opens_late>(attempts); });
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  const auto env = sync_wait(runtime, environment::open(runtime, environment_options()));
  {
    stream_task job(*env, std::move(work), cached(caching::kafka, 1000));
    EXPECT_THROW(sync_wait(runtime, job.open()), std::system_error);
    sync_wait(runtime, job.open());
    record<text, std::int64_t> next("a", 1, 1);
    sync_wait(runtime, job.process(job.source_of<text, std::int64_t>("in"), next));
    sync_wait(runtime, job.commit());
    sync_wait(runtime, job.close());
  }
  sync_wait(runtime, env->close());
}

INSTANTIATE_TEST_SUITE_P(Sinks, CachedSums, ::testing::Bool(),
                         [](const auto& late) { return late.param ? "Waits" : "IsReady"; });

}  // namespace
}  // namespace lentic::process
