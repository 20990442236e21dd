// SPDX-License-Identifier: Apache-2.0
#pragma once

// "Did you mean": the known word nearest to one that is not known.
// Threads: pure functions. Complexity: O(sum of len(word) * len(candidate)); both are cut at 64.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lentic::tool {

// The candidate with the smallest distance (insert, erase, replace, or swap of neighbours, upper
// and lower case alike), if it is near enough to be a slip: a third of the word, at least 1. The
// first of several. The view points to the candidate's text.
std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates);

// `did you mean "origin"?`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// The text in double quotes, for a message.
std::string in_quotes(std::string_view text);

}  // namespace lentic::tool
