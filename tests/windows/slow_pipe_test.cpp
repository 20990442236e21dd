// SPDX-License-Identifier: Apache-2.0
// Windowed aggregates whose consumers wait, and states that belong to other windows.
#include "process/task_rig.hpp"

#include <lentic/errc.hpp>
#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
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
using counted = record<windowed<text>, process::change_of<std::int64_t>>;

// The consumer takes a virtual millisecond for each change.
class SlowPipe : public ::testing::Test {
 protected:
  template <class Windows>
  task_rig::builder builder(Windows windows, emit_strategy emit) {
    return [this, windows, emit] {
      topology work;
      auto grouped = work.source<text, text>("in") | process::group_by_key();
      const auto slowly = [this](const counted& next) { return wait(next); };
      if (emit == emit_strategy::on_close)
        grouped | windowed_by(windows) | emit_on_close() | count("counts")
            | process::for_each(slowly);
      else
        grouped | windowed_by(windows) | count("counts") | process::for_each(slowly);
      return work;
    };
  }
  task<void> wait(const counted& next) {
    const std::int64_t until = rig_->runtime().now_ms() + 1;
    co_await coro::sleep_until(rig_->runtime(), until);
    seen_.push_back(next.key.key + "[" + std::to_string(next.key.start_ms) + " "
                    + std::to_string(*next.value.new_value));
  }
  void feed(text key, std::int64_t at_ms) {
    rig_->feed<text, text>("in", std::move(key), "v", at_ms);
  }
  strings take() { return std::exchange(seen_, {}); }

  strings seen_;
  task_rig* rig_ = nullptr;
};

TEST_F(SlowPipe, AllWindowsOfAHoppingRecordAreSent) {
  task_rig rig(builder(hopping(10ms, 3ms), emit_strategy::on_update));
  rig_ = &rig;
  feed("A", 10);
  EXPECT_EQ(take(), (strings{"A[3 1", "A[6 1", "A[9 1"}));
}

TEST_F(SlowPipe, AllWindowsThatCloseAreSentOnce) {
  task_rig rig(builder(tumbling(10ms), emit_strategy::on_close));
  rig_ = &rig;
  feed("B", 1);
  feed("A", 2);
  feed("C", 3);
  feed("A", 30);
  EXPECT_EQ(take(), (strings{"A[0 1", "B[0 1", "C[0 1"}));
  EXPECT_EQ(rig.job().store<windowed_aggregation>("counts").windows_closed(), 3U);
  feed("A", 40);
  EXPECT_EQ(take(), strings{"A[30 1"});
}

TEST_F(SlowPipe, ACacheWaitsForEachChange) {
  for (const caching mode : {caching::kafka, caching::fused}) {
    process::stream_task_options options;
    options.cache = mode;
    task_rig rig(builder(tumbling(10ms), emit_strategy::on_update), keeps::memory, options);
    rig_ = &rig;
    feed("A", 1);
    feed("B", 2);
    feed("B", 3);
    EXPECT_EQ(take(), strings{});
    rig.commit();
    EXPECT_EQ(take(), (strings{"A[0 1", "B[0 2"}));
  }
}

TEST(PipeState, AStateOfOtherWindowsIsRefused) {
  const window_definition before = tumbling(10ms).grace(5ms).retention(1h);
  for (const window_definition& now :
       {tumbling(20ms).grace(5ms).retention(1h), tumbling(10ms).grace(6ms).retention(1h),
        tumbling(10ms).grace(4ms).retention(1h), before.retention(1h + 1ms),
        before.retention(1h - 1ms), before.segment_interval(1s)}) {
    window_definition chosen = before;
    const auto build = [&chosen] {
      topology work;
      work.source<text, text>("in") | process::group_by_key() | windowed_by(chosen)
          | count("counts");
      return work;
    };
    task_rig rig(build, keeps::disk);
    rig.feed<text, text>("in", "A", "v", 1);
    rig.commit();
    rig.restart();
    chosen = now;
    try {
      rig.restart();
      FAIL() << "the task was opened";
    } catch (const std::system_error& failure) {
      EXPECT_EQ(failure.code(), errc::store_mismatch);
    }
  }
}

}  // namespace
}  // namespace lentic::windows
