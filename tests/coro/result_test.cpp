// SPDX-License-Identifier: Apache-2.0
#include "bare_runtime.hpp"

#include <lentic/coro/as_result.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <system_error>

namespace lentic::test {
namespace {

const std::error_code full = std::make_error_code(std::errc::no_space_on_device);

TEST(Result, HoldsAValueOrACode) {
  const coro::result<int> value(5);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 5);
  EXPECT_FALSE(value.error());
  const coro::result<int> failed(full);
  EXPECT_FALSE(failed);
  EXPECT_EQ(failed.error(), full);
}

TEST(Result, ValueThrowsTheCode) {
  coro::result<int> failed(full);
  try {
    static_cast<void>(std::move(failed).value());
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), full);
  }
}

TEST(Result, HandsOutAMoveOnlyValue) {
  coro::result<std::unique_ptr<int>> held(std::make_unique<int>(3));
  const std::unique_ptr<int> taken = std::move(held).value();
  EXPECT_EQ(*taken, 3);
}

TEST(Result, VoidIsSuccessByDefault) {
  EXPECT_TRUE(coro::result<void>());
  EXPECT_THROW(coro::result<void>(full).value(), std::system_error);
}

coro::task<int> fail_with(std::error_code code) {
  if (code) throw std::system_error(code);
  co_return 9;
}

coro::task<void> fail_otherwise() {
  throw std::runtime_error("not a system error");
  co_return;
}

TEST(AsResult, TurnsASystemErrorIntoItsCode) {
  bare_runtime runtime;
  const auto outcome = coro::sync_wait(runtime, coro::as_result(fail_with(full)));
  EXPECT_EQ(outcome.error(), full);
}

TEST(AsResult, PassesTheValueOn) {
  bare_runtime runtime;
  const auto outcome = coro::sync_wait(runtime, coro::as_result(fail_with({})));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, 9);
}

TEST(AsResult, TakesAReadyValue) {
  bare_runtime runtime;
  const auto outcome = coro::sync_wait(runtime, coro::as_result(coro::maybe_ready<int>(4)));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, 4);
}

TEST(AsResult, LetsOtherExceptionsPass) {
  bare_runtime runtime;
  EXPECT_THROW(static_cast<void>(coro::sync_wait(runtime, coro::as_result(fail_otherwise()))),
               std::runtime_error);
}

}  // namespace
}  // namespace lentic::test
