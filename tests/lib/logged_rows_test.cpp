// SPDX-License-Identifier: Apache-2.0
#include "logged_rows.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace lentic::detail {
namespace {

TEST(LoggedRows, CountsARowInTheEpochOfItsCommitUntilItIsRemoved) {
  logged_rows rows;
  rows.add(1, 2);
  rows.add(10, 3);
  EXPECT_EQ(rows.before(1), 0U);
  EXPECT_EQ(rows.before(2), 2U);
  EXPECT_EQ(rows.before(11), 5U);
  EXPECT_EQ(rows.epoch_of(9), 1U);
  EXPECT_EQ(rows.epoch_of(10), 10U);
  rows.remove(9);
  rows.remove(0);  // never logged
  EXPECT_EQ(rows.before(10), 1U);
  EXPECT_EQ(rows.before(11), 4U);
}

// Epochs that begin at random; rows logged and removed in any order, also into older epochs.
TEST(LoggedRows, AgreesWithAMapOfEveryRow) {
  std::mt19937_64 random(7);
  logged_rows rows;
  std::multimap<std::uint64_t, std::uint64_t> known;  // sequence of a row -> epoch
  std::vector<std::uint64_t> starts{1};
  std::uint64_t sequence = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 8 == 0) starts.push_back(sequence + 1);
    if (random() % 2 == 0) {
      const std::uint64_t count = random() % 4;
      sequence = std::max(sequence + 1, starts.back());
      rows.add(starts.back(), count);
      for (std::uint64_t i = 0; i < count; ++i) known.emplace(sequence, starts.back());
    } else if (!known.empty()) {
      const auto gone = known.lower_bound(random() % (sequence + 1));
      if (gone == known.end()) continue;
      ASSERT_EQ(rows.epoch_of(gone->first), gone->second);
      rows.remove(gone->first);
      if (random() % 4 == 0) {  // a row that thaws
        rows.add(gone->second);
      } else {
        known.erase(gone);
      }
    }
    const std::uint64_t bound = random() % (sequence + 2);
    std::uint64_t below = 0;
    for (const auto& [logged, epoch] : known) below += epoch < bound ? 1U : 0U;
    ASSERT_EQ(rows.before(bound), below) << "step " << step;
  }
}

}  // namespace
}  // namespace lentic::detail
