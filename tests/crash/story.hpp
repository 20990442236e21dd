// SPDX-License-Identifier: Apache-2.0
#pragma once

// story: several lives of an environment with stores, positions and an outbox, over one simulated
// disk, drawn from a seed: what lives.hpp draws, and the steps. Equal seeds give equal stories.
// Threads: one.

#include "life.hpp"

#include <lentic/testing/story.hpp>

#include <cstdint>

namespace lentic::crash {

using sim::small_files;
using sim::story_outcome;

story_outcome run_story(std::uint64_t seed);

}  // namespace lentic::crash
