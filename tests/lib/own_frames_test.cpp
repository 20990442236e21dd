// SPDX-License-Identifier: Apache-2.0
// Frames that an environment writes for itself meet each other and its owner's: those of compact(),
// of the memory budget and of the recovery budget, at all levels, on disks that fill up and fail.
#include "memory_rig.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lentic::test {
namespace {

using rows = std::map<std::string, std::string>;
using stores = std::map<std::pair<std::string, segment_id>, rows>;

constexpr std::array<const char*, 3> store_names{"a", "b", "c"};
constexpr segment_id segments = 4;
constexpr std::array<durability, 3> levels{durability::cached, durability::logged,
                                           durability::synced};
constexpr std::array<coro::io_kind, 6> failing{
    coro::io_kind::write,          coro::io_kind::allocate, coro::io_kind::data_sync,
    coro::io_kind::sync_directory, coro::io_kind::unlink,   coro::io_kind::rename};

task<void> compact_or_fail(environment& env) {
  const result<void> done = co_await as_result(env.compact());
  static_cast<void>(done);
}

// One history: puts, commits, compact(), faults and deaths. Positions number the commits; the state
// is that of the position that it is opened at.
class history {
 public:
  explicit history(std::uint64_t seed) : random_(seed), disk_(seed) {
    level_ = levels.at(random_.below(levels.size()));
    commits_[0] = now_;
    open();
  }

  void play(int acts) {
    for (int i = 0; i < acts && !testing::Test::HasFailure(); ++i) {
      draw_faults();
      act();
    }
    disk_.set_capacity(~std::uint64_t{0});
    die(false);
  }

 private:
  void open() {
    life_ = std::make_unique<environment_life>(disk_, random_.next());
    environment_options options = small_options();
    options.memory_budget = std::uint64_t{256} << 10;
    options.recovery_budget_ms = 1;
    options.journal_bytes_kept = std::uint64_t{1} << 20;
    options.journal_file_bytes_max = std::uint64_t{64} << 10;
    options.commit_level = level_;
    life_->open(options);
    beside_ = std::make_unique<coro::scope>(life_->runtime().queue());
  }

  void draw_faults() {
    if (random_.chance(40)) {
      const bool ends = random_.chance(500);
      const std::uint64_t left = random_.below(std::uint64_t{64} << 10);
      disk_.set_capacity(ends ? ~std::uint64_t{0} : disk_.used_bytes() + left);
    }
    if (random_.chance(15))
      life_->engine().fail_kind(failing.at(random_.below(failing.size())), 1 + random_.below(10),
                                EIO);
  }

  void act() {
    const std::uint64_t drawn = random_.below(100);
    if (drawn < 60) {
      change();
    } else if (drawn < 85) {
      commit();
    } else if (drawn < 90) {
      for (std::uint64_t turns = random_.below(60); turns > 0 && life_->runtime().turn();) --turns;
    } else if (drawn < 93) {
      beside_->spawn(compact_or_fail(life_->env()));
    } else if (drawn < 96) {
      life_->let_work();
    } else {
      die(random_.chance(700));
      open();
      compare();
    }
  }

  // Rows of one record; what fails has changed nothing.
  void change() {
    const std::string name = store_names.at(random_.below(store_names.size()));
    const segment_id segment = random_.below(segments);
    for (std::uint64_t left = 1 + random_.below(40); left > 0; --left) {
      const std::string key = numbered_text("k", static_cast<int>(random_.below(200)));
      const bool erases = random_.chance(150);
      const std::string value(random_.below(900), static_cast<char>('a' + random_.below(26)));
      try {
        store_shell store = life_->shell(name, segment);
        if (erases) {
          store.erase(key);
          now_[{name, segment}].erase(key);
        } else {
          store.put(key, value);
          now_[{name, segment}][key] = value;
        }
      } catch (const std::system_error& failure) {
        if (failure.code() == errc::poisoned) return;
      }
    }
  }

  void commit() {
    ++number_;
    const std::string text = std::to_string(number_);
    const durability level = levels.at(random_.below(levels.size()));
    const bool waits = random_.chance(500);
    try {
      life_->env().set_position("n", as_bytes(text));
      commits_[number_] = now_;
      const commit_sequence cut = life_->env().cut(level);
      if (waits) sync_wait(life_->runtime(), life_->env().wait_durable(cut, level));
      if (waits && level == durability::synced) promised_ = number_;
    } catch (const std::system_error&) {  // its fate is seen at the next open
    }
  }

  void die(bool power) {
    life_->kill();
    sync_wait(life_->runtime(), beside_->join());
    beside_.reset();
    life_.reset();
    if (power) disk_.power_cut();
    disk_.set_capacity(~std::uint64_t{0});
  }

  void compare() {
    const auto at = life_->env().position("n");
    const std::uint64_t reached = at ? std::stoull(std::string(as_text(*at))) : 0;
    ASSERT_GE(reached, promised_) << "an acknowledged commit is lost";
    ASSERT_TRUE(commits_.contains(reached));
    now_ = commits_[reached];
    number_ = promised_ = reached;
    std::erase_if(commits_, [reached](const auto& each) { return each.first > reached; });
    for (const std::string name : store_names) {
      for (segment_id segment = 0; segment < segments; ++segment) {
        rows found;
        for (const auto& [key, value] : life_->shell(name, segment).scan()) found[key] = value;
        ASSERT_TRUE(found == (now_[{name, segment}])) << name << segment << " at " << reached;
      }
    }
  }

  coro::sim_random random_;
  coro::sim_disk disk_;
  durability level_ = durability::synced;
  std::unique_ptr<environment_life> life_;
  std::unique_ptr<coro::scope> beside_;
  stores now_;
  std::map<std::uint64_t, stores> commits_;
  std::uint64_t number_ = 0;
  std::uint64_t promised_ = 0;
};

TEST(OwnFrames, MeetInAnyOrder) {
  std::vector<std::uint64_t> seeds{51};  // hung once
  for (std::uint64_t seed = 1; seed <= 8; ++seed) seeds.push_back(seed);
  for (const std::uint64_t seed : seeds) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    history(seed).play(400);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace lentic::test
