// SPDX-License-Identifier: Apache-2.0
#include "cache_story.hpp"

#include "cache_life.hpp"

namespace lentic::crash {

namespace {

// Without faults: the store below the cache has its own.
sim::lives_options cache_lives() {
  sim::lives_options options;
  options.crashes_min = 3;
  options.crashes_max = 6;
  options.odds = {0, 6, 4, 0};
  options.faulty_permille = 0;
  return options;
}

}  // namespace

sim::story_outcome run_cache_story(std::uint64_t seed, std::uint64_t& changes) {
  cache_world world;
  world.seed = seed;
  world.mode = seed % 2 == 0 ? caching::kafka : caching::fused;
  if (seed / 6 % 2 == 1) world.rows = window_rows_in::young_tables;
  const std::uint64_t budgets[] = {0, 150, std::uint64_t{1} << 30};
  world.budget = budgets[seed / 2 % 3];
  const auto live = [&world](sim::life& now) {
    world.options = now.options();
    const std::uint64_t steps = now.is_last() ? 0 : 20 + now.random().below(120);
    now.strike_within(steps / 2 + 20);
    cache_life one(now.runtime(), world, now.random().next());
    one.run(steps);
    return world.failure.empty();
  };
  sim::story_outcome outcome;
  outcome.lives = sim::run_lives(seed, cache_lives(), live);
  outcome.trace = outcome.lives.trace;
  outcome.failure = world.failure;
  changes += world.changes;
  return outcome;
}

}  // namespace lentic::crash
