// SPDX-License-Identifier: Apache-2.0
#pragma once

// story: several lives over one simulated disk, drawn from a seed: the model of the disk, the sizes
// of journal files, the steps, the faults, the crashes. Equal seeds give equal stories.
// Threads: one.

#include "life.hpp"

#include <cstdint>
#include <string>

namespace lentic::crash {

struct story_outcome {
  std::string failure;  // empty when all promises held
  unsigned power_cuts = 0;
  unsigned kills = 0;
  std::uint64_t trace = 0;  // over every completion of every life, and the bytes on the disk
};

story_outcome run_story(std::uint64_t seed);

// Options of an environment whose journal files are as small as they can be.
environment_options small_files(std::uint64_t file_bytes, std::uint64_t growth_bytes);

}  // namespace lentic::crash
