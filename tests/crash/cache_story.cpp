// SPDX-License-Identifier: Apache-2.0
#include "cache_story.hpp"

#include "cache_life.hpp"
#include "story.hpp"

namespace lentic::crash {

using coro::sim_disk;
using coro::sim_disk_options;
using coro::sim_random;
using coro::sim_runtime;

cache_story_outcome run_cache_story(std::uint64_t seed) {
  sim_random random(seed);
  sim_disk disk(random.next(), sim_disk_options::drawn(seed));
  cache_world world;
  world.seed = seed;
  world.mode = seed % 2 == 0 ? caching::kafka : caching::fused;
  if (seed / 6 % 2 == 1) world.rows = window_rows_in::young_tables;
  const std::uint64_t budgets[] = {0, 150, std::uint64_t{1} << 30};
  world.budget = budgets[seed / 2 % 3];
  world.options = small_files((8 + random.below(9)) * 4096, (1 + random.below(4)) * 4096);
  cache_story_outcome outcome;
  const std::uint64_t lives = 3 + random.below(4);
  for (std::uint64_t i = 0; i <= lives && world.failure.empty(); ++i) {
    const std::uint64_t steps = i == lives ? 0 : 20 + random.below(120);
    sim_runtime runtime(disk, random.next());
    const std::uint64_t at = 1 + random.below(steps / 2 + 20);
    const bool killed = random.chance(400);
    if (i != lives && killed) runtime.engine().kill_at(at);
    if (i != lives && !killed) runtime.engine().cut_power_at(at);
    cache_life one(runtime, world, random.next());
    one.run(steps);
    if (runtime.engine().is_off()) ++outcome.crashes;
  }
  outcome.failure = world.failure;
  outcome.changes = world.changes;
  return outcome;
}

}  // namespace lentic::crash
