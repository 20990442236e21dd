// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_table: one segment's rows in memory, in an arena that is freed whole. Two layouts:
//
//   hashed   an index of 8-byte slots over the records; an order is made by walks and kept
//   ordered  a search tree over the records, for stores that are scanned while they are written
//
// A record stays at its address until it is removed or the table dies, so lists of dirty records
// may point at it. Its value moves when it outgrows its room. A tombstone is a record that says
// "erased": the environment needs it above runs and for the journal.
// Threads: one owner. Errors: std::bad_alloc only, and then nothing has changed; limits are checked
// by the callers.

#include "block_pool.hpp"
#include "digest_sums.hpp"
#include "record_arena.hpp"
#include "row_layer.hpp"
#include "young_index.hpp"
#include "young_order.hpp"
#include "young_record.hpp"

#include <lentic/bytes.hpp>
#include <lentic/memory_account.hpp>
#include <lentic/store/young_layout.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace lentic::detail {

class young_table final : public row_layer {
 public:
  struct by_key {
    using is_transparent = void;
    const record_arena* records;
    bytes_view key(record_number record) const noexcept {
      return static_cast<const young_record*>((*records)[record])->key();
    }
    bytes_view key(bytes_view raw) const noexcept { return raw; }
    template <class Left, class Right>
    bool operator()(const Left& left, const Right& right) const noexcept {
      return compare(key(left), key(right)) < 0;
    }
  };
  using tree = std::pmr::set<record_number, by_key>;

  // What it holds is charged to the account, if there is one. A cache may keep the table longer
  // than the store lives. `digested` is the segment whose digests are kept, if they are.
  explicit young_table(young_layout layout, std::shared_ptr<memory_account> account = nullptr,
                       std::optional<std::uint64_t> digested = std::nullopt);
  // Frees the arena; runs no destructor per row. O(blocks of the arena).
  ~young_table() override = default;
  young_table(const young_table&) = delete;
  young_table& operator=(const young_table&) = delete;

  // A look at the place of a key, which a put right behind it need not look for again.
  struct look {
    young_record* record = nullptr;  // live or tombstone; null when there is none
    std::uint32_t hash = 0;          // of the key, in the hashed layout
  };
  // Hashed: O(1) on average. Ordered: O(log n).
  look look_for(bytes_view key) const noexcept;
  young_record* find(bytes_view key) const noexcept { return look_for(key).record; }
  // Sets the value; makes the record if need be. `seen` is of this key, and no record came or went
  // since.
  young_record& put(const look& seen, bytes_view key, bytes_view value);
  young_record& put(bytes_view key, bytes_view value) { return put(quick_look(key), key, value); }
  // find() for several keys, which wait for memory together. Writes one answer for each key.
  void find_many(std::span<const bytes_view> keys, std::span<young_record*> found) const noexcept;
  // Asks for what look_for() of these keys will touch; worth it for several at a time.
  void prefetch(std::span<const bytes_view> keys) const noexcept;
  // Makes the record a tombstone.
  young_record& entomb(const look& seen, bytes_view key);
  young_record& entomb(bytes_view key) { return entomb(quick_look(key), key); }
  // Removes the record. Precondition: it is in this table, and nothing points at it.
  void remove(young_record& record) noexcept;

  // Ordered: O(log n). Hashed: the same, and what young_order says for the order.
  std::unique_ptr<layer_walk> walk(const walk_start& start) override;
  // Gets ready for walk() in steps of bounded time; true when it will start at once.
  bool prepare_walk();

  // All records, in no order that a caller may rely on, a few thousand at a time: adds some to `to`
  // and moves `from` on; false when those were the last. Records that are put between two calls
  // may be left out, those removed are.
  struct slice_place {
    std::uint32_t hash = 0;
    std::optional<bytes> key;
  };
  bool next_slice(slice_place& from, std::vector<young_record*>& to) const;

  // Digests of the rows that are settled: live, and told by settle() since their last change. A
  // dirty row is not: its next cut settles it, so that puts between two cuts cost nothing. What
  // changes a row unsettles it. 2 KiB, from the first row on. Null where none are kept.
  const digest_sums* digests() const noexcept { return sums_.get(); }
  // The row has its value, and is not marked dirty, or is not from now on. It was not settled.
  void settle(const young_record& record) noexcept {
    if (sums_ && !record.is_tombstone()) sums_->parts[part_of(record)] += digest_of(record);
  }
  // It is settled, and is marked dirty from now on.
  void unsettle(const young_record& record) noexcept {
    if (sums_ && !record.is_tombstone()) sums_->parts[part_of(record)] -= digest_of(record);
  }

  // Another dead table that is kept for the rows in it that are touched; see touch_source.
  std::unique_ptr<young_table> next_kept;

  young_layout layout() const noexcept {
    return hashed_ ? young_layout::hashed : young_layout::ordered;
  }
  bool empty() const noexcept { return count_ == 0; }
  // Live rows and tombstones.
  std::size_t count() const noexcept { return count_; }
  std::uint64_t live_count() const noexcept { return live_count_; }
  // Keys and values of live rows.
  std::uint64_t live_bytes() const noexcept { return live_bytes_; }
  // Of everything. O(1).
  std::size_t held_bytes() const noexcept;
  // From now on it counts as rows that are being sealed, or as young ones again.
  void count_as(memory_holder holder) noexcept { share_.move_to(holder); }

 private:
  struct hashed_part {
    explicit hashed_part(record_arena& records) : order(records) {}
    young_index index;
    young_order order;
  };

  young_record& at(record_number record) const noexcept {
    return *static_cast<young_record*>(records_[record]);
  }
  struct place {
    young_record* record;
    bool is_fresh;
  };
  // The tree looks while it inserts.
  look quick_look(bytes_view key) const noexcept { return hashed_ ? look_for(key) : look(); }
  place make_unless_found(const look& seen, bytes_view key, std::size_t value_bytes);
  record_number make_record(bytes_view key, std::size_t value_bytes);
  void set_value(young_record& target, bytes_view value);
  void unlive(const young_record& target) noexcept;
  void free_outside(young_record& target) noexcept;
  void limit_chunks(std::size_t bytes_max) noexcept;
  void charge() noexcept { share_.set(held_bytes()); }
  void make_room_for_digests();
  std::uint64_t digest_of(const young_record& record) const noexcept;
  static std::size_t part_of(const young_record& record) noexcept;

  record_arena records_;
  block_pool pool_;                      // values outside their records, nodes of the tree
  std::unique_ptr<hashed_part> hashed_;  // null: ordered
  tree* ordered_ = nullptr;              // inside the pool, never destroyed: it owns nothing else
  std::optional<std::uint64_t> digested_;
  std::unique_ptr<digest_sums> sums_;  // null: not kept, or no row yet
  std::size_t count_ = 0;
  std::uint64_t live_count_ = 0;
  std::uint64_t live_bytes_ = 0;
  std::shared_ptr<memory_account> account_;
  memory_share share_;
};

}  // namespace lentic::detail
