// SPDX-License-Identifier: Apache-2.0
// The way of a record through window, cache, outbox and commit to its reader, in which the n-th
// operation of the disk fails, for n = 1, 2, ... until the script ends before it. Whatever failed,
// and whatever the user does about it, the reader is told each change once, and all of them.
#include "path_life.hpp"

#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace lentic::test {
namespace {

struct path_fault {
  std::string name;
  std::function<void(coro::sim_engine& engine, std::uint64_t n)> plan;
  coro::sim_faults chance;
};

void PrintTo(const path_fault& each, std::ostream* to) {
  *to << each.name;
}

// What the user does when a call has failed. A task that is poisoned leaves no choice but the last
// two, and neither does an environment that fails again and again.
enum class remedy { commit_again, go_on, close_and_open, kill_and_open, power_cut_and_open };
constexpr remedy remedies[] = {remedy::commit_again, remedy::go_on, remedy::close_and_open,
                               remedy::kill_and_open, remedy::power_cut_and_open};
constexpr int patience = 3;

// One user over all lives that it takes.
class stubborn_user {
 public:
  stubborn_user(const path_case& path, const path_fault& fault, remedy cure, std::uint64_t n)
      : path_(path), fault_(fault), cure_(cure), n_(n), disk_(n) {}

  // Works until the script is in the state and the reader has all of it. Answers whether the n-th
  // operation was reached.
  bool work() {
    for (int lives = 1; lives <= 4; ++lives) {
      if (live(lives == 1)) return reached_;
    }
    ADD_FAILURE() << "it never came to an end";
    return false;
  }
  const std::string& delivered() const noexcept { return delivered_; }
  const std::string& stored() const noexcept { return stored_; }
  int failures() const noexcept { return failures_; }

 private:
  bool live(bool faulty) {
    coro::sim_runtime_options options;
    options.faults = fault_.chance;
    coro::sim_runtime runtime(disk_, n_, options);
    if (faulty) fault_.plan(runtime.engine(), n_);
    bool done = false;
    {
      path_life life(runtime, path_, delivered_);
      done = open(life) && go_on(life);
      const bool kills = cure_ == remedy::kill_and_open || cure_ == remedy::power_cut_and_open;
      if (!done && kills) runtime.engine().kill();
    }
    if (faulty) reached_ = runtime.engine().operations() >= n_;
    if (!done && cure_ == remedy::power_cut_and_open) disk_.power_cut();
    return done;
  }

  bool open(path_life& life) {
    try {
      life.open();
      return true;
    } catch (const std::system_error&) {
      ++failures_;
      return false;
    }
  }

  bool go_on(path_life& life) {
    for (;;) {
      try {
        run_to_end(life);
        stored_ = life.stored();
        break;
      } catch (const std::system_error&) {
        ++failures_;
      }
      if (life.job().poisoned() || failures_ > patience) return false;
      if (cure_ != remedy::go_on && cure_ != remedy::commit_again) return false;
      if (cure_ == remedy::commit_again && !commit_again(life)) return false;
    }
    try {
      life.close();
    } catch (const std::system_error&) {  // all was durable before
      ++failures_;
    }
    return true;
  }

  bool commit_again(path_life& life) {
    try {
      life.commit();
      life.deliver();
      return true;
    } catch (const std::system_error&) {
      ++failures_;
      return false;
    }
  }

  const path_case& path_;
  const path_fault& fault_;
  remedy cure_;
  std::uint64_t n_;
  coro::sim_disk disk_;
  std::string delivered_;
  std::string stored_;
  int failures_ = 0;
  bool reached_ = false;
};

class PathFailure : public testing::TestWithParam<std::tuple<path_case, path_fault>> {};

TEST_P(PathFailure, TheReaderIsToldEachChangeOnceWhateverOperationFails) {
  const auto& [path, fault] = GetParam();
  const path_fault none{"None", [](coro::sim_engine&, std::uint64_t) {}, {}};
  stubborn_user undisturbed(path, none, remedy::go_on, 1);
  undisturbed.work();
  ASSERT_EQ(complaint(path, undisturbed.delivered()), "");
  std::uint64_t n = 1;
  int failures = 0;
  for (bool reached = true; reached && n < 2000; ++n) {
    for (const remedy cure : remedies) {
      SCOPED_TRACE(testing::Message()
                   << "operation " << n << ", remedy " << static_cast<int>(cure));
      stubborn_user user(path, fault, cure, n);
      reached = user.work();
      ASSERT_EQ(complaint(path, user.delivered()), "");
      ASSERT_EQ(user.stored(), undisturbed.stored());
      failures += user.failures();
    }
  }
  EXPECT_GT(n, 60U) << "the script is longer than that";
  EXPECT_LT(n, 2000U) << "the script ends before that";
  EXPECT_GT(failures, 60) << "hardly any failure was seen";
}

path_fault once(std::string name, int error) {
  return {std::move(name),
          [error](coro::sim_engine& engine, std::uint64_t n) { engine.fail_operation(n, error); },
          {}};
}
path_fault from_then_on(std::string name, int error) {
  return {std::move(name),
          [error](coro::sim_engine& engine, std::uint64_t n) { engine.fail_from(n, error); },
          {}};
}
// Each second write is short besides, in all lives.
path_fault among_short_writes() {
  path_fault made = once("EnospcOnceAmongShortWrites", ENOSPC);
  made.chance.short_permille = 500;
  made.chance.interrupted_permille = 50;
  made.chance.again_permille = 50;
  return made;
}

INSTANTIATE_TEST_SUITE_P(
    Operations, PathFailure,
    testing::Combine(testing::ValuesIn(path_cases()),
                     testing::Values(once("EioOnce", EIO), once("EnospcOnce", ENOSPC),
                                     from_then_on("EioFromThenOn", EIO), among_short_writes())),
    [](const auto& each) { return std::get<0>(each.param).name + std::get<1>(each.param).name; });

}  // namespace
}  // namespace lentic::test
