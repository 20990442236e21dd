// SPDX-License-Identifier: Apache-2.0
#pragma once

// hash64: XXH3, 64 bits, seed 0, through the packaged xxHash (stable since its 0.8.0). On disk, in
// the filters of runs: never change. Not for secrets: who chooses keys can make them collide.
// Pure function; any thread. hash64("") = 2d06800538d394c2.

#include <lentic/bytes.hpp>

#include <cstdint>

#include <xxhash.h>

namespace lentic::detail {

// O(n).
inline std::uint64_t hash64(bytes_view data) noexcept {
  return XXH3_64bits(data.data(), data.size());
}

}  // namespace lentic::detail
