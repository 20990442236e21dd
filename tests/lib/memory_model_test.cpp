// SPDX-License-Identifier: Apache-2.0
// Random histories of an environment with a budget that holds a fraction of its rows, against maps:
// two segmented stores and a byte store, commits, seals without a commit in between, power cuts
// and kills at any operation. What was acknowledged is there, and what is there is one commit. Also
// with commits that are written and not synced, and with a fused cache in front of the byte store:
// what that tells, one change after the other, makes the same rows.
#include "environment_life.hpp"

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/sim_random.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <array>
#include <iterator>
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

enum class fronted { no, fused };

struct setting {
  durability level = durability::synced;
  fronted totals = fronted::no;
};

environment_options tight_options(const setting& chosen) {
  environment_options options = small_options();
  options.commit_level = chosen.level;
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
  int told = 0;  // changes, by the cache
};

// Rows as the changes that were told make them.
class told_rows final : public change_listener {
 public:
  maybe_ready<void> on_change(const change& told) override {
    ++count;
    const std::string key(as_text(told.key));
    const auto found = rows.find(key);
    EXPECT_EQ(told.old_value.has_value(), found != rows.end()) << key;
    if (told.old_value && found != rows.end()) {
      EXPECT_EQ(as_text(*told.old_value), found->second);
    }
    if (told.new_value) {
      rows[key] = std::string(as_text(*told.new_value));
    } else {
      rows.erase(key);
    }
    return {};
  }

  std::map<std::string, std::string> rows;
  int count = 0;
};

struct cache_in_front {
  cache_in_front(environment_life& life, told_rows& listener)
      : budget(life.runtime().queue(), std::uint64_t{1} << 30) {
    budget.bind(life.env().memory());
    caching_options options;
    options.listener = &listener;
    byte_store& totals = life.env().open_byte_store("totals");
    store = make_caching_store(caching::fused, totals, budget, "totals", options);
  }

  thread_cache budget;
  std::unique_ptr<caching_store> store;
};

class model_run {
 public:
  model_run(std::uint64_t seed, const setting& chosen)
      : chosen_(chosen), random_(seed), disk_(seed) {
    open();
  }

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
    cache_.reset();
    life_.reset();
    return count_;
  }

 private:
  void open() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    life_->open(tight_options(chosen_));
    open_cache();
    if (random_.below(3) == 0) return;
    arm(400);
  }

  // The end comes at one of the next operations, by a power cut or by a kill.
  void arm(std::uint64_t operations_max) {
    const std::uint64_t at = life_->engine().operations() + 1 + random_.below(operations_max);
    loses_power_ = random_.below(2) == 0;
    if (loses_power_) {
      life_->engine().cut_power_at(at);
    } else {
      life_->engine().kill_at(at);
    }
  }

  void open_cache() {
    if (chosen_.totals == fronted::fused) cache_.emplace(*life_, told_);
  }

  store_shell shell(const std::string& name, segment_id id) {
    if (name == "totals" && cache_) return store_shell(life_->runtime(), *cache_->store);
    return life_->shell(name, id);
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
        const bool existed = shell(name, id).erase(key);
        EXPECT_EQ(existed, now_.erase(where) == 1);
      } else {
        std::string value(random_.below(value_bytes_max), static_cast<char>(random_.below(256)));
        shell(name, id).put(key, value);
        now_[where] = std::move(value);
      }
    } catch (const std::system_error& error) {
      if (error.code() != errc::over_budget) throw;
      ++count_.refused;
      commit();
    }
  }

  // Mostly with everything told, as a task does it; what was not told stays with the cache.
  void commit() {
    if (cache_ && random_.below(4) != 0) flush();
    attempted_ = now_;
    const commit_sequence sequence = life_->commit();
    commits_[sequence] = now_;
    commits_.erase(commits_.begin(), std::prev(commits_.upper_bound(life_->env().last_durable())));
    attempted_.reset();
    ++count_.commits;
  }

  void flush() {
    sync_wait(life_->runtime(), cache_->store->flush());
    count_.told += std::exchange(told_.count, 0);
    ASSERT_EQ(told_.rows, totals_of(now_));
  }

  static std::map<std::string, std::string> totals_of(const model& all) {
    std::map<std::string, std::string> rows;
    for (const auto& [key, value] : all) {
      if (key.first.first == "totals") rows[key.second] = value;
    }
    return rows;
  }

  // The state is that of the commit whose number it bears, or of the one that nobody heard of. A
  // kill loses no commit that was written, a power cut none that was synced.
  void reopen() {
    note_runs();
    const bool lost_power = loses_power_ && life_->engine().is_off();
    const bool cuts_power = random_.below(2) == 0;
    const commit_sequence least =
        cuts_power || lost_power ? life_->env().last_durable() : life_->env().last_logged();
    cache_.reset();
    life_->kill();
    ++count_.cuts;
    if (cuts_power) disk_.power_cut();
    open_surely();
    const commit_sequence reached = life_->env().recovered().sequence;
    EXPECT_GE(reached, least);
    model found = stored();
    if (!attempted_ || found != *attempted_) {
      EXPECT_EQ(difference(found, std::prev(commits_.upper_bound(reached))->second), "")
          << "after a crash, at " << reached;
    }
    attempted_.reset();
    commits_.clear();
    commits_[reached] = found;
    told_.rows = totals_of(found);
    now_ = std::move(found);
    open_cache();
    arm(600);
  }

  void open_surely() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    life_->open(tight_options(chosen_));
    const std::uint64_t held = life_->env().statistics().memory_bytes_max;
    excess_ = held > budget ? held - budget : 0;  // a journal larger than the budget opens
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

  const setting chosen_;
  coro::sim_random random_;
  coro::sim_disk disk_;
  std::unique_ptr<environment_life> life_;
  told_rows told_;
  std::optional<cache_in_front> cache_;
  model now_;
  std::map<commit_sequence, model> commits_{{0, model()}};  // from the last durable one on
  std::optional<model> attempted_;                          // by a commit that was cut short
  bool loses_power_ = false;
  std::uint64_t excess_ = 0;
  tallies count_;
};

class MemoryModel : public testing::TestWithParam<std::uint64_t> {
 protected:
  static tallies play(const setting& chosen) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    const tallies count = model_run(GetParam(), chosen).play(6000);
    if (HasFailure()) return count;
    EXPECT_GT(count.commits, 20);
    EXPECT_GT(count.cuts, 1);
    EXPECT_GT(count.runs, 20U);
    return count;
  }
};

TEST_P(MemoryModel, RandomHistoryInATinyBudgetAgreesWithMaps) {
  play({});
}

TEST_P(MemoryModel, AlsoWhereCommitsAreNotSynced) {
  play({durability::logged, fronted::no});
}

TEST_P(MemoryModel, AlsoBehindAFusedCache) {
  const tallies count = play({durability::synced, fronted::fused});
  EXPECT_GT(count.told, 500);
}

TEST_P(MemoryModel, AlsoBehindAFusedCacheWhereCommitsAreNotSynced) {
  play({durability::logged, fronted::fused});
}

INSTANTIATE_TEST_SUITE_P(Seeds, MemoryModel, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace lentic::test
