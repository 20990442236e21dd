// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_index: the records of a hashed young table by their key's hash: extendible hashing (Fagin,
// Nievergelt, Pippenger and Strong, ACM TODS 4(3), 1979). The upper bits of the hash choose an
// entry of the directory, the lower bits a slot of its page; a page is open addressing with linear
// probing over 8-byte slots.
//
//   directory       page                                  slot
//   [hash >> shift] -> up to 4,096 slots [hash & mask] -> hash 4 B | record number 4 B
//
// A full page is split, and no other page hears of it: so the most that one put pays is a split,
// and slots of neighbouring hashes never lie in two arrays. Records are not touched by it.
//
// Threads: one owner. Errors: std::bad_alloc from make_room() alone, and then nothing has changed.
// Not promised: speed for hashes that collide (the page then grows instead; a look-up is linear).

#include "record_arena.hpp"

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace lentic::detail {

class young_index {
 public:
  young_index();

  // The record of that key; no_record when there is none. O(1) on average.
  record_number find(bytes_view key, std::uint32_t hash,
                     const record_arena& records) const noexcept;
  // Where a find() of that hash will look first, for the cache of the processor.
  void prefetch_slot(std::uint32_t hash) const noexcept {
    const entry& in = directory_[entry_of(hash)];
    __builtin_prefetch(in.first + (hash & in.mask));
  }
  // The record that it will most likely compare with; no_record when there is none.
  record_number likely(std::uint32_t hash) const noexcept {
    const entry& in = directory_[entry_of(hash)];
    const slot first = in.first[hash & in.mask];
    return first.hash == hash ? first.record : no_record;
  }
  // Before insert(), which then cannot fail. Amortised O(1), at most one split or one doubling of
  // the directory.
  void make_room(std::uint32_t hash);
  void insert(std::uint32_t hash, record_number record) noexcept;
  // Precondition: it is there.
  void erase(std::uint32_t hash, record_number record) noexcept;

  // The records of the page that holds the hash `from`: all those with hashes up to what is
  // answered; no answer after the last page. Pages may be split between two calls.
  std::optional<std::uint32_t> page_of(std::uint32_t from, std::vector<record_number>& to) const;

  std::size_t size() const noexcept { return size_; }
  // Of directory, pages and slots. O(1).
  std::size_t held_bytes() const noexcept {
    return directory_.capacity() * sizeof(entry) + pages_.capacity() * sizeof(page)
         + slot_count_ * sizeof(slot);
  }

 private:
  struct slot {
    std::uint32_t hash = 0;
    record_number record = no_record;
  };
  using slots = std::unique_ptr<slot[]>;
  struct page {
    slots all;
    std::uint32_t mask = 0;
    std::uint32_t used = 0;
    unsigned depth = 0;  // upper bits that its hashes share
  };
  struct entry {
    const slot* first = nullptr;
    std::uint32_t mask = 0;
    std::uint32_t page = 0;
  };

  std::size_t entry_of(std::uint32_t hash) const noexcept {
    return static_cast<std::size_t>(std::uint64_t{hash} >> shift_);
  }
  static void place(const slots& to, std::uint32_t mask, slot which) noexcept;
  bool can_split(const page& full) const noexcept;
  void enlarge(page& full, std::uint32_t hash);
  void double_directory();
  void split(std::uint32_t which, std::uint32_t hash);
  void point_at(std::uint32_t which, std::uint32_t hash) noexcept;

  std::vector<entry> directory_;
  std::vector<page> pages_;
  unsigned shift_ = 32;  // 32 minus the bits that the directory uses
  std::size_t size_ = 0;
  std::size_t slot_count_ = 0;  // of all pages
};

}  // namespace lentic::detail
