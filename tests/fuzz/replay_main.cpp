// SPDX-License-Identifier: Apache-2.0
// Drives a fuzz target without a fuzzing engine:
//
//   target_replay                      seeds, their truncations, random changes: a test
//   target_replay FILE...              those inputs, to look at one that failed
//   target_replay --write-seeds DIR    writes the seeds, to begin a corpus with
#include "fuzz_target.hpp"

#include <lentic/coro/sim_random.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace lentic::fuzz {
namespace {

constexpr int change_count = 50'000;

void run(bytes_view raw) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
}

// One to four changes: a flipped bit, another byte, a piece removed, a piece doubled.
bytes changed(bytes raw, coro::sim_random& random) {
  for (std::uint64_t left = 1 + random.below(4); left > 0 && !raw.empty(); --left) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(raw.size()));
    const auto rest = static_cast<std::uint64_t>(raw.end() - raw.begin() - at);
    const auto count = static_cast<std::ptrdiff_t>(1 + random.below(rest < 16 ? rest : 16));
    std::byte& here = raw[static_cast<std::size_t>(at)];
    switch (random.below(4)) {
      case 0:
        here ^= static_cast<std::byte>(1U << random.below(8));
        break;
      case 1:
        here = static_cast<std::byte>(random.below(256));
        break;
      case 2:
        raw.erase(raw.begin() + at, raw.begin() + at + count);
        break;
      default: {
        const bytes piece(raw.begin() + at, raw.begin() + at + count);
        raw.insert(raw.begin() + at, piece.begin(), piece.end());
      }
    }
  }
  return raw;
}

void replay_all() {
  const std::vector<bytes> corpus = seeds();
  for (const bytes& seed : corpus) {
    for (std::size_t size = 0; size <= seed.size(); ++size) run(bytes_view(seed).first(size));
  }
  coro::sim_random random(1);
  for (int n = 0; n < change_count; ++n) run(changed(corpus[random.below(corpus.size())], random));
}

void replay_file(const std::string& path) {
  std::ifstream from(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
  run(as_bytes(text));
}

bool write_seeds(const std::string& directory) {
  int number = 0;
  for (const bytes& seed : seeds()) {
    std::ofstream to(directory + "/seed-" + std::to_string(++number), std::ios::binary);
    to << as_text(seed);
    if (!to.flush()) return false;
  }
  return true;
}

}  // namespace
}  // namespace lentic::fuzz

int main(int count, char** arguments) {
  using namespace lentic::fuzz;
  if (count == 1) {
    replay_all();
    return 0;
  }
  if (std::string_view(arguments[1]) == "--write-seeds") {
    if (count == 3 && write_seeds(arguments[2])) return 0;
    std::fputs("cannot write the seeds: --write-seeds takes an existing directory\n", stderr);
    return 1;
  }
  for (int n = 1; n < count; ++n) replay_file(arguments[n]);
  return 0;
}
