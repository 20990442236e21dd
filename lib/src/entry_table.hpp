// SPDX-License-Identifier: Apache-2.0
#pragma once

// entry_table: entries by key for the caches: numbered nodes with key, value and record context,
// found by a hash. Nodes and their room are reused, so that a table that no longer grows does not
// allocate.
//
// A node is prepared first, which may throw, and linked later, which may not: who has to change a
// store in between can do so without an error path behind it.
// Lifetime: a node stays at its address; key and value move when assign() needs more room.
// Threads: one owner. Not promised: an order (see entry_order), or resistance to keys that were
// chosen to collide.

#include "index_list.hpp"

#include <lentic/bytes.hpp>
#include <lentic/cache/record_context.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace lentic::detail {

// Three cache lines: what a look-up tests, key and value of ordinary size, the context. They are
// fetched together as soon as a hash matches.
class alignas(64) entry_node {
 public:
  static constexpr std::size_t inside_bytes = 64;

  bytes_view key() const noexcept { return {data(), key_bytes_}; }
  std::optional<bytes_view> value() const noexcept {
    if (!has_value_) return std::nullopt;
    return bytes_view(data() + key_bytes_, value_bytes_);
  }
  // Throws std::bad_alloc and leaves the node as it was. `value` may be a view into this node.
  void assign(std::optional<bytes_view> value);

  std::uint64_t version = 0;    // of the latest put
  std::uint64_t place = 0;      // in the dirty order: a number that grows
  std::uint32_t new_bytes = 0;  // of the newest value, where value() is an older one
  bool dirty = false;
  bool in_flight = false;

 private:
  friend class entry_table;
  friend class entry_order;

  const std::byte* data() const noexcept { return heap_ ? heap_.get() : inside_.data(); }
  std::byte* data() noexcept { return heap_ ? heap_.get() : inside_.data(); }
  void make_room(std::size_t bytes);

  bool has_value_ = false;
  bool ordered_ = false;
  std::uint32_t hash_ = 0;
  std::uint32_t key_bytes_ = 0;
  std::uint32_t value_bytes_ = 0;
  std::uint32_t room_ = inside_bytes;
  std::uint32_t waiting_ = 0;  // place among those that entry_order has not sorted in yet
  std::unique_ptr<std::byte[]> heap_;
  std::array<std::byte, inside_bytes> inside_;

 public:
  record_context context;
};

static_assert(sizeof(entry_node) == 192);

class entry_table {
 public:
  static std::uint32_t hash_of(bytes_view key) noexcept;

  // The entry of `key`; no_entry when there is none. O(1) on average.
  entry_index find(bytes_view key, std::uint32_t hash) const noexcept;
  entry_index find(bytes_view key) const noexcept { return find(key, hash_of(key)); }
  entry_node& operator[](entry_index index) noexcept {
    return (*chunks_[index / chunk_nodes])[index % chunk_nodes];
  }
  const entry_node& operator[](entry_index index) const noexcept {
    return (*chunks_[index / chunk_nodes])[index % chunk_nodes];
  }

  // A node with this key and value that is not found yet. Throws std::bad_alloc. The nodes in use
  // are numbered below node_count().
  entry_index prepare(bytes_view key, std::uint32_t hash, std::optional<bytes_view> value);
  // Makes a prepared node findable. Precondition: its key is not in the table.
  void link(entry_index index) noexcept;
  // Gives back a node that was prepared and not linked, or unlinked.
  void release(entry_index index) noexcept;
  // Precondition: linked.
  void unlink(entry_index index) noexcept;
  void clear() noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t node_count() const noexcept { return node_count_; }

 private:
  static constexpr std::size_t chunk_nodes = 1024;
  using chunk = std::array<entry_node, chunk_nodes>;
  struct slot {
    std::uint32_t hash = 0;
    entry_index index = no_entry;
  };

  void rehash(std::size_t slot_count);
  entry_index take_node();

  std::vector<std::unique_ptr<chunk>> chunks_;
  std::vector<slot> slots_;  // linear probing; the size is a power of two
  std::vector<entry_index> free_;
  std::size_t node_count_ = 0;
  std::size_t prepared_ = 0;
  std::size_t size_ = 0;
};

}  // namespace lentic::detail
