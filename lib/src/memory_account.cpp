// SPDX-License-Identifier: Apache-2.0
#include <lentic/memory_account.hpp>

#include <algorithm>

namespace lentic {

const char* to_text(memory_holder which) noexcept {
  switch (which) {
    case memory_holder::rows:
      return "young rows";
    case memory_holder::frozen_rows:
      return "rows being sealed";
    case memory_holder::uncommitted:
      return "uncommitted rows";
    case memory_holder::frames:
      return "frames";
    case memory_holder::outbox:
      return "outbox";
    case memory_holder::runs:
      return "run indexes";
    case memory_holder::seals:
      return "seals";
    case memory_holder::caches:
      return "caches";
    case memory_holder::blocks:
      return "blocks";
    case memory_holder::snapshots:
      return "snapshots";
  }
  return "unknown";
}

std::string memory_account::describe() const {
  std::vector<std::pair<std::uint64_t, memory_holder>> holders;
  for (std::size_t i = 0; i < memory_holder_count; ++i) {
    if (held_[i] != 0) holders.emplace_back(held_[i], static_cast<memory_holder>(i));
  }
  std::sort(holders.begin(), holders.end(), std::greater<>());
  std::string text = std::to_string(bytes_) + " of " + std::to_string(budget_) + " bytes";
  const char* before = ": ";
  for (const auto& [bytes, holder] : holders) {
    text.append(before).append(to_text(holder)).append(" ").append(std::to_string(bytes));
    before = ", ";
  }
  return text;
}

std::uint64_t memory_account::collect(const std::vector<memory_donor*>& donors,
                                      std::uint64_t wanted) noexcept {
  std::uint64_t given = 0;
  for (memory_donor* const each : donors) {
    if (given >= wanted) break;
    given += each->give_up(wanted - given);
  }
  return given;
}

}  // namespace lentic
