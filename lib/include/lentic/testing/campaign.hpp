// SPDX-License-Identifier: Apache-2.0
#pragma once

// campaign: many stories, one seed after the other, until one is broken. Its report says which, and
// how to see it again. Some stories run twice: equal seeds must give equal traces.
//
// Threads: one. While it runs, SIGABRT (an assertion) writes the seed to standard error first.

#include <lentic/testing/story.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace lentic::sim {

struct campaign_options {
  std::uint64_t first_seed = 1;
  std::uint64_t stories = 1000;
  std::uint64_t twice_every = 20;  // each so many runs twice; 0: none
  // How to run one story alone, by its seed.
  std::function<std::string(std::uint64_t)> again;
};

// From the variables of the process's environment: where to begin, and how many.
campaign_options campaign_from_environment(const char* seed_variable, const char* stories_variable,
                                           std::uint64_t stories);
// From `PROGRAM [--seed N] [--stories N]`. Throws std::invalid_argument with a text for its user.
campaign_options campaign_from_arguments(int count, const char* const* values,
                                         std::uint64_t stories);

struct campaign_report {
  std::string failure;  // empty, or what is broken, the seed, and how to run it again
  std::uint64_t stories = 0;
  lives_outcome lives;  // sums; the trace is over all stories
  std::uint64_t repeated = 0;

  // "1000 stories, 2512 power cuts, 980 kills, 701 failed operations, 3010 outputs repeated, trace
  // 0123456789abcdef"
  std::string summary() const;
};

campaign_report run_campaign(const campaign_options& options,
                             const std::function<story_outcome(std::uint64_t)>& story);
campaign_report run_campaign(const campaign_options& options, job& work);

}  // namespace lentic::sim
