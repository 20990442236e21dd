// SPDX-License-Identifier: Apache-2.0
// Thousands of seeded stories of an environment and its crashes. LENTIC_CAMPAIGN_STORIES sets how
// many, LENTIC_CAMPAIGN_SEED where they begin: a failure names both for its repetition.
#include "story.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
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

std::string again(std::uint64_t seed) {
  return "seed " + std::to_string(seed) + "; again: LENTIC_CAMPAIGN_SEED=" + std::to_string(seed)
       + " LENTIC_CAMPAIGN_STORIES=1";
}

// An assertion of the library ends the process: the seed is said then, too.
std::atomic<std::uint64_t> seed_now{0};

void say_seed(int) {
  const std::uint64_t seed = seed_now.load(std::memory_order_relaxed);  // one thread: no partner
  std::fprintf(stderr, "aborted at %s\n", again(seed).c_str());
}

TEST(CrashCampaign, NoCrashLosesSplitsOrChangesACommit) {
  const std::uint64_t first = from_environment("LENTIC_CAMPAIGN_SEED", 1);
  const std::uint64_t stories = from_environment("LENTIC_CAMPAIGN_STORIES", 6000);
  std::uint64_t power_cuts = 0;
  std::uint64_t kills = 0;
  std::signal(SIGABRT, say_seed);
  for (std::uint64_t seed = first; seed < first + stories; ++seed) {
    seed_now.store(seed, std::memory_order_relaxed);
    const story_outcome outcome = run_story(seed);
    ASSERT_EQ(outcome.failure, "") << again(seed);
    power_cuts += outcome.power_cuts;
    kills += outcome.kills;
  }
  const std::string summary = std::to_string(stories) + " stories, " + std::to_string(power_cuts)
                            + " power cuts, " + std::to_string(kills) + " kills";
  std::fprintf(stderr, "%s\n", summary.c_str());
}

TEST(CrashCampaign, EqualSeedsGiveEqualTraces) {
  const std::uint64_t first = from_environment("LENTIC_CAMPAIGN_SEED", 1);
  const std::uint64_t stories = from_environment("LENTIC_CAMPAIGN_STORIES", 1000);
  for (std::uint64_t seed = first; seed < first + stories && seed < first + 1000; ++seed)
    ASSERT_EQ(run_story(seed).trace, run_story(seed).trace) << again(seed);
}

}  // namespace
}  // namespace lentic::crash
