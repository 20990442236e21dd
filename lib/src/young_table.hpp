// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_table: one segment's rows in memory, ordered, in an arena that is freed whole.
//
// A record stays at its address until it is removed or the table dies, so lists of dirty records
// may point at it. Its value moves when it outgrows its room. A tombstone is a record that says
// "erased": the environment needs it above runs and for the journal.
// Threads: one owner. Errors: std::bad_alloc only, and then nothing has changed; limits are checked
// by the callers.

#include "block_pool.hpp"
#include "row_layer.hpp"

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>

namespace lentic::detail {

struct young_record {
  std::byte* value = nullptr;
  std::uint32_t value_bytes = 0;
  std::uint32_t value_room = 0;
  std::uint64_t sequence = 0;  // of the frame that logged it last; 0 = never
  bool dirty = false;
  bool tombstone = false;

  bytes_view view() const noexcept { return {value, value_bytes}; }
};

class young_table final : public row_layer {
 public:
  using map_type = std::pmr::map<bytes_view, young_record, bytes_less>;
  using entry = map_type::value_type;
  using iterator = map_type::iterator;

  young_table();
  // Frees the arena; runs no destructor per row. O(blocks of the arena).
  ~young_table() override = default;
  young_table(const young_table&) = delete;
  young_table& operator=(const young_table&) = delete;

  // The entry of `key`, live or tombstone; null when there is none. O(log n).
  entry* find(bytes_view key);
  // Sets the value; makes the entry if need be. O(log n).
  entry& put(bytes_view key, bytes_view value);
  // Makes the entry a tombstone. O(log n).
  entry& entomb(bytes_view key);
  // Removes the entry and frees its room. Precondition: nothing points at it. O(log n).
  void remove(bytes_view key);

  std::unique_ptr<layer_walk> walk(const walk_start& start) override;

  map_type& entries() noexcept { return *map_; }
  std::uint64_t live_count() const noexcept { return live_count_; }
  // Keys and values of live rows.
  std::uint64_t live_bytes() const noexcept { return live_bytes_; }

 private:
  // The entry, and whether it was made for this call: as a tombstone without a value.
  struct place {
    iterator at;
    bool is_fresh;
  };
  place find_or_make(bytes_view key);
  void set_value(entry& target, bytes_view value);
  void unlive(const entry& target) noexcept;
  void remove_at(iterator target) noexcept;
  void free_bytes(const std::byte* start, std::size_t bytes) noexcept;

  block_pool pool_;
  map_type* map_;  // inside the pool, never destroyed: rows are trivially destructible
  std::uint64_t live_count_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace lentic::detail
