// SPDX-License-Identifier: Apache-2.0
#include "suggest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace lentic::tool {
namespace {

constexpr std::array<std::string_view, 5> columns{"scheduled", "delay", "distance", "origin",
                                                  "destination"};

TEST(Suggest, FindsTheColumnBehindATypingError) {
  EXPECT_EQ(closest("orign", columns), "origin");
  EXPECT_EQ(closest("dealy", columns), "delay");
  EXPECT_EQ(closest("destinatoin", columns), "destination");
}

TEST(Suggest, IgnoresCase) {
  EXPECT_EQ(closest("ORIGIN", columns), "origin");
}

TEST(Suggest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(closest("carrier", columns), std::nullopt);
  EXPECT_EQ(closest("", columns), std::nullopt);
  EXPECT_EQ(did_you_mean("carrier", columns), "");
}

TEST(Suggest, DoesNotOfferAWordOfWhichNothingIsLeft) {
  constexpr std::array<std::string_view, 1> one{"a"};
  EXPECT_EQ(closest("b", one), std::nullopt);
}

TEST(Suggest, TakesTheNearestOfSeveral) {
  constexpr std::array<std::string_view, 2> near{"--grade", "--grace"};
  EXPECT_EQ(closest("--grcae", near), "--grace");
}

TEST(Suggest, LongWordsAreCutNotRead) {
  const std::string endless(1'000'000, 'x');
  EXPECT_EQ(closest(endless, columns), std::nullopt);
}

TEST(Suggest, AsksInOneSentence) {
  EXPECT_EQ(did_you_mean("orign", columns), "did you mean \"origin\"?");
}

}  // namespace
}  // namespace lentic::tool
