// SPDX-License-Identifier: Apache-2.0
// An executable of its own: allocation_count.cpp replaces operator new. The pool of coroutine
// frames is emptied first, so that even one frame would show.
#include "allocation_count.hpp"
#include "process/task_rig.hpp"

#include <lentic/coro/frame_pool.hpp>
#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace lentic::windows {
namespace {

using namespace std::chrono_literals;
using process::record;
using process::topology;
using test::task_rig;
using text = std::string;

struct costs {
  std::uint64_t allocations = 0;
  std::uint64_t frames = 0;
  bool all_ready = true;
};

// What `count` records of warmed-up windows cost.
costs cost_of(task_rig& rig, int count) {
  auto& in = rig.job().source_of<text, std::int64_t>("in");
  record<text, std::int64_t> next;
  costs spent;
  const auto run = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      next.key = "a key that is longer than a short string";
      next.value = i % 7;
      next.timestamp_ms = 1000 + i % 100;
      maybe_ready<void> done = rig.job().process(in, next);
      spent.all_ready = spent.all_ready && done.ready();
      if (!done.ready()) sync_wait(rig.runtime(), std::move(done));
    }
  };
  run(0, 300);
  coro::frame_pool::drain();
  const std::uint64_t allocations_before = test::allocation_count();
  const std::uint64_t frames_before = coro::frame_pool::heap_allocations();
  run(300, 300 + count);
  spent.allocations = test::allocation_count() - allocations_before;
  spent.frames = coro::frame_pool::heap_allocations() - frames_before;
  return spent;
}

TEST(PipeReadyPath, FilterMapGroupWindowCountMakesNoFrameAndNoAllocation) {
  std::int64_t changes = 0;
  task_rig rig([&changes] {
    topology work;
    work.source<text, std::int64_t>("in")
        | process::filter([](const std::int64_t& value) { return value != 3; })
        | process::map_values([](const std::int64_t& value) { return static_cast<double>(value); })
        | process::group_by_key() | windowed_by(tumbling(1s)) | count("counts")
        | process::for_each([&changes](const auto&) { ++changes; });
    return work;
  });
  const costs spent = cost_of(rig, 700);
  EXPECT_TRUE(spent.all_ready);
  EXPECT_EQ(spent.frames, 0U);
  EXPECT_EQ(spent.allocations, 0U);
  EXPECT_GT(changes, 800);
}

TEST(PipeReadyPath, AForkAndAHoppingWindowMakeNoFrameAndNoAllocation) {
  std::int64_t changes = 0;
  task_rig rig([&changes] {
    topology work;
    auto in = work.source<text, std::int64_t>("in");
    in | process::group_by_key() | windowed_by(hopping(1s, 250ms)) | count("counts")
        | process::to_stream() | process::for_each([&changes](const auto&) { ++changes; });
    in | process::group_by([](const std::int64_t& value) { return value; })
        | process::count("totals") | process::for_each([&changes](const auto&) { ++changes; });
    return work;
  });
  const costs spent = cost_of(rig, 700);
  EXPECT_TRUE(spent.all_ready);
  EXPECT_EQ(spent.frames, 0U);
  EXPECT_EQ(spent.allocations, 0U);
  EXPECT_GT(changes, 4000);
}

TEST(PipeReadyPath, TheCountersCount) {
  coro::frame_pool::drain();
  task_rig rig([] {
    topology work;
    work.source<text, std::int64_t>("in")
        | process::for_each([](const std::int64_t&) -> task<void> { co_return; });
    return work;
  });
  const costs spent = cost_of(rig, 1);
  EXPECT_FALSE(spent.all_ready);
  EXPECT_NE(spent.frames, 0U);
  EXPECT_NE(spent.allocations, 0U);
}

}  // namespace
}  // namespace lentic::windows
