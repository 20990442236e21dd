// SPDX-License-Identifier: Apache-2.0
#pragma once

// How much memory the machine has, whatever a control group leaves to the process: who runs in one
// says --memory. Threads: any. Errors: none.

#include <cstdint>

namespace lentic::tool {

// In bytes; 0 when nothing is known.
std::uint64_t machine_memory() noexcept;

// The memory budget of a run that was given none: half of it.
inline std::uint64_t default_memory_budget() noexcept {
  return machine_memory() / 2;
}

}  // namespace lentic::tool
