// SPDX-License-Identifier: Apache-2.0
#pragma once

// index_list: a doubly linked list over numbered nodes. The links lie in an array of their own, 8
// bytes a node, so that moving a node touches no neighbour's contents: with a million entries that
// is a few cache misses less for each promotion.
//
// Room is made by make_room(); everything else neither allocates nor throws. O(1) each. One thread.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lentic::detail {

using entry_index = std::uint32_t;
inline constexpr entry_index no_entry = 0xffffffffU;

class index_list {
 public:
  void make_room(std::size_t nodes) {
    if (links_.size() < nodes) links_.resize(nodes);
  }

  void push_front(entry_index node) noexcept {
    links_[node] = {no_entry, head_};
    (head_ == no_entry ? tail_ : links_[head_].before) = node;
    head_ = node;
    ++size_;
  }
  void push_back(entry_index node) noexcept {
    links_[node] = {tail_, no_entry};
    (tail_ == no_entry ? head_ : links_[tail_].behind) = node;
    tail_ = node;
    ++size_;
  }
  // Precondition: the node is in the list.
  void remove(entry_index node) noexcept {
    assert(size_ != 0);
    const link gone = links_[node];
    (gone.before == no_entry ? head_ : links_[gone.before].behind) = gone.behind;
    (gone.behind == no_entry ? tail_ : links_[gone.behind].before) = gone.before;
    --size_;
  }
  void clear() noexcept {
    head_ = tail_ = no_entry;
    size_ = 0;
  }

  entry_index front() const noexcept { return head_; }
  entry_index back() const noexcept { return tail_; }
  entry_index behind(entry_index node) const noexcept { return links_[node].behind; }
  std::size_t size() const noexcept { return size_; }

 private:
  struct link {
    entry_index before = no_entry;
    entry_index behind = no_entry;
  };

  std::vector<link> links_;
  entry_index head_ = no_entry;
  entry_index tail_ = no_entry;
  std::size_t size_ = 0;
};

}  // namespace lentic::detail
