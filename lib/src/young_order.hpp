// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_order: the records of a hashed young table in key order, for walks. It is made by the first
// walk, or in steps by a seal, and kept. A value that changes leaves it as it is; keys that come
// and go are noted, and sorted in by the next walk.
//
//   made      O(n log n) in records, in steps of a few thousand; 16 bytes a record meanwhile
//   kept      4 bytes a record, and up to 1 for what is noted
//   sorted in O(k log n) for k noted keys, and one move of up to 4 n bytes
//   given up  when more than an eighth of the records was noted: the next walk makes it anew
//
// A record that was removed keeps its room until the order has forgotten it.
// Threads: one owner. Errors: std::bad_alloc from step() alone; a later call then goes on.

#include "record_arena.hpp"
#include "young_index.hpp"
#include "young_record.hpp"

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lentic::detail {

class young_order {
 public:
  explicit young_order(record_arena& records) noexcept : records_(&records) {}

  // After its record was made.
  void add(record_number record) noexcept;
  // After it left the index: gives its room back, now or later.
  void remove(record_number record) noexcept;

  // Works for a bounded time, or sorts in everything that was noted; true when the order is whole.
  bool step(const young_index& index);
  // Precondition: step() has answered true, and no record came or went since.
  std::span<const record_number> sorted() const noexcept { return sorted_; }

  std::size_t held_bytes() const noexcept;

 private:
  enum class phase { none, collecting, sorting, merging, kept };
  // What two keys are compared by first: eight bytes behind those that all keys share.
  struct item {
    std::uint64_t prefix = 0;
    record_number record = no_record;
  };
  struct sorted_run {
    std::size_t next = 0;
    std::size_t end = 0;
  };

  young_record& at(record_number record) const noexcept {
    return *static_cast<young_record*>((*records_)[record]);
  }
  bytes_view key(record_number record) const noexcept { return at(record).key(); }
  item item_of(record_number record) const noexcept;
  bool less(const item& left, const item& right) const noexcept;
  auto by_key() const noexcept;

  void give_up() noexcept;
  void release(record_number record) noexcept;
  void collect_some(const young_index& index);
  void sort_some();
  void merge_some();
  void sort_in();
  void forget_removed(const std::vector<std::size_t>& places) noexcept;
  void merge_fresh() noexcept;

  record_arena* records_;
  phase phase_ = phase::none;
  std::vector<record_number> sorted_;
  std::vector<record_number> fresh_;    // not in sorted_ yet
  std::vector<record_number> removed_;  // in sorted_ or fresh_ still

  // While it is made.
  std::uint32_t next_hash_ = 0;
  std::size_t common_ = 0;  // bytes that all keys begin with
  std::vector<item> items_;
  std::vector<sorted_run> runs_;  // a heap, the smallest next item at the front
  std::size_t merged_ = 0;
};

}  // namespace lentic::detail
