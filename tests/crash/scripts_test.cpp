// SPDX-License-Identifier: Apache-2.0
// Short fixed scripts with a crash at every single operation, under several disks each.
#include "story.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lentic::crash {
namespace {

using coro::sim_disk;
using coro::sim_disk_options;
using coro::sim_runtime;

constexpr std::uint64_t disks = 12;

class script {
 public:
  script& then(act what, unsigned store = 0, unsigned segment = 0, unsigned key = 0,
               unsigned bytes = 20) {
    steps_.push_back({what, store, segment, key, bytes});
    return *this;
  }
  const std::vector<step>& steps() const noexcept { return steps_; }

 private:
  std::vector<step> steps_;
};

script puts_and_outputs() {
  script text;
  text.then(act::put, 0, 0, 1).then(act::put, 1, 2, 1).then(act::position).then(act::commit);
  text.then(act::output).then(act::cut).then(act::output).then(act::cut).then(act::output);
  text.then(act::put, 0, 0, 1, 5000).then(act::cut).then(act::erase, 1, 2, 1).then(act::commit);
  text.then(act::acknowledge).then(act::put, 0, 0, 2).then(act::cut);
  return text.then(act::acknowledge).then(act::position).then(act::commit);
}

script seals() {
  script text;
  for (unsigned key = 0; key < 6; ++key) text.then(act::put, 1, 0, key, 300);
  text.then(act::seal, 1, 0).then(act::commit).then(act::put, 1, 0, 2).then(act::rest, 0, 0, 3);
  text.then(act::erase, 1, 0, 3).then(act::commit).then(act::seal, 1, 0).then(act::cut);
  text.then(act::put, 1, 0, 3).then(act::commit).then(act::rest, 0, 0, 3);
  return text.then(act::read, 1, 0, 3).then(act::rest, 0, 0, 3);
}

script drops_and_clears() {
  script text;
  for (unsigned segment = 0; segment < 4; ++segment) text.then(act::put, 1, segment, 1, 300);
  text.then(act::put, 0, 0, 1, 300).then(act::seal, 1, 0).then(act::seal, 0, 0).then(act::commit);
  text.then(act::rest, 0, 0, 3).then(act::rest, 0, 0, 3).then(act::drop, 1, 1).then(act::cut);
  text.then(act::clear, 0).then(act::put, 0, 0, 2).then(act::commit).then(act::rest, 0, 0, 3);
  text.then(act::seal, 1, 1).then(act::cut).then(act::drop, 1, 2).then(act::seal, 0, 0);
  return text.then(act::commit).then(act::rest, 0, 0, 3).then(act::rest, 0, 0, 3);
}

script rotations() {
  script text;
  text.then(act::put, 2, 1, 9).then(act::output).then(act::position).then(act::commit);
  for (unsigned i = 0; i < 16; ++i) {
    text.then(act::put, 0, 0, i % 3, 9000).then(act::commit);
    if (i % 4 == 0) text.then(act::rest, 0, 0, 2);
  }
  return text;
}

// A journal file is recycled while the last of its rows are on their way into a run; before the run
// is there, their segment is dropped, and that commit never comes.
script drop_under_a_seal(unsigned rest) {
  script text;
  text.then(act::put, 2, 1, 9).then(act::commit);
  for (unsigned i = 0; i < 3; ++i) text.then(act::put, 0, 0, i, 9000).then(act::commit);
  for (unsigned i = 0; i < 3; ++i) text.then(act::put, 1, i, 1).then(act::seal, 1, i);
  text.then(act::put, 0, 0, 3, 9000).then(act::commit).then(act::rest, 0, 0, rest);
  text.then(act::put, 0, 0, 0, 9000).then(act::seal, 2, 1).then(act::cut).then(act::rest);
  text.then(act::position).then(act::commit).then(act::drop, 2, 2);
  return text.then(act::rest, 0, 0, 3).then(act::rest, 0, 0, 3);
}

struct crash_point {
  std::uint64_t operation = 0;
  ending how = ending::power_cut;
};

// The script until the crash, a life that recovers and ends as `second` says, and one that looks.
// Answers false once the script ran through without reaching the operation.
bool survives(const script& text, crash_point crash, std::uint64_t seed, ending second) {
  sim_disk disk(seed, sim_disk_options::drawn(seed));
  const environment_options options = small_files(32 << 10, 8 << 10);
  model known;
  bool reached = false;
  for (std::uint64_t i = 0; i < 3; ++i) {
    sim_runtime runtime(disk, seed * 3 + i);
    if (i == 0 && crash.how == ending::kill) runtime.engine().kill_at(crash.operation);
    if (i == 0 && crash.how != ending::kill) runtime.engine().cut_power_at(crash.operation);
    life one(runtime, known, options);
    one.run(i == 0 ? text.steps() : std::vector<step>(), i == 1 ? second : ending::close);
    if (i == 0) reached = runtime.engine().is_off();
    EXPECT_EQ(one.failure(), "") << "operation " << crash.operation << ", seed " << seed;
  }
  return reached;
}

void crash_everywhere(const script& text, ending first, ending second) {
  for (std::uint64_t seed = 1; seed <= disks; ++seed) {
    crash_point crash{1, first};
    while (survives(text, crash, seed, second) && !testing::Test::HasFailure()) ++crash.operation;
    ASSERT_FALSE(testing::Test::HasFailure());
    ASSERT_GT(crash.operation, 20U);
  }
}

TEST(CrashScripts, PutsAndOutputsSurviveAPowerCutAtEveryOperation) {
  crash_everywhere(puts_and_outputs(), ending::power_cut, ending::close);
}

TEST(CrashScripts, SealsSurviveAPowerCutAtEveryOperation) {
  crash_everywhere(seals(), ending::power_cut, ending::close);
}

TEST(CrashScripts, DropsAndClearsSurviveAPowerCutAtEveryOperation) {
  crash_everywhere(drops_and_clears(), ending::power_cut, ending::close);
}

TEST(CrashScripts, RotationsSurviveAPowerCutAtEveryOperation) {
  crash_everywhere(rotations(), ending::power_cut, ending::close);
}

std::string failure_of(sim_disk& disk, model& known, std::uint64_t seed,
                       const std::vector<step>& steps, ending how) {
  sim_runtime runtime(disk, seed);
  life one(runtime, known, small_files(32 << 10, 8 << 10));
  one.run(steps, how);
  return one.failure();
}

TEST(CrashScripts, ADropThatNeverCameLeavesTheRowsOfItsSegment) {
  for (unsigned rest = 0; rest < 4; ++rest) {
    const script text = drop_under_a_seal(rest);
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      sim_disk disk(seed);
      model known;
      ASSERT_EQ(failure_of(disk, known, seed, text.steps(), ending::power_cut), "");
      ASSERT_EQ(failure_of(disk, known, seed, {}, ending::close), "")
          << "seed " << seed << ", rest " << rest;
    }
  }
}

// A killed process leaves things in the cache alone. Who opens them next must not build on that.
TEST(CrashScripts, WhatAKilledProcessLeftIsDurableOnceItWasRecovered) {
  crash_everywhere(puts_and_outputs(), ending::kill, ending::power_cut);
  crash_everywhere(seals(), ending::kill, ending::power_cut);
  crash_everywhere(drops_and_clears(), ending::kill, ending::power_cut);
  crash_everywhere(rotations(), ending::kill, ending::power_cut);
}

}  // namespace
}  // namespace lentic::crash
