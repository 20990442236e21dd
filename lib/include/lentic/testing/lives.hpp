// SPDX-License-Identifier: Apache-2.0
#pragma once

// lives: several processes, one after the other, over one simulated disk, all drawn from a seed:
// the model of the disk, the sizes of journal files, the faults, and how each life ends. The last
// one is not struck. Equal seeds and equal jobs give equal traces. Part of lentic-testing;
// story.hpp is the same for those who test a topology.
//
// Threads: one. Not promised: the same draws in another version of lentic or with another compiler.

#include <lentic/coro/sim_random.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>

#include <cstdint>
#include <functional>

namespace lentic::sim {

enum class ending : std::uint8_t {
  close,      // lives through, unless the power is cut before
  power_cut,  // at an operation, else at the end
  kill,       // the same; what was written survives in the cache of the disk
  failure,    // one operation answers EIO or ENOSPC; what the job throws then is its end
};

// How often a life ends so, of their sum. The last one always closes.
struct ending_odds {
  unsigned close = 2;
  unsigned power_cut = 6;
  unsigned kill = 2;
  unsigned failure = 0;
};

struct lives_options {
  unsigned crashes_min = 2;  // lives before the last one
  unsigned crashes_max = 5;
  ending_odds odds;
  unsigned faulty_permille = 250;  // lives whose reads and writes are short, interrupted, refused
};

// Options of an environment in "state" whose journal files are as small as they can be, so that a
// short story sees many of them come and go.
environment_options small_files(std::uint64_t file_bytes, std::uint64_t growth_bytes);

class life {
 public:
  life(coro::sim_runtime& runtime, coro::sim_random& random, environment_options options,
       ending how, bool last) noexcept;

  coro::sim_runtime& runtime() const noexcept { return *runtime_; }
  coro::sim_engine& engine() const noexcept { return runtime_->engine(); }
  // For choices of the job: part of the story.
  coro::sim_random& random() const noexcept { return *random_; }
  // Equal in all lives of a story.
  const environment_options& options() const noexcept { return options_; }
  bool is_last() const noexcept { return last_; }
  ending how() const noexcept { return how_; }

  // Draws the operation at which this life is struck from about the next `operations`, now and then
  // from the first 40, which are those of its recovery. No effect on the last life.
  void strike_within(std::uint64_t operations);
  // Whether an error of the job is due to the harness: it crashed, or the operation failed.
  bool is_struck() const noexcept;
  // The power cut or kill of a life that came to its end.
  void strike_now();

 private:
  coro::sim_runtime* runtime_;
  coro::sim_random* random_;
  environment_options options_;
  std::uint64_t strike_at_ = ~std::uint64_t{0};
  ending how_;
  bool last_;
};

struct lives_outcome {
  std::uint64_t power_cuts = 0;
  std::uint64_t kills = 0;
  std::uint64_t failures = 0;
  std::uint64_t trace = 0;  // over every completion of every life, and the bytes on the disk
};

// Calls `live` for each life until it answers false, which ends the story.
lives_outcome run_lives(std::uint64_t seed, const lives_options& options,
                        const std::function<bool(life&)>& live);

}  // namespace lentic::sim
