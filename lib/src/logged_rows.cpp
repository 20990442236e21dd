// SPDX-License-Identifier: Apache-2.0
#include "logged_rows.hpp"

#include <algorithm>
#include <cassert>

namespace lentic::detail {

// Of the last epoch that began at or before that commit; the newest are asked for most.
std::size_t logged_rows::index_of(std::uint64_t sequence) const noexcept {
  std::size_t at = epochs_.size();
  while (at > 0 && epochs_[at - 1].start > sequence) --at;
  assert(at > 0 && "no row of that commit is counted");
  return at - 1;
}

void logged_rows::add(std::uint64_t start, std::uint64_t rows) {
  if (rows == 0) return;
  if (epochs_.empty() || epochs_.back().start < start) {
    std::erase_if(epochs_, [](const auto& each) { return each.rows == 0; });
    epochs_.push_back({start, rows});
    return;
  }
  const auto at = std::lower_bound(epochs_.begin(), epochs_.end(), start,
                                   [](const auto& each, auto from) { return each.start < from; });
  if (at->start == start) {
    at->rows += rows;
  } else {
    epochs_.insert(at, {start, rows});
  }
}

void logged_rows::remove(std::uint64_t sequence) noexcept {
  if (sequence == 0) return;
  epoch& from = epochs_[index_of(sequence)];
  assert(from.rows > 0);
  --from.rows;
}

std::uint64_t logged_rows::epoch_of(std::uint64_t sequence) const noexcept {
  return epochs_[index_of(sequence)].start;
}

std::uint64_t logged_rows::before(std::uint64_t sequence) const noexcept {
  std::uint64_t rows = 0;
  for (const epoch& each : epochs_) {
    if (each.start < sequence) rows += each.rows;
  }
  return rows;
}

std::uint64_t logged_rows::newest() const noexcept {
  for (std::size_t at = epochs_.size(); at > 0; --at) {
    if (epochs_[at - 1].rows != 0) return epochs_[at - 1].start;
  }
  return 0;
}

}  // namespace lentic::detail
