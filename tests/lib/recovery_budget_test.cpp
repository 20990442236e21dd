// SPDX-License-Identifier: Apache-2.0
// The journal stays so short that its replay is within the recovery budget, by estimate.
#include "environment_life.hpp"

#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

constexpr std::uint64_t budget_us = 1000;

// Nothing but the budget keeps the journal short.
environment_options options_of_budget(std::uint64_t budget_ms = budget_us / 1000) {
  environment_options options;
  options.directory = "state";
  options.lock_wait_ms = 0;
  options.journal_file_bytes_max = 256 << 10;
  options.journal_growth_bytes = 64 << 10;
  options.recovery_budget_ms = budget_ms;
  return options;
}

void put_rows(environment_life& life, std::string_view store, segment_id segment, int rows) {
  store_shell shell = life.shell(store, segment);
  for (int i = 0; i < rows; ++i) shell.put(numbered_text("k", i), std::string(40, 'v'));
}

TEST(RecoveryBudget, LiveRowsAboveItAreSealedWhenNothingMoreIsCommitted) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_budget());
  for (segment_id segment = 1; segment <= 8; ++segment) {
    put_rows(life, "rows", segment, 1000);
    life.commit();
  }
  life.let_work();
  EXPECT_LE(life.env().statistics().replay_estimate_us, budget_us);
  EXPECT_GE(life.env().statistics().seals_for_budget, 4U);
  const std::string stored = life.stored();
  life.kill();
  disk.power_cut();
  environment_life next(disk, 2);
  next.open(options_of_budget());
  EXPECT_LE(next.env().recovered().replay_estimate_us, budget_us);
  EXPECT_LE(next.env().recovered().rows_replayed * 200, budget_us * 1000);
  EXPECT_EQ(next.stored(), stored);
  next.close();
}

TEST(RecoveryBudget, TheColdestSegmentsAreSealed) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_budget(4));
  put_rows(life, "cold", 0, 8000);
  life.commit();
  for (int i = 0; i < 12; ++i) {
    put_rows(life, "hot", 0, 2000);
    life.commit();
    life.let_work();
  }
  for (const segment_figures& each : life.env().segments())
    EXPECT_EQ(each.run_rows, each.store == "cold" ? 8000U : 0U) << each.store;
  EXPECT_EQ(life.env().statistics().seals_for_budget, 1U);
  life.close();
}

TEST(RecoveryBudget, WithoutOneTheJournalIsLeftToItsOtherOptions) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_budget(0));
  put_rows(life, "rows", 1, 8000);
  const commit_sequence last = life.commit();
  life.let_work();
  EXPECT_GT(life.env().statistics().replay_estimate_us, budget_us);
  EXPECT_EQ(life.env().statistics().seals_for_budget, 0U);
  EXPECT_EQ(life.env().last_durable(), last);
  life.close();
}

TEST(RecoveryBudget, WhatTheOwnerHasNotCommittedIsInNoCommitOfItsOwn) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_budget());
  put_rows(life, "rows", 1, 8000);
  life.commit();
  const std::string committed = life.stored();
  life.shell("rows", 2).put("not", "committed");
  life.let_work();
  EXPECT_GT(life.env().statistics().replay_estimate_us, budget_us) << "it waits for a commit";
  life.kill();
  environment_life next(disk, 2);
  next.open(options_of_budget());
  EXPECT_EQ(next.stored(), committed);
  next.let_work();
  EXPECT_LE(next.env().statistics().replay_estimate_us, budget_us) << "nothing waits here";
  next.close();
}

// Output that nobody acknowledges has to stay: commits for nothing would go on for ever.
TEST(RecoveryBudget, WhatCannotGetShorterIsLeftAlone) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_budget());
  for (int i = 0; i < 8; ++i) {
    const std::string output(300'000, 'o');
    life.env().append_output(as_bytes(output));
    life.commit();
  }
  life.let_work();
  const environment_statistics now = life.env().statistics();
  EXPECT_GT(now.replay_estimate_us, budget_us);
  EXPECT_LT(now.bytes_written, 6 * 8 * 300'000U);
  life.close();
}

// Each frame holds all positions, and none is ever short enough.
TEST(RecoveryBudget, CommitsOfItsOwnEndWhereTheyDoNotHelp) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_budget());
  constexpr std::uint64_t position_bytes = 1'200'000;
  const std::string position(position_bytes, 'p');
  life.env().set_position("source", as_bytes(position));
  const commit_sequence last = life.commit();
  for (int turn = 0; turn < 20'000 && life.runtime().turn(); ++turn) {
  }
  EXPECT_GT(life.env().statistics().replay_estimate_us, budget_us);
  EXPECT_GT(life.env().last_durable(), last);
  EXPECT_LT(life.env().statistics().bytes_written, 6 * position_bytes);
  life.close();
}

TEST(RecoveryBudget, ABudgetOfMoreThanADayIsRefused) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  try {
    life.open(options_of_budget(86'400'001));
    FAIL() << "opened";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
  }
}

// Random rows of three stores against maps, with commits of two levels, kills and power cuts.
class budget_run {
 public:
  explicit budget_run(std::uint64_t seed) : random_(seed), disk_(seed) {
    level_ = random_.chance(500) ? durability::synced : durability::logged;
    open();
  }

  void play(int commits) {
    for (int i = 0; i < commits && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(testing::Message() << "commit " << i);
      change_rows();
      commit();
      if (random_.chance(300)) expect_within();
      if (random_.chance(80)) crash();
    }
    expect_within();
    life_->close();
  }

 private:
  using rows = std::map<std::string, std::string>;
  static constexpr std::array<const char*, 3> names = {"a", "b", "c"};

  void open() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    environment_options options = options_of_budget();
    options.commit_level = level_;
    life_->open(options);
  }

  // Hot and cold segments, small and large ones, all of which may be above the budget together.
  void change_rows() {
    const std::size_t store = random_.below(names.size());
    const segment_id segment = random_.below(4);
    rows& model = now_[{store, segment}];
    store_shell shell = life_->shell(names.at(store), segment);
    const std::uint64_t count = 1 + random_.below(random_.chance(200) ? 3000 : 60);
    frame_us_ = std::max(frame_us_, (count * (200 + 130) + 8192) / 1000);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string key = numbered_text("k", static_cast<int>(random_.below(2000)));
      if (random_.chance(100)) {
        shell.erase(key);
        model.erase(key);
      } else {
        const std::string value(random_.below(120), static_cast<char>('a' + random_.below(26)));
        shell.put(key, value);
        model[key] = value;
      }
    }
  }

  void commit() { life_->commit(); }

  void expect_within() {
    life_->let_work();
    EXPECT_LE(life_->env().statistics().replay_estimate_us, budget_us + frame_us_);
  }

  // A kill keeps what was written, whatever the level.
  void crash() {
    life_->kill();
    if (level_ == durability::synced && random_.chance(500)) disk_.power_cut();
    open();
    for (const auto& [place, model] : now_) {
      store_shell shell = life_->shell(names.at(place.first), place.second);
      rows found;
      for (const auto& [key, value] : shell.scan()) found[key] = value;
      ASSERT_EQ(found, model) << names.at(place.first) << ' ' << place.second;
    }
  }

  coro::sim_random random_;
  coro::sim_disk disk_;
  durability level_ = durability::synced;
  std::unique_ptr<environment_life> life_;
  std::map<std::pair<std::size_t, segment_id>, rows> now_;
  std::uint64_t frame_us_ = 0;
};

class RecoveryBudgetModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RecoveryBudgetModel, RandomRowsStayWithinAndAgreeWithMaps) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  budget_run(GetParam()).play(60);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RecoveryBudgetModel, testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace lentic::test
