// SPDX-License-Identifier: Apache-2.0
// Thousands of seeded stories of an environment and its crashes. LENTIC_CAMPAIGN_STORIES sets how
// many, LENTIC_CAMPAIGN_SEED where they begin: a failure names both for its repetition.
#include "story.hpp"

#include <lentic/testing/campaign.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace lentic::crash {
namespace {

using sim::campaign_from_environment;
using sim::campaign_report;
using sim::run_campaign;

TEST(CrashCampaign, NoCrashLosesSplitsOrChangesACommit) {
  auto options = campaign_from_environment("LENTIC_CAMPAIGN_SEED", "LENTIC_CAMPAIGN_STORIES", 6000);
  options.twice_every = 0;
  const campaign_report report = run_campaign(options, run_story);
  ASSERT_EQ(report.failure, "");
  std::fprintf(stderr, "%s\n", report.summary().c_str());
}

TEST(CrashCampaign, EqualSeedsGiveEqualTraces) {
  auto options = campaign_from_environment("LENTIC_CAMPAIGN_SEED", "LENTIC_CAMPAIGN_STORIES", 1000);
  options.stories = std::min<std::uint64_t>(options.stories, 1000);
  options.twice_every = 1;
  ASSERT_EQ(run_campaign(options, run_story).failure, "");
}

}  // namespace
}  // namespace lentic::crash
