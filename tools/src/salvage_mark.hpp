// SPDX-License-Identifier: Apache-2.0
#pragma once

// The mark of a state that was salvaged and is not exactly one commit: sealed rows are newer than
// the rest. It can be read; a run that went on from it would count rows twice. Kept as a source
// position, so that every copy of the state has it. Threads: the environment's owner.

#include <lentic/environment.hpp>

#include <optional>
#include <string>

namespace lentic::tool {

inline constexpr const char* salvage_mark = "lentic salvage";

// "of commit 109, with sealed rows of commits up to 120"; none for a state without the mark.
inline std::optional<std::string> salvaged_mixture(const environment& env) {
  const std::optional<bytes> mark = env.position(salvage_mark);
  if (!mark) return std::nullopt;
  return std::string(as_text(*mark));
}

}  // namespace lentic::tool
