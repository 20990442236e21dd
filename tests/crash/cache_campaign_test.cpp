// SPDX-License-Identifier: Apache-2.0
// Seeded stories of a cached job and its crashes. LENTIC_CACHE_STORIES sets how many,
// LENTIC_CAMPAIGN_SEED where they begin.
#include "cache_story.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace lentic::crash {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(CacheCampaign, NoCrashLosesSplitsOrUnchainsAChange) {
  const std::uint64_t first = from_environment("LENTIC_CAMPAIGN_SEED", 1);
  const std::uint64_t stories = from_environment("LENTIC_CACHE_STORIES", 1500);
  std::uint64_t changes = 0;
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = first; seed < first + stories; ++seed) {
    const cache_story_outcome outcome = run_cache_story(seed);
    ASSERT_EQ(outcome.failure, "")
        << "seed " << seed << "; again: LENTIC_CAMPAIGN_SEED=" << seed << " LENTIC_CACHE_STORIES=1";
    changes += outcome.changes;
    crashes += outcome.crashes;
  }
  const std::string summary = std::to_string(stories) + " stories, " + std::to_string(crashes)
                            + " crashes, " + std::to_string(changes) + " changes told";
  std::fprintf(stderr, "%s\n", summary.c_str());
}

}  // namespace
}  // namespace lentic::crash
