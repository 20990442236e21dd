// SPDX-License-Identifier: Apache-2.0
#include "allocation_count.hpp"

#include <lentic/coro/generator.hpp>

#include <gtest/gtest.h>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>
#include <ranges>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

static_assert(std::ranges::input_range<coro::generator<int>>);
static_assert(!std::copy_constructible<coro::generator<int>>);
static_assert(std::movable<coro::generator<int>>);

coro::generator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

TEST(Generator, ValuesComeInOrderAndThenTheEnd) {
  std::vector<int> seen;
  for (const int each : count_to(4)) seen.push_back(each);
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 4}));
  for (const int each : count_to(0)) ADD_FAILURE() << each;
}

coro::generator<int> noting(std::vector<int>& order) {
  for (int i = 0;; ++i) {
    order.push_back(i);
    co_yield i;
  }
}

TEST(Generator, BodyRunsOnlyAsFarAsItIsAskedTo) {
  std::vector<int> order;
  coro::generator<int> endless = noting(order);
  EXPECT_TRUE(order.empty());
  auto at = endless.begin();
  ++at;
  EXPECT_EQ(*at, 1);
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
}

coro::generator<int> failing(int good) {
  for (int i = 0; i < good; ++i) co_yield i;
  throw std::runtime_error("end of the good ones");
}

TEST(Generator, ErrorOfTheBodyComesOutOfTheStep) {
  coro::generator<int> values = failing(1);
  auto at = values.begin();
  EXPECT_THROW(++at, std::runtime_error);
  EXPECT_TRUE(at == values.end());
  coro::generator<int> at_once = failing(0);
  EXPECT_THROW(static_cast<void>(at_once.begin()), std::runtime_error);
}

coro::generator<std::string> temporaries() {
  co_yield std::string(40, 'a');
  co_yield std::string(40, 'b');
}

TEST(Generator, TemporaryLivesUntilTheNextStep) {
  std::string joined;
  for (const std::string& each : temporaries()) joined += each.substr(39);
  EXPECT_EQ(joined, "ab");
}

coro::generator<int> holding(std::shared_ptr<int> held) {
  co_yield *held;
  co_yield *held;
}

TEST(Generator, WhatTheBodyHoldsIsFreedWhenItIsLeftEarly) {
  const auto held = std::make_shared<int>(3);
  {
    coro::generator<int> values = holding(held);
    EXPECT_EQ(*values.begin(), 3);
    coro::generator<int> moved = std::move(values);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Generator, WarmOneAllocatesNothing) {
  int sum = 0;
  for (const int each : count_to(3)) sum += each;
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) {
    for (const int each : count_to(3)) sum += each;
  }
  EXPECT_EQ(allocation_count() - before, 0U);
  EXPECT_EQ(sum, 6006);
}

TEST(Generator, PipelineOfRangeV3RunsOverIt) {
  const auto even = [](int value) { return value % 2 == 0; };
  const auto square = [](int value) { return value * value; };
  coro::generator<int> values = count_to(100);
  const auto squares = values | ranges::views::filter(even) | ranges::views::transform(square)
                     | ranges::views::take(3) | ranges::to<std::vector>();
  EXPECT_EQ(squares, (std::vector<int>{4, 16, 36}));
}

TEST(Generator, PipelineOfTheStandardLibraryRunsOverIt) {
  coro::generator<int> values = count_to(10);
  int sum = 0;
  for (const int each : values | std::views::drop(8)) sum += each;
  EXPECT_EQ(sum, 19);
}

}  // namespace
}  // namespace lentic::test
