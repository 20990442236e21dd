// SPDX-License-Identifier: Apache-2.0
#include "suggest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace lentic::tool {

namespace {

constexpr std::size_t length_max = 64;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optimal string alignment distance: Levenshtein plus the swap of two neighbours.
std::size_t distance(std::string_view left, std::string_view right) {
  left = left.substr(0, length_max);
  right = right.substr(0, length_max);
  using row = std::array<std::size_t, length_max + 1>;
  row before{};
  row above{};
  row now{};
  for (std::size_t j = 0; j <= right.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const bool same = lower(left[i - 1]) == lower(right[j - 1]);
      now[j] = std::min({above[j] + 1, now[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(left[i - 1]) == lower(right[j - 2])
                        && lower(left[i - 2]) == lower(right[j - 1]);
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = above;
    above = now;
  }
  return above[right.size()];
}

}  // namespace

std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t steps = distance(word, candidate);
    if (steps >= best_distance || steps >= candidate.size()) continue;
    best = candidate;
    best_distance = steps;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::optional<std::string_view> best = closest(word, candidates);
  if (!best) return {};
  return std::string("did you mean \"").append(*best).append("\"?");
}

std::string in_quotes(std::string_view text) {
  return std::string("\"").append(text).append("\"");
}

}  // namespace lentic::tool
