// SPDX-License-Identifier: Apache-2.0
#pragma once

// entry_order: the entries of an entry_table in key order, for ranges. An entry is only noted when
// it comes; it is sorted in by the first range that asks. A store whose entries are read by key
// alone never pays for an order, and one that is scanned pays O(log n) for each new entry.
//
// Threads: one owner. Lifetime: the table outlives it. Errors: std::bad_alloc.

#include "block_pool.hpp"
#include "entry_table.hpp"

#include <memory_resource>
#include <set>
#include <vector>

namespace lentic::detail {

class entry_order {
 public:
  explicit entry_order(entry_table& table) : table_(&table), sorted_(by_key{&table}, &pool_) {}

  // Before the node is linked: so that nothing can fail afterwards.
  void make_room() {
    const std::size_t nodes = table_->node_count();
    if (waiting_.capacity() < nodes) waiting_.reserve(2 * nodes);
  }
  void add(entry_index index) noexcept;
  void remove(entry_index index) noexcept;
  void clear() noexcept;

  // The first entry with a key >= `key` (> when `exclusive`); no_entry when there is none.
  // O(log n), and O(log n) for each entry that came since the last call.
  entry_index at_or_after(bytes_view key, bool exclusive);
  // The last entry with a key < `key`; the very last without a key.
  entry_index before(const std::optional<bytes_view>& key);

 private:
  struct by_key {
    using is_transparent = void;
    const entry_table* table;

    bytes_view key(entry_index index) const noexcept { return (*table)[index].key(); }
    bytes_view key(bytes_view raw) const noexcept { return raw; }
    template <class Left, class Right>
    bool operator()(const Left& left, const Right& right) const noexcept {
      return compare(key(left), key(right)) < 0;
    }
  };

  void sort_in();

  entry_table* table_;
  block_pool pool_;
  std::pmr::set<entry_index, by_key> sorted_;
  std::vector<entry_index> waiting_;
};

}  // namespace lentic::detail
