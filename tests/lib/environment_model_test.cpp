// SPDX-License-Identifier: Apache-2.0
// Random histories of an environment against maps: several stores, commits, closes that drop what
// was not committed, kills, seals, clears, drops of segments, recycled journal files.
#include "environment_life.hpp"

#include <lentic/coro/sim_random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace lentic::test {
namespace {

constexpr std::array<const char*, 3> store_names = {"long-lived", "totals", "windows"};

struct model_store {
  std::map<segment_id, std::map<std::string, std::string>> segments;
  segment_id floor = 0;
};

using model_state = std::map<std::string, model_store>;

// As environment_life::stored() writes it.
std::string text_of(const model_state& state) {
  std::string text;
  for (const auto& [name, store] : state) {
    ((text += name) += " from ") += std::to_string(store.floor);
    for (const auto& [id, rows] : store.segments) {
      if (rows.empty()) continue;
      (text += " [") += std::to_string(id);
      for (const auto& [key, value] : rows) (((text += ' ') += key) += '=') += value;
      text += ']';
    }
    text += '\n';
  }
  return text;
}

class model_run {
 public:
  explicit model_run(std::uint64_t seed) : random_(seed), disk_(seed) { open(); }

  void play(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      one_step();
    }
    life_->close();
  }

 private:
  void open() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    life_->open();
    for (const char* const name : store_names) {
      life_->env().open_segmented_store(name);
      now_[name];
    }
  }

  void one_step() {
    const std::uint64_t dice = random_.below(1000);
    if (dice < 850) {
      change_rows(dice);
    } else if (dice < 960) {
      commit();
    } else if (dice < 985) {
      reopen();
    } else {
      ASSERT_EQ(life_->stored(), text_of(now_));
    }
  }

  void change_rows(std::uint64_t dice) {
    const std::string name = store_names.at(random_.below(store_names.size()));
    model_store& store = now_[name];
    const segment_id id = store.floor + random_.below(4);
    const std::string key = numbered_text("k", random_.below(12));
    segmented_store& target = life_->env().open_segmented_store(name);
    if (dice < 500) {
      const std::string value(random_.below(200), static_cast<char>('a' + random_.below(26)));
      life_->shell(name, id).put(key, value);
      store.segments[id][key] = value;
    } else if (dice < 750) {
      ASSERT_EQ(life_->shell(name, id).erase(key), store.segments[id].erase(key) == 1);
    } else if (dice < 800) {
      target.seal_hint(id);
    } else if (dice < 815) {
      life_->shell(name, id).clear();
      store.segments[id].clear();
    } else if (dice < 830 && name != store_names[0]) {
      life_->drop_below(name, id);
      store.floor = id;
      store.segments.erase(store.segments.begin(), store.segments.lower_bound(id));
    } else {
      const auto& rows = store.segments[id];
      const auto found = rows.find(key);
      const auto expected =
          found == rows.end() ? std::nullopt : std::optional<std::string>(found->second);
      ASSERT_EQ(life_->shell(name, id).get(key), expected);
    }
  }

  void commit() {
    life_->commit();
    committed_ = now_;
    if (random_.below(2) == 0) life_->let_work();
  }

  // What was not committed is gone.
  void reopen() {
    if (random_.below(2) == 0) {
      life_->close();
    } else {
      life_->kill();
      if (random_.below(2) == 0) disk_.power_cut();
    }
    now_ = committed_;
    open();
    ASSERT_EQ(life_->stored(), text_of(now_));
    EXPECT_FALSE(life_->env().recovered().cut);
    EXPECT_TRUE(life_->env().recovered().quarantined.empty());
  }

  coro::sim_random random_;
  coro::sim_disk disk_;
  std::unique_ptr<environment_life> life_;
  model_state now_;
  model_state committed_;
};

class EnvironmentModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(EnvironmentModel, RandomHistoryAgreesWithMaps) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  model_run(GetParam()).play(3000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EnvironmentModel, testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace lentic::test
