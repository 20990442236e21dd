// SPDX-License-Identifier: Apache-2.0
#include "story.hpp"

#include <lentic/coro/sim_random.hpp>

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace lentic::crash {

using coro::sim_random;

namespace {

constexpr unsigned keys = 14;
constexpr unsigned live_segments = 5;

// How often each act occurs, of the sum.
constexpr std::array<std::pair<act, unsigned>, 13> odds{{
    {act::put, 44},
    {act::erase, 8},
    {act::clear, 1},
    {act::seal, 5},
    {act::drop, 2},
    {act::position, 4},
    {act::output, 5},
    {act::acknowledge, 4},
    {act::cut, 8},
    {act::commit, 12},
    {act::rest, 5},
    {act::read, 4},
    {act::compact, 1},
}};

act draw_act(sim_random& random) {
  unsigned sum = 0;
  for (const auto& [what, weight] : odds) sum += weight;
  auto left = static_cast<unsigned>(random.below(sum));
  for (const auto& [what, weight] : odds) {
    if (left < weight) return what;
    left -= weight;
  }
  return act::rest;
}

unsigned draw_bytes(sim_random& random) {
  const bool large = random.chance(100);
  return static_cast<unsigned>(random.below(large ? 6000 : 250));
}

step draw_step(sim_random& random) {
  step next;
  next.what = draw_act(random);
  next.store = static_cast<unsigned>(random.below(store_names.size()));
  next.key = static_cast<unsigned>(random.below(keys));
  next.bytes = draw_bytes(random);
  if (next.store != 0) next.segment = static_cast<unsigned>(random.below(live_segments));
  if (next.what == act::drop) {  // a byte store is segment 0, and stays
    next.store = next.store == 0 ? 1 : next.store;
    next.segment = 1 + next.segment / 3;
  }
  return next;
}

// Half of the stories are of one level, the others mix them.
durability draw_level(sim_random& random) {
  return static_cast<durability>(random.below(3));
}

std::vector<step> draw_steps(sim_random& random, std::optional<durability> level) {
  std::vector<step> steps(20 + random.below(140));
  for (step& each : steps) {
    each = draw_step(random);
    each.level = level ? *level : draw_level(random);
  }
  return steps;
}

}  // namespace

story_outcome run_story(std::uint64_t seed) {
  model known;
  story_outcome outcome;
  sim_random chooser(seed);
  std::optional<durability> level;
  if (chooser.chance(500)) level = draw_level(chooser);
  const auto live = [&](sim::life& now) {
    std::vector<step> steps;
    if (!now.is_last()) steps = draw_steps(now.random(), level);
    now.strike_within(3 * steps.size());
    environment_options options = now.options();
    if (level) options.commit_level = *level;
    life one(now.runtime(), known, options);
    one.run(steps, now.how());
    outcome.failure = one.failure();
    return outcome.failure.empty();
  };
  outcome.lives = sim::run_lives(seed, {}, live);
  outcome.trace = outcome.lives.trace;
  return outcome;
}

}  // namespace lentic::crash
