// SPDX-License-Identifier: Apache-2.0
#include "entry_order.hpp"

#include <iterator>

namespace lentic::detail {

void entry_order::add(entry_index index) noexcept {
  entry_node& node = (*table_)[index];
  node.ordered_ = false;
  node.waiting_ = static_cast<std::uint32_t>(waiting_.size());
  waiting_.push_back(index);  // room was made
}

void entry_order::remove(entry_index index) noexcept {
  entry_node& node = (*table_)[index];
  if (node.ordered_) {
    sorted_.erase(sorted_.find(index));
    return;
  }
  const entry_index last = waiting_.back();
  waiting_[node.waiting_] = last;
  (*table_)[last].waiting_ = node.waiting_;
  waiting_.pop_back();
}

void entry_order::clear() noexcept {
  sorted_.clear();
  waiting_.clear();
}

void entry_order::sort_in() {
  while (!waiting_.empty()) {
    sorted_.insert(waiting_.back());
    (*table_)[waiting_.back()].ordered_ = true;
    waiting_.pop_back();
  }
}

entry_index entry_order::at_or_after(bytes_view key, bool exclusive) {
  sort_in();
  const auto found = exclusive ? sorted_.upper_bound(key) : sorted_.lower_bound(key);
  return found == sorted_.end() ? no_entry : *found;
}

entry_index entry_order::before(const std::optional<bytes_view>& key) {
  sort_in();
  const auto found = key ? sorted_.lower_bound(*key) : sorted_.end();
  return found == sorted_.begin() ? no_entry : *std::prev(found);
}

}  // namespace lentic::detail
