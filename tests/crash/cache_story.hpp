// SPDX-License-Identifier: Apache-2.0
#pragma once

// cache_story: a job over environment, caching_window_store and outbox that dies again and again,
// drawn from a seed: the mode, the budget, the records, the faults, the crashes. It takes records
// in order, tells the changes of its flushes into the outbox, commits with its position, and
// delivers to a sink that outlives it, at least once: batches come again with the number they had.
//
// After each crash: the position is one that was committed and not older than what was promised;
// the windows are those of the records up to it; over what the sink and the outbox hold, each old
// value is the new value told before it, and the last told of each window, expired or not,
// is the one that the records leave.
// Threads: one.

#include <lentic/testing/story.hpp>

#include <cstdint>

namespace lentic::crash {

// Adds the changes that were told to `changes`.
sim::story_outcome run_cache_story(std::uint64_t seed, std::uint64_t& changes);

}  // namespace lentic::crash
