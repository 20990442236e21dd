// SPDX-License-Identifier: Apache-2.0
#pragma once

// sim_random: the simulator's source of chance: splitmix64 (Steele, Lea, Flood, "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014), whose stream is the same on every platform, which
// the distributions of <random> do not promise.
//
// Threads: a plain value. Not for secrets, not for statistics.

#include <cstdint>

namespace lentic::coro {

class sim_random {
 public:
  explicit sim_random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // A number in [0, bound); 0 when bound is 0. The bias of the remainder does not matter here.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
  // True in `permille` of 1,000 cases. 0 draws nothing, so a fault that is off costs no randomness.
  bool chance(unsigned permille) noexcept { return permille != 0 && below(1000) < permille; }

 private:
  std::uint64_t state_;
};

}  // namespace lentic::coro
