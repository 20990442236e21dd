// SPDX-License-Identifier: Apache-2.0
// A stage() that is asked to stop at its k-th suspension, for every k of a whole script, while each
// change takes its time to be told. What was told stays told, the rest is told by the next stage.
#include "path_life.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {
namespace {

// What comes between a stage that was stopped and the next one.
enum class pause { none, another_record };

class stopped_stages {
 public:
  stopped_stages(coro::sim_runtime& runtime, path_life& life, std::uint64_t k)
      : runtime_(runtime), life_(life), k_(k) {}

  // The whole script. Answers whether it came to the k-th suspension of all its stages.
  bool run(pause between) {
    while (!life_.at_end()) {
      life_.feed();
      if (life_.next() % records_per_commit != 0) continue;
      stage();
      if (between == pause::another_record && stopped_ && !life_.at_end()) life_.feed();
      life_.commit();
      life_.deliver();
    }
    run_to_end(life_);
    return steps_ >= k_;
  }
  bool stopped() const noexcept { return stopped_; }

 private:
  void stage() {
    coro::stop_source source;
    coro::scope work(runtime_.queue());
    count(source);
    work.spawn(noted(coro::stop_token(source)));
    while (work.live() != 0) {
      count(source);
      if (runtime_.queue().run_one()) continue;
      ASSERT_TRUE(runtime_.turn()) << "the stage waits for ever";
    }
    sync_wait(runtime_, work.join());
    EXPECT_FALSE(life_.job().poisoned());
    EXPECT_FALSE(life_.job().busy());
  }
  void count(coro::stop_source& source) {
    if (++steps_ == k_) source.request_stop();
  }
  task<void> noted(coro::stop_token stop) {
    try {
      co_await life_.stage(stop);
    } catch (const std::system_error& failure) {
      if (failure.code() != std::errc::operation_canceled) throw;
      stopped_ = true;
    }
  }

  coro::sim_runtime& runtime_;
  path_life& life_;
  std::uint64_t k_;
  std::uint64_t steps_ = 0;
  bool stopped_ = false;
};

class PathStop : public testing::TestWithParam<path_case> {};

TEST_P(PathStop, EachChangeIsToldOnceWhereverAStageIsStopped) {
  int stopped = 0;
  std::uint64_t k = 1;
  for (bool reached = true; reached; ++k) {
    for (const pause between : {pause::none, pause::another_record}) {
      SCOPED_TRACE(testing::Message()
                   << "suspension " << k << ", pause " << static_cast<int>(between));
      coro::sim_disk disk(k);
      coro::sim_runtime runtime(disk, k);
      std::string delivered;
      path_life life(runtime, GetParam(), delivered);
      life.open();
      stopped_stages script(runtime, life, k);
      reached = script.run(between);
      ASSERT_EQ(complaint(GetParam(), delivered), "");
      if (script.stopped()) ++stopped;
      life.close();
    }
  }
  EXPECT_GT(k, 30U) << "the script suspends more often than that";
  EXPECT_GT(stopped, 20) << "hardly any stage was stopped";
}

std::vector<path_case> slow_cases() {
  std::vector<path_case> chosen;
  for (path_case each : path_cases()) {
    if (!each.cache || each.cache_bytes_max == 0) continue;
    if (each.emit == windows::emit_strategy::on_close) continue;
    each.slow_reader = true;
    chosen.push_back(each);
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Paths, PathStop, testing::ValuesIn(slow_cases()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace lentic::test
