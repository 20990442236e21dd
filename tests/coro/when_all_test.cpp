// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"
#include "bare_runtime.hpp"

#include <lentic/coro/frame_pool.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/when_all.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

coro::task<int> after(coro::runtime& runtime, int yields, int value, std::vector<int>& order) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  order.push_back(value);
  co_return value;
}

coro::task<void> fail_after(coro::runtime& runtime, int yields, const char* what) {
  for (int i = 0; i < yields; ++i) co_await coro::yield(runtime);
  throw std::runtime_error(what);
}

coro::maybe_ready<int> now(int value) {
  return value;
}

coro::task<int> sum_of_three(coro::runtime& runtime, std::vector<int>& order) {
  coro::task<int> slow = after(runtime, 3, 1, order);
  coro::task<int> quick = after(runtime, 1, 2, order);
  const std::tuple<int, int, int> all =
      co_await coro::when_all(std::move(slow), std::move(quick), now(4));
  co_return std::get<0>(all) + 10 * std::get<1>(all) + 100 * std::get<2>(all);
}

TEST(WhenAll, WorksRunSideBySideAndResultsKeepTheirPlaces) {
  bare_runtime runtime;
  std::vector<int> order;
  EXPECT_EQ(coro::sync_wait(runtime, sum_of_three(runtime, order)), 421);
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

coro::task<std::uint64_t> ready_ones() {
  int sum = 0;
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) {
    const std::tuple<int, int> both = co_await coro::when_all(now(i), now(1));
    sum += std::get<1>(both);
  }
  EXPECT_EQ(sum, 1000);
  co_return allocation_count() - before;
}

TEST(WhenAll, ReadyOnesNeitherSuspendNorAllocate) {
  bare_runtime runtime;
  coro::task<std::uint64_t> work = ready_ones();
  EXPECT_EQ(coro::sync_wait(runtime, std::move(work)), 0U);
}

coro::task<std::vector<int>> start_without_memory(coro::runtime& runtime, std::vector<int>& order) {
  coro::task<int> first = after(runtime, 2, 1, order);
  coro::task<int> second = after(runtime, 3, 2, order);
  coro::task<int> third = after(runtime, 1, 3, order);
  std::vector<int> at_failure;
  order.reserve(3);
  coro::frame_pool::drain();
  fail_allocation(3);  // each part takes one frame
  try {
    co_await coro::when_all(std::move(first), std::move(second), std::move(third));
  } catch (const std::bad_alloc&) {
    at_failure = order;
  }
  fail_allocation(0);
  co_return at_failure;
}

TEST(WhenAll, PartThatFindsNoMemoryIsAnErrorOnceTheOthersHaveEnded) {
  bare_runtime runtime;
  std::vector<int> order;
  EXPECT_EQ(coro::sync_wait(runtime, start_without_memory(runtime, order)),
            (std::vector<int>{1, 2}));
}

coro::task<std::string> first_error(coro::runtime& runtime, std::vector<int>& order) {
  std::string what;
  coro::task<void> later = fail_after(runtime, 3, "later");
  coro::task<void> first = fail_after(runtime, 1, "first");
  coro::task<int> last = after(runtime, 5, 7, order);
  try {
    co_await coro::when_all(std::move(later), std::move(first), std::move(last));
  } catch (const std::runtime_error& failure) {
    what = failure.what();
  }
  co_return what;
}

TEST(WhenAll, FirstErrorIsThrownOnceAllHaveEnded) {
  bare_runtime runtime;
  std::vector<int> order;
  EXPECT_EQ(coro::sync_wait(runtime, first_error(runtime, order)), "first");
  EXPECT_EQ(order, std::vector<int>{7});  // it was waited for
}

coro::task<std::unique_ptr<int>> own(int value) {
  co_return std::make_unique<int>(value);
}

coro::task<int> sum_of_vector(int count) {
  std::vector<coro::task<std::unique_ptr<int>>> works;
  for (int i = 0; i < count; ++i) works.push_back(own(i));
  const std::vector<std::unique_ptr<int>> each = co_await coro::when_all(std::move(works));
  int sum = 0;
  for (const auto& value : each) sum += *value;
  co_return sum;
}

TEST(WhenAll, VectorOfTasksAnswersTheirResultsInOrder) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, sum_of_vector(100)), 4950);
  EXPECT_EQ(coro::sync_wait(runtime, sum_of_vector(0)), 0);
}

coro::task<void> all_of_void(coro::runtime& runtime, bool& ended) {
  std::vector<coro::task<void>> works;
  works.push_back(fail_after(runtime, 0, "no"));
  works.push_back(fail_after(runtime, 2, "neither"));
  try {
    co_await coro::when_all(std::move(works));
  } catch (const std::runtime_error& failure) {
    ended = std::string(failure.what()) == "no";
  }
}

TEST(WhenAll, VectorOfVoidThrowsItsFirstError) {
  bare_runtime runtime;
  bool ended = false;
  coro::sync_wait(runtime, all_of_void(runtime, ended));
  EXPECT_TRUE(ended);
}

coro::task<int> nested(coro::runtime& runtime, int depth) {
  if (depth == 0) {
    co_await coro::yield(runtime);
    co_return 1;
  }
  coro::task<int> left = nested(runtime, depth - 1);
  coro::task<int> right = nested(runtime, depth - 1);
  const std::tuple<int, int> both = co_await coro::when_all(std::move(left), std::move(right));
  co_return std::get<0>(both) + std::get<1>(both);
}

TEST(WhenAll, TreesOfThemCollectEveryLeaf) {
  bare_runtime runtime;
  EXPECT_EQ(coro::sync_wait(runtime, nested(runtime, 8)), 256);
}

}  // namespace
}  // namespace lentic::test
