// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names of the numbered files of a state directory: PREFIX + decimal number + SUFFIX, without
// leading zeros, so that a number has one name. Pure functions; any thread.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lentic::detail {

inline std::optional<std::uint64_t> numbered(std::string_view name, std::string_view prefix,
                                             std::string_view suffix) {
  if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix)
      || !name.ends_with(suffix))
    return std::nullopt;
  name.remove_prefix(prefix.size());
  name.remove_suffix(suffix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (std::to_string(number) != name) return std::nullopt;
  return number;
}

}  // namespace lentic::detail
