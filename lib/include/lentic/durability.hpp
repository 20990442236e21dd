// SPDX-License-Identifier: Apache-2.0
#pragma once

// durability: what has to have happened to a commit before it counts as landed. The levels are in
// order: what holds for one holds for those before it. docs/guarantees.md says what each survives.
//
// Plain values: any thread, no errors.

#include <cstdint>

namespace lentic {

enum class durability : std::uint8_t {
  cached,  // it is in the stores in memory; written with a later commit, or when a MiB has gathered
  logged,  // its frame was written: it survives the end of the process, not a power cut
  synced,  // the fdatasync after that completed: it survives a power cut
};

}  // namespace lentic
