// SPDX-License-Identifier: Apache-2.0
// Random histories of an environment with a budget that holds a fraction of its rows, against maps:
// two segmented stores and a byte store, commits, seals without a commit in between, power cuts
// and kills at any operation. What was acknowledged is there, and what is there is one commit.
#include "environment_life.hpp"

#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace lentic::test {
namespace {

constexpr std::uint64_t budget = std::uint64_t{192} << 10;
// Of a cursor's block, which a seal takes at once, and the chunk that comes with a row.
constexpr std::uint64_t slack = std::uint64_t{96} << 10;
constexpr std::size_t value_bytes_max = 700;
constexpr std::array<const char*, 3> store_names = {"old", "totals", "windows"};

environment_options tight_options() {
  environment_options options = small_options();
  options.memory_budget = budget;
  options.journal_file_bytes_max = 128 << 10;
  options.journal_bytes_kept = 512 << 10;
  return options;
}

// store, segment, key -> value
using row_key = std::pair<std::pair<std::string, segment_id>, std::string>;
using model = std::map<row_key, std::string>;

std::string difference(const model& left, const model& right) {
  std::string text;
  for (const auto& [key, value] : left) {
    const auto found = right.find(key);
    if (found == right.end() || found->second != value) text += " +" + key.second;
  }
  for (const auto& [key, value] : right) {
    if (!left.contains(key)) text += " -" + key.second;
  }
  return text.substr(0, 400);
}

struct tallies {
  int commits = 0;
  int cuts = 0;     // of the power, or kills
  int refused = 0;  // over_budget
  std::uint64_t runs = 0;
};

class model_run {
 public:
  explicit model_run(std::uint64_t seed) : random_(seed), disk_(seed) { open(); }

  tallies play(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      try {
        one_step();
      } catch (const std::system_error& error) {
        if (!life_->engine().is_off()) {
          ADD_FAILURE() << error.what();
          break;
        }
        reopen();
      }
    }
    note_runs();
    life_.reset();
    return count_;
  }

 private:
  void open() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    life_->open(tight_options());
    if (random_.below(3) == 0) return;
    const std::uint64_t from_now = life_->engine().operations() + 1 + random_.below(400);
    if (random_.below(2) == 0)
      life_->engine().cut_power_at(from_now);
    else
      life_->engine().kill_at(from_now);
  }

  void note_runs() { count_.runs += life_->env().statistics().runs_written; }

  void one_step() {
    ASSERT_LE(life_->env().statistics().memory_bytes_max, budget + slack + excess_);
    if (random_.below(1500) == 0) return reopen();
    if (life_->env().wants_commit() && random_.below(8) != 0) return commit();
    const std::uint64_t dice = random_.below(1000);
    if (dice < 970) {
      change();
    } else if (dice < 990) {
      commit();
    } else {
      ASSERT_EQ(difference(stored(), now_), "");
    }
  }

  void change() {
    const std::string name = store_names.at(random_.below(store_names.size()));
    const segment_id id = name == "totals" ? 0 : random_.below(6);
    const std::string key = numbered_text("k", random_.below(150));
    const row_key where{{name, id}, key};
    try {
      if (random_.below(8) == 0) {
        const bool existed = life_->shell(name, id).erase(key);
        EXPECT_EQ(existed, now_.erase(where) == 1);
      } else {
        std::string value(random_.below(value_bytes_max), static_cast<char>(random_.below(256)));
        life_->shell(name, id).put(key, value);
        now_[where] = std::move(value);
      }
    } catch (const std::system_error& error) {
      if (error.code() != errc::over_budget) throw;
      ++count_.refused;
      commit();
    }
  }

  void commit() {
    attempted_ = now_;
    life_->commit();
    committed_ = now_;
    attempted_.reset();
    ++count_.commits;
  }

  // The state is that of the last commit, or of the one that nobody heard of.
  void reopen() {
    note_runs();
    life_->kill();
    ++count_.cuts;
    if (random_.below(2) == 0) disk_.power_cut();
    open_surely();
    model found = stored();
    if (attempted_ && found == *attempted_) committed_ = *attempted_;
    EXPECT_EQ(difference(found, committed_), "") << "after a crash";
    attempted_.reset();
    now_ = std::move(found);
  }

  // The recovery itself may be cut short.
  void open_surely() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    life_->open(tight_options());
    const std::uint64_t held = life_->env().statistics().memory_bytes_max;
    excess_ = held > budget ? held - budget : 0;  // a journal larger than the budget opens
    const std::uint64_t from_now = life_->engine().operations() + 1 + random_.below(600);
    life_->engine().cut_power_at(from_now);
  }

  model stored() {
    model rows;
    for (const char* const name : store_names) {
      segmented_store& store = life_->env().open_segmented_store(name);
      for (const segment_id id : store.segments(0, 10)) {
        for (auto& [key, value] : store_shell(life_->runtime(), store.segment(id)).scan())
          rows[{{name, id}, key}] = std::move(value);
      }
    }
    return rows;
  }

  coro::sim_random random_;
  coro::sim_disk disk_;
  std::unique_ptr<environment_life> life_;
  model now_;
  model committed_;
  std::optional<model> attempted_;
  std::uint64_t excess_ = 0;
  tallies count_;
};

class MemoryModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(MemoryModel, RandomHistoryInATinyBudgetAgreesWithMaps) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  const tallies count = model_run(GetParam()).play(6000);
  if (HasFailure()) return;
  EXPECT_GT(count.commits, 20);
  EXPECT_GT(count.cuts, 1);
  EXPECT_GT(count.runs, 20U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MemoryModel, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace lentic::test
