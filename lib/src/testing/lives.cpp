// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/sim_disk.hpp>
#include <lentic/testing/lives.hpp>

#include <cerrno>
#include <utility>

namespace lentic::sim {

using coro::sim_disk;
using coro::sim_disk_options;
using coro::sim_random;
using coro::sim_runtime;
using coro::sim_runtime_options;

namespace {

constexpr unsigned early_permille = 150;
constexpr std::uint64_t early_operations = 40;
constexpr std::uint64_t page = 4096;

ending draw_ending(sim_random& random, const ending_odds& odds) {
  std::uint64_t left = random.below(odds.close + odds.power_cut + odds.kill + odds.failure);
  if (left < odds.close) return ending::close;
  left -= odds.close;
  if (left < odds.power_cut) return ending::power_cut;
  return left - odds.power_cut < odds.kill ? ending::kill : ending::failure;
}

sim_runtime_options draw_faults(sim_random& random, unsigned permille) {
  sim_runtime_options options;
  if (!random.chance(permille)) return options;
  options.faults.short_permille = 100;
  options.faults.interrupted_permille = 50;
  options.faults.again_permille = 50;
  return options;
}

void count(lives_outcome& outcome, const life& lived) {
  if (lived.how() == ending::failure) {
    outcome.failures += lived.is_struck() ? 1U : 0U;
  } else if (lived.engine().is_off()) {
    ++(lived.how() == ending::kill ? outcome.kills : outcome.power_cuts);
  }
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

life::life(sim_runtime& runtime, sim_random& random, environment_options options, ending how,
           bool last) noexcept
    : runtime_(&runtime), random_(&random), options_(std::move(options)), how_(how), last_(last) {}

void life::strike_within(std::uint64_t operations) {
  if (last_) return;
  const bool early = random_->chance(early_permille);
  strike_at_ = engine().operations() + 1 + random_->below(early ? early_operations : operations);
  if (how_ == ending::kill) {
    engine().kill_at(strike_at_);
  } else if (how_ == ending::failure) {
    engine().fail_operation(strike_at_, random_->chance(500) ? EIO : ENOSPC);
  } else {
    engine().cut_power_at(strike_at_);
  }
}

bool life::is_struck() const noexcept {
  return how_ == ending::failure ? engine().operations() >= strike_at_ : engine().is_off();
}

void life::strike_now() {
  if (how_ == ending::power_cut) engine().cut_power();
  if (how_ == ending::kill) engine().kill();
}

lives_outcome run_lives(std::uint64_t seed, const lives_options& options,
                        const std::function<bool(life&)>& live) {
  sim_random random(seed);
  sim_disk disk(random.next(), sim_disk_options::drawn(seed));
  const std::uint64_t file_bytes = (8 + random.below(9)) * page;
  const std::uint64_t growth_bytes = (1 + random.below(4)) * page;
  const environment_options files = small_files(file_bytes, growth_bytes);
  const std::uint64_t spread = options.crashes_max - options.crashes_min + 1;
  const std::uint64_t crashes = options.crashes_min + random.below(spread);
  lives_outcome outcome;
  bool goes_on = true;
  for (std::uint64_t i = 0; i <= crashes && goes_on; ++i) {
    const bool last = i == crashes;
    const ending how = last ? ending::close : draw_ending(random, options.odds);
    const sim_runtime_options faults = draw_faults(random, options.faulty_permille);
    sim_runtime runtime(disk, random.next(), faults);
    life now(runtime, random, files, how, last);
    goes_on = live(now);
    outcome.trace = outcome.trace * 31 + runtime.trace_hash();
    count(outcome, now);
  }
  outcome.trace ^= disk.image_hash();
  return outcome;
}

}  // namespace lentic::sim
