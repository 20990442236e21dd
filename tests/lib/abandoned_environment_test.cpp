// SPDX-License-Identifier: Apache-2.0
// An environment that is dropped without close(), as by an exception that passes its owner.
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace lentic {
namespace {

enum class at_the_end { nothing, frame_in_flight, sealing };

environment_options on_disk() {
  environment_options options;
  options.directory = "state";
  return options;
}

task<void> put(byte_store& store, std::string value) {
  co_await store.put(as_bytes("key"), as_bytes(value));
}

// Commits "1", puts "2", and throws with that under way.
task<void> fail_with(coro::runtime& runtime, at_the_end under_way) {
  const std::unique_ptr<environment> env = co_await environment::open(runtime, on_disk());
  segmented_store& segments = env->open_segmented_store("rows");
  co_await put(segments.segment(0), "1");
  if (under_way == at_the_end::sealing) segments.seal_hint(0);
  co_await env->commit();
  co_await put(segments.segment(0), "2");
  if (under_way == at_the_end::frame_in_flight) env->cut();
  throw std::runtime_error("of the owner");
}

task<std::string> stored(coro::runtime& runtime) {
  const std::unique_ptr<environment> env = co_await environment::open(runtime, on_disk());
  byte_store& rows = env->open_byte_store("rows");
  const std::optional<bytes> found = co_await rows.get_copy(as_bytes("key"));
  co_await env->close();
  co_return found ? std::string(as_text(*found)) : "nothing";
}

std::string error_of(coro::runtime& runtime, at_the_end under_way) {
  try {
    coro::sync_wait(runtime, fail_with(runtime, under_way));
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

class AbandonedEnvironment : public testing::TestWithParam<at_the_end> {};

TEST_P(AbandonedEnvironment, LetsTheErrorPassAndTheStateBeOpenedAgain) {
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  EXPECT_EQ(error_of(runtime, GetParam()), "of the owner");
  EXPECT_EQ(runtime.open_ends(), 0U);
  const bool landed = GetParam() == at_the_end::frame_in_flight;
  EXPECT_EQ(coro::sync_wait(runtime, stored(runtime)), landed ? "2" : "1");
}

INSTANTIATE_TEST_SUITE_P(Each, AbandonedEnvironment,
                         testing::Values(at_the_end::nothing, at_the_end::frame_in_flight,
                                         at_the_end::sealing));

task<void> run_on(task<commit_sequence> copying) {
  co_await std::move(copying);
}

task<std::unique_ptr<environment>> open_with_a_row(coro::runtime& runtime) {
  std::unique_ptr<environment> env = co_await environment::open(runtime, on_disk());
  byte_store& rows = env->open_byte_store("rows");
  co_await put(rows, "1");
  co_await env->commit();
  co_return std::move(env);
}

// Who waits for the copy is told, and nothing of it runs on.
TEST(AbandonedEnvironmentWithACheckpoint, EndsIt) {
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  std::unique_ptr<environment> env = coro::sync_wait(runtime, open_with_a_row(runtime));
  coro::scope beside(runtime.queue());
  beside.spawn(run_on(env->checkpoint("copy")));
  env.reset();
  try {
    coro::sync_wait(runtime, beside.join());
    FAIL() << "the copy went on";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::closed);
  }
  EXPECT_EQ(runtime.open_ends(), 0U);
  EXPECT_EQ(coro::sync_wait(runtime, stored(runtime)), "1");
}

TEST(AbandonedEnvironmentInMemory, LetsTheErrorPass) {
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  const auto fails = [](coro::runtime& owner) -> task<void> {
    const std::unique_ptr<environment> env =
        co_await environment::open(owner, environment_options());
    throw std::runtime_error("of the owner");
  };
  EXPECT_THROW(coro::sync_wait(runtime, fails(runtime)), std::runtime_error);
}

}  // namespace
}  // namespace lentic
