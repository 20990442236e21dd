// SPDX-License-Identifier: Apache-2.0
#include "story.hpp"

#include <lentic/coro/sim_random.hpp>

#include <array>
#include <optional>
#include <utility>

namespace lentic::crash {

using coro::sim_disk;
using coro::sim_disk_options;
using coro::sim_random;
using coro::sim_runtime;
using coro::sim_runtime_options;

namespace {

constexpr unsigned keys = 14;
constexpr unsigned live_segments = 5;

// How often each act occurs, of the sum.
constexpr std::array<std::pair<act, unsigned>, 12> odds{{
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

sim_runtime_options draw_faults(sim_random& random) {
  sim_runtime_options options;
  if (!random.chance(250)) return options;
  options.faults.short_permille = 100;
  options.faults.interrupted_permille = 50;
  options.faults.again_permille = 50;
  return options;
}

// Most crashes come at any operation, some of them while the state is recovered.
void draw_crash(sim_random& random, coro::sim_engine& engine, std::size_t steps, ending how) {
  const std::uint64_t at = 1 + random.below(random.chance(150) ? 40 : 3 * steps);
  if (how == ending::kill) {
    engine.kill_at(at);
  } else {
    engine.cut_power_at(at);
  }
}

// Of a life that lived through all of its steps. Its earlier crash is of the same kind.
ending draw_ending(sim_random& random) {
  const std::uint64_t drawn = random.below(10);
  return drawn < 2 ? ending::close : drawn < 8 ? ending::power_cut : ending::kill;
}

}  // namespace

environment_options small_files(std::uint64_t file_bytes, std::uint64_t growth_bytes) {
  environment_options options;
  options.directory = "state";
  options.journal_file_bytes_max = file_bytes;
  options.journal_growth_bytes = growth_bytes;
  options.journal_bytes_kept = 2 * file_bytes;
  return options;
}

story_outcome run_story(std::uint64_t seed) {
  sim_random random(seed);
  sim_disk disk(random.next(), sim_disk_options::drawn(seed));
  const std::uint64_t file_bytes = (8 + random.below(9)) * 4096;
  environment_options options = small_files(file_bytes, (1 + random.below(4)) * 4096);
  std::optional<durability> level;
  if (random.chance(500)) options.commit_level = *(level = draw_level(random));
  model known;
  story_outcome outcome;
  const std::uint64_t crashes = 2 + random.below(4);
  for (std::uint64_t i = 0; i <= crashes && outcome.failure.empty(); ++i) {
    const bool last = i == crashes;
    sim_runtime runtime(disk, random.next(), draw_faults(random));
    const std::vector<step> steps = last ? std::vector<step>() : draw_steps(random, level);
    const ending how = last ? ending::close : draw_ending(random);
    if (!last) draw_crash(random, runtime.engine(), steps.size(), how);
    life one(runtime, known, options);
    one.run(steps, how);
    outcome.failure = one.failure();
    outcome.trace = outcome.trace * 31 + runtime.trace_hash();
    if (!runtime.engine().is_off()) continue;
    ++(how == ending::kill ? outcome.kills : outcome.power_cuts);
  }
  outcome.trace ^= disk.image_hash();
  return outcome;
}

}  // namespace lentic::crash
