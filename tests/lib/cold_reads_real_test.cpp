// SPDX-License-Identifier: Apache-2.0
// Cold reads on the real file system, through io_uring and through threads.
#include "real_world.hpp"
#include "store_shell.hpp"

#include <lentic/coro/runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace lentic::test {
namespace {

constexpr int row_count = 3'000;

std::string key_of(int row) {
  return numbered_text("key", 100'000 + row);
}
std::string value_of(int row) {
  return numbered_text("value ", row) + std::string(60, '.');
}

template <class Choice>
class RealColdReads : public ::testing::Test {
 protected:
  using world = real_world<Choice::value>;

  void SetUp() override {
    if (const char* const why = world::unavailable()) GTEST_SKIP() << why;
    world_ = std::make_unique<world>();
    open();
    for (int row = 0; row < row_count; ++row) shell().put(key_of(row), value_of(row));
    env_->open_segmented_store("rows").seal_hint(1);
    sync_wait(world_->runtime(), env_->commit());
    sync_wait(world_->runtime(), wait_for_run(world_->runtime(), *env_));
    sync_wait(world_->runtime(), env_->close());
    open();
  }
  void TearDown() override {
    if (env_) sync_wait(world_->runtime(), env_->close());
  }

  static task<void> wait_for_run(coro::runtime& runtime, environment& env) {
    while (env.statistics().runs_written == 0) co_await coro::yield(runtime);
  }
  std::string path() const {
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(world_->directory()))
         / "state";
  }
  void open() {
    environment_options options;
    options.directory = path();
    env_ = sync_wait(world_->runtime(), environment::open(world_->runtime(), options));
  }
  byte_store& store() { return env_->open_segmented_store("rows").segment(1); }
  store_shell shell() { return store_shell(world_->runtime(), store()); }

  std::unique_ptr<world> world_;
  std::unique_ptr<environment> env_;
};

using engines =
    ::testing::Types<std::integral_constant<coro::engine_choice, coro::engine_choice::uring>,
                     std::integral_constant<coro::engine_choice, coro::engine_choice::threads>>;
TYPED_TEST_SUITE(RealColdReads, engines);

TYPED_TEST(RealColdReads, EveryWayToReadAnswers) {
  const std::uint64_t before = this->env_->statistics().cold_reads;
  EXPECT_EQ(this->shell().get(key_of(1)), value_of(1));
  EXPECT_EQ(this->env_->statistics().cold_reads, before + 1);
  std::vector<std::string> keys;
  std::vector<std::optional<std::string>> values;
  for (int row = 0; row < row_count; row += 90) {
    keys.push_back(key_of(row));
    values.emplace_back(value_of(row));
  }
  EXPECT_EQ(this->shell().multi_get(keys), values);
  for (const direction order : {direction::forward, direction::backward}) {
    this->env_->forget_residency();
    EXPECT_EQ(this->shell().scan(order).size(), row_count);
  }
  EXPECT_TRUE(this->shell().erase(key_of(7)));
  EXPECT_EQ(this->env_->statistics().block_buffer_bytes, 0);
}

TYPED_TEST(RealColdReads, AFileThatWasTruncatedIsACodeAndTheProcessLives) {
  for (const auto& entry : std::filesystem::directory_iterator(this->path() + "/rows"))
    std::filesystem::resize_file(entry.path(), 4'096);
  const std::string key = key_of(row_count - 1);
  try {
    static_cast<void>(this->shell().get(key));
    FAIL() << "it is behind the end of the file";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::damaged) << error.what();
  }
  EXPECT_THROW(static_cast<void>(this->shell().scan()), std::system_error);
  EXPECT_EQ(this->shell().get(key_of(0)), value_of(0));
}

}  // namespace
}  // namespace lentic::test
