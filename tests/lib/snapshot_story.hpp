// SPDX-License-Identifier: Apache-2.0
#pragma once

// snapshot_story: random histories of a store with snapshots, against copies of a map: snapshots
// opened and closed in any order, reads of them forward and backward, and cursors that go on for
// long. Threads: the test's. The world outlives it.

#include "snapshot_worlds.hpp"

#include <lentic/coro/sim_random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lentic::test {

class snapshot_story {
 public:
  using model = std::map<std::string, std::string>;

  snapshot_story(snapshot_world& world, std::uint64_t seed) : world_(world), random_(seed) {}

  void step() {
    const std::uint64_t dice = random_.below(1000);
    if (dice < 400) {
      const std::string key = some_key();
      const std::string value(random_.below(80), static_cast<char>('a' + random_.below(26)));
      shell(world_.store()).put(key, value);
      now_[key] = value;
    } else if (dice < 560) {
      const std::string key = some_key();
      EXPECT_EQ(shell(world_.store()).erase(key), now_.erase(key) == 1);
    } else if (dice < 580) {
      world_.settle();
    } else if (dice < 640) {
      if (shots_.size() < 6) shots_.push_back({world_.open({}), now_, std::nullopt, {}});
    } else if (dice < 690) {
      if (!shots_.empty()) shots_.erase(shots_.begin() + some_shot());
    } else if (!shots_.empty()) {
      read(shots_[static_cast<std::size_t>(some_shot())]);
    }
  }

  void end() {
    for (kept& each : shots_) {
      EXPECT_EQ(shell(each.of.rows()).scan(), text_rows(each.rows.begin(), each.rows.end()));
    }
    EXPECT_EQ(shell(world_.store()).scan(), text_rows(now_.begin(), now_.end()));
  }

 private:
  struct kept {
    shot of;
    model rows;
    std::optional<cursor> walk;
    text_rows to_come;
  };

  static text_rows reversed(text_rows rows) {
    std::reverse(rows.begin(), rows.end());
    return rows;
  }
  store_shell shell(byte_store& rows) { return store_shell(world_.runtime(), rows); }
  std::string some_key() {
    return numbered_text(random_.below(4) == 0 ? "" : "k", random_.below(150));
  }
  std::ptrdiff_t some_shot() { return static_cast<std::ptrdiff_t>(random_.below(shots_.size())); }

  void read(kept& from) {
    const std::uint64_t dice = random_.below(10);
    if (dice < 5) {
      const std::string key = some_key();
      const auto found = from.rows.find(key);
      std::optional<std::string> expected;
      if (found != from.rows.end()) expected = found->second;
      EXPECT_EQ(shell(from.of.rows()).get(key), expected) << key;
    } else if (dice < 8) {
      walk_on(from);
    } else {
      const std::string lo = some_key();
      const std::string hi = some_key();
      text_rows expected;
      if (lo < hi) expected.assign(from.rows.lower_bound(lo), from.rows.lower_bound(hi));
      const direction order = dice == 8 ? direction::forward : direction::backward;
      if (order == direction::backward) expected = reversed(expected);
      EXPECT_EQ(shell(from.of.rows()).range(lo, hi, order), expected) << lo << " to " << hi;
    }
  }

  // A block of a cursor that was begun long ago.
  void walk_on(kept& from) {
    if (!from.walk) {
      const direction order = random_.below(2) == 0 ? direction::forward : direction::backward;
      from.walk.emplace(from.of.rows().scan(order));
      from.to_come.assign(from.rows.begin(), from.rows.end());
      if (order == direction::forward) from.to_come = reversed(from.to_come);
    }
    const text_rows block = shell(world_.store()).next(*from.walk);
    if (block.empty()) {
      EXPECT_EQ(from.to_come, text_rows());
      from.walk.reset();
    }
    for (const text_row& each : block) {
      ASSERT_FALSE(from.to_come.empty());
      ASSERT_EQ(each, from.to_come.back());
      from.to_come.pop_back();
    }
  }

  snapshot_world& world_;
  coro::sim_random random_;
  model now_;
  std::vector<kept> shots_;
};

}  // namespace lentic::test
