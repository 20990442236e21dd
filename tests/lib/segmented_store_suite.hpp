// SPDX-License-Identifier: Apache-2.0
#pragma once

// The conformance suite of segmented_store; see byte_store_suite.hpp for how it is used. What a
// segment does as a byte_store is tested there.

#include "store_shell.hpp"

#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>
#include <lentic/store/segmented_store.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {

using ids = std::vector<segment_id>;

template <class World>
class segmented_store_suite : public testing::Test {
 protected:
  segmented_store& store() { return world_.segments(); }
  store_shell shell(segment_id id) { return store_shell(world_.runtime(), store().segment(id)); }
  void settle() { world_.settle(); }
  void drop_below(segment_id id) { sync_wait(world_.runtime(), store().drop_below(id)); }
  ids all() { return store().segments(0, std::numeric_limits<segment_id>::max()); }

 private:
  World world_;
};

TYPED_TEST_SUITE_P(segmented_store_suite);

TYPED_TEST_P(segmented_store_suite, OneKeyLivesInTwoSegments) {
  this->shell(1).put("k", "one");
  this->shell(2).put("k", "two");
  this->settle();
  EXPECT_EQ(this->shell(1).get("k"), "one");
  EXPECT_EQ(this->shell(2).get("k"), "two");
  EXPECT_TRUE(this->shell(1).erase("k"));
  this->settle();
  EXPECT_EQ(this->shell(1).get("k"), std::nullopt);
  EXPECT_EQ(this->shell(2).get("k"), "two");
}

TYPED_TEST_P(segmented_store_suite, FindSegmentIsNullForOneNeverUsed) {
  EXPECT_EQ(this->store().find_segment(7), nullptr);
  this->shell(7).put("k", "v");
  this->settle();
  EXPECT_NE(this->store().find_segment(7), nullptr);
  EXPECT_EQ(this->store().find_segment(6), nullptr);
  EXPECT_EQ(this->store().find_segment(8), nullptr);
}

TYPED_TEST_P(segmented_store_suite, ListsAHalfOpenRangeInOrder) {
  const segment_id large = std::numeric_limits<segment_id>::max() - 1;
  for (const segment_id id : {large, segment_id{256}, segment_id{0}, segment_id{255}})
    this->shell(id).put("k", "v");
  this->settle();
  EXPECT_EQ(this->all(), (ids{0, 255, 256, large}));
  EXPECT_EQ(this->store().segments(0, 256), (ids{0, 255}));
  EXPECT_EQ(this->store().segments(255, 256), (ids{255}));
  EXPECT_EQ(this->store().segments(1, 255), ids());
  EXPECT_EQ(this->store().segments(300, 200), ids());
}

TYPED_TEST_P(segmented_store_suite, DropRemovesWhatIsBelow) {
  for (segment_id id = 1; id < 6; ++id) this->shell(id).put("k", "v");
  this->settle();
  this->drop_below(3);
  EXPECT_EQ(this->all(), (ids{3, 4, 5}));
  EXPECT_EQ(this->store().find_segment(2), nullptr);
  EXPECT_EQ(this->shell(3).get("k"), "v");
  this->settle();
  EXPECT_EQ(this->all(), (ids{3, 4, 5}));
}

TYPED_TEST_P(segmented_store_suite, SegmentsBelowTheFloorAreRefused) {
  EXPECT_EQ(this->store().drop_floor(), 0U);
  this->drop_below(3);
  EXPECT_EQ(this->store().drop_floor(), 3U);
  try {
    this->store().segment(2);
    FAIL() << "segment 2 was not refused";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
  }
  this->shell(3).put("k", "v");
}

TYPED_TEST_P(segmented_store_suite, FloorNeverFalls) {
  this->shell(5).put("k", "v");
  this->drop_below(4);
  this->drop_below(2);
  EXPECT_EQ(this->store().drop_floor(), 4U);
  EXPECT_EQ(this->shell(5).get("k"), "v");
}

TYPED_TEST_P(segmented_store_suite, LatePutsJoinTheRowsOfASealedSegment) {
  this->shell(1).put("a", "old");
  this->shell(1).put("b", "old");
  this->store().seal_hint(1);
  this->settle();
  this->shell(1).put("b", "late");
  this->shell(1).put("c", "late");
  EXPECT_EQ(this->shell(1).scan(), (text_rows{{"a", "old"}, {"b", "late"}, {"c", "late"}}));
  this->store().seal_hint(1);
  this->settle();
  EXPECT_EQ(this->shell(1).scan(), (text_rows{{"a", "old"}, {"b", "late"}, {"c", "late"}}));
}

TYPED_TEST_P(segmented_store_suite, SealHintIsHarmlessWhateverItNames) {
  this->store().seal_hint(9);
  this->shell(1).put("k", "v");
  this->store().seal_hint(1);
  this->store().seal_hint(1);
  this->settle();
  this->store().seal_hint(1);
  this->settle();
  EXPECT_EQ(this->store().find_segment(9), nullptr);
  EXPECT_EQ(this->shell(1).get("k"), "v");
}

TYPED_TEST_P(segmented_store_suite, ClearOfOneSegmentSparesTheOthers) {
  for (segment_id id = 1; id < 4; ++id) this->shell(id).put("k", "v");
  this->settle();
  this->shell(2).clear();
  this->settle();
  EXPECT_EQ(this->shell(1).get("k"), "v");
  EXPECT_EQ(this->shell(2).get("k"), std::nullopt);
  EXPECT_EQ(this->shell(3).get("k"), "v");
}

TYPED_TEST_P(segmented_store_suite, RandomOperationsAgreeWithMaps) {
  std::map<segment_id, std::map<std::string, std::string>> model;
  coro::sim_random random(11);
  for (int step = 0; step < 6000; ++step) {
    SCOPED_TRACE(testing::Message() << "seed 11, step " << step);
    const segment_id floor = this->store().drop_floor();
    const segment_id id = floor + random.below(6);
    const std::string key = numbered_text("k", random.below(25));
    const std::uint64_t dice = random.below(1000);
    if (dice < 550) {
      const std::string value(random.below(40), static_cast<char>('a' + random.below(26)));
      this->shell(id).put(key, value);
      model[id][key] = value;
    } else if (dice < 750) {
      ASSERT_EQ(this->shell(id).erase(key), model[id].erase(key) == 1);
    } else if (dice < 755) {
      this->shell(id).clear();
      model[id].clear();
    } else if (dice < 800) {
      this->store().seal_hint(id);
    } else if (dice < 810) {
      const segment_id below = floor + random.below(3);
      this->drop_below(below);
      model.erase(model.begin(), model.lower_bound(below));
    } else if (dice < 830) {
      this->settle();
      if (this->store().drop_floor() < floor) this->drop_below(floor);
    } else {
      ASSERT_EQ(this->shell(id).scan(), text_rows(model[id].begin(), model[id].end()));
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(segmented_store_suite, OneKeyLivesInTwoSegments,
                            FindSegmentIsNullForOneNeverUsed, ListsAHalfOpenRangeInOrder,
                            DropRemovesWhatIsBelow, SegmentsBelowTheFloorAreRefused,
                            FloorNeverFalls, LatePutsJoinTheRowsOfASealedSegment,
                            SealHintIsHarmlessWhateverItNames, ClearOfOneSegmentSparesTheOthers,
                            RandomOperationsAgreeWithMaps);

}  // namespace lentic::test
