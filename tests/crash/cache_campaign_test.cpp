// SPDX-License-Identifier: Apache-2.0
// Seeded stories of a cached job and its crashes. LENTIC_CACHE_STORIES sets how many,
// LENTIC_CAMPAIGN_SEED where they begin.
#include "cache_story.hpp"

#include <lentic/testing/campaign.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>

namespace lentic::crash {
namespace {

TEST(CacheCampaign, NoCrashLosesSplitsOrUnchainsAChange) {
  const auto options =
      sim::campaign_from_environment("LENTIC_CAMPAIGN_SEED", "LENTIC_CACHE_STORIES", 1500);
  std::uint64_t changes = 0;
  const auto story = [&changes](std::uint64_t seed) { return run_cache_story(seed, changes); };
  const sim::campaign_report report = sim::run_campaign(options, story);
  ASSERT_EQ(report.failure, "");
  std::fprintf(stderr, "%s, %llu changes told\n", report.summary().c_str(),
               static_cast<unsigned long long>(changes));
}

}  // namespace
}  // namespace lentic::crash
