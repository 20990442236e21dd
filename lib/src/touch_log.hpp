// SPDX-License-Identifier: Apache-2.0
#pragma once

// touch_log: the dirty entries of a fused cache, in the order of first touch. An entry is 32 bytes
// beside the row itself, which holds key and newest value: the record, the value that was last
// told, and on demand the context of the latest put. A record knows its entry by a number, so that
// neither a put nor a flush looks anything up.
//
//   chunk    1,024 entries | the old values of these | their contexts
//   record   -> number of the entry (young_record); entry -> record: always the newest of its key
//
// touch_source: a store's side of it. Rows move between tables while they are touched: a put above
// a frozen row takes its entry over; a table that dies with touched rows is kept by the source
// until these are told, which is where their newest value lies.
//
// What it holds, tables that are kept included, is charged to the account of its cache, if that is
// bound to one.
//
// Threads: one owner. Errors: std::bad_alloc from what is named `prepare` and `attach` alone; then
// nothing has changed. Not promised: memory is not given back before the log dies, or is asked for
// it.

#include "young_record.hpp"
#include "young_table.hpp"

#include <lentic/cache/record_context.hpp>
#include <lentic/memory_account.hpp>
#include <lentic/store/touching_store.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace lentic {

namespace detail {
class touch_source;
}

class touch_log {
 public:
  // Counts first touches; never reused. The number in a record is its lower bits.
  using place = std::uint64_t;
  static constexpr place nowhere = ~place{0};

  explicit touch_log(memory_account* memory = nullptr) noexcept
      : memory_(memory, memory_holder::caches) {}
  touch_log(const touch_log&) = delete;
  touch_log& operator=(const touch_log&) = delete;
  ~touch_log();

  std::uint64_t count() const noexcept { return count_; }
  // Of keys, with their prefix, and newest values.
  std::uint64_t bytes() const noexcept { return bytes_; }
  // Behind the newest entry.
  place end() const noexcept { return next_; }

  // The oldest entry before `limit`; nowhere when there is none.
  place first(place limit) noexcept;
  // The oldest entry of a source that holds keys below `bound`, whose key is below it. Between two
  // calls of rewind() each entry is looked at once.
  place first_below(bytes_view bound) noexcept;
  void rewind() noexcept;

  // What the entry says. Views live until the row or the entry changes.
  void append_key(place at, lentic::bytes& to) const;
  std::optional<bytes_view> old_value(place at) const noexcept;
  std::optional<bytes_view> new_value(place at) const noexcept;
  // Null when contexts are not kept.
  record_context* context(place at) noexcept;

  // Frees the chunks that are kept for later; answers how many bytes that were.
  std::uint64_t give_up_spares() noexcept;

  // The entry is told: its row is clean.
  void remove(place at) noexcept;
  void forget_all() noexcept;

 private:
  friend class detail::touch_source;

  static constexpr unsigned chunk_bits = 10;
  static constexpr std::size_t chunk_entries = std::size_t{1} << chunk_bits;
  static constexpr std::size_t block_bytes = std::size_t{16} << 10;
  static constexpr std::size_t shared_value_bytes_max = block_bytes / 4;

  struct state;
  struct entry {
    detail::young_record* record = nullptr;  // null: told
    const std::byte* old_value = nullptr;    // size, 4 bytes, and the value; null: none
    state* source = nullptr;
    place next = nowhere;  // of the same source
  };
  struct chunk {
    std::array<entry, chunk_entries> entries;
    std::unique_ptr<record_context[]> contexts;
    std::vector<std::unique_ptr<std::byte[]>> blocks;  // for small old values, reused
    std::vector<std::unique_ptr<std::byte[]>> large;   // one value each
    std::size_t blocks_used = 0;
    std::size_t used_bytes = 0;  // of the last of them
    std::size_t live = 0;
    std::uint64_t large_bytes = 0;

    // Answers how many bytes of large values went.
    std::uint64_t forget_values() noexcept;
    std::uint64_t held_bytes() const noexcept;
  };
  // What the log knows of a source; outlives it while entries need it.
  struct state {
    lentic::bytes prefix;
    detail::touch_source* owner = nullptr;  // null: gone
    std::unique_ptr<detail::young_table> kept;
    std::uint64_t count = 0;
    place first = nowhere;
    place last = nowhere;
    place examined = nowhere;  // of a walk below a bound: this one and those before are not below
  };

  entry& at(place where) noexcept { return chunk_of(where).entries[where % chunk_entries]; }
  const entry& at(place where) const noexcept {
    return chunk_of(where).entries[where % chunk_entries];
  }
  chunk& chunk_of(place where) const noexcept {
    return *chunks_[(where >> chunk_bits) - first_chunk_];
  }
  place place_of(const detail::young_record& record) const noexcept;

  state& attach(detail::touch_source& owner, bytes_view prefix);
  void release(state& gone) noexcept;
  // Room for an entry at end(), and a copy of the old value.
  const std::byte* prepare(std::optional<bytes_view> old_value, bool has_context);
  void add_chunk();
  void unlink(place at) noexcept;

  std::vector<std::unique_ptr<chunk>> chunks_;  // the first holds places first_chunk_ * 1024...
  std::vector<std::unique_ptr<chunk>> spare_;
  std::vector<std::unique_ptr<state>> sources_;
  std::uint64_t first_chunk_ = 0;
  place front_ = 0;  // no entry before it
  place next_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  memory_share memory_;
};

namespace detail {

// Whose tombstones hide nothing: they go once they are told.
enum class tombstones { kept, removed };

class touch_source {
 public:
  // `rows` is where the owner keeps its newest table. `changes` counts what makes its walks start
  // anew; null when they always do.
  touch_source(const std::unique_ptr<young_table>& rows, tombstones after,
               std::uint64_t* changes = nullptr) noexcept
      : rows_(&rows), changes_(changes), after_(after) {}
  touch_source(const touch_source&) = delete;
  touch_source& operator=(const touch_source&) = delete;
  ~touch_source();

  // A put or an erase through the log, from the look at the row to its change. `newest` is the row
  // as it is before, wherever it lies, or null; `nothing_below` says that there is no other place.
  class change {
   public:
    change(touch_source& source, const touch_call& call) : source_(&source), call_(&call) {}
    // The row, when only a kept table holds the touched one.
    young_record* find(young_record* newest, bytes_view key) const noexcept;
    // Its old value; false when the row has to be read first.
    bool is_known(const young_record* newest, bool nothing_below) const noexcept {
      return newest != nullptr || call_->was_read || nothing_below;
    }
    // Everything that may fail. Precondition: is_known().
    void prepare(young_record* newest);
    // The row is changed; `record` holds it now.
    void land(young_record& record) noexcept;
    // There was nothing to erase; the context is the newest all the same.
    void land_nothing() noexcept;
    bool was_touched() const noexcept { return touched_ != nullptr; }

   private:
    void keep_context(const young_record& record) noexcept;

    touch_source* source_;
    const touch_call* call_;
    young_record* touched_ = nullptr;  // holds the entry's number
    std::uint64_t bytes_before_ = 0;
    const std::byte* old_value_ = nullptr;
    std::optional<record_context> context_;
  };

  // The row moves to another record as it is.
  void move(young_record& from, young_record& to) noexcept;
  // The owner has no use for the table any more.
  void keep(std::unique_ptr<young_table> table) noexcept;
  // All rows are gone: as if they had been erased. Before their tables are kept.
  void drop_rows() noexcept;
  bool has_touched() const noexcept { return state_ != nullptr && state_->count != 0; }

 private:
  friend class lentic::touch_log;

  void told(young_record& record) noexcept;

  const std::unique_ptr<young_table>* rows_;
  std::uint64_t* changes_;
  tombstones after_;
  touch_log* log_ = nullptr;
  touch_log::state* state_ = nullptr;
};

}  // namespace detail
}  // namespace lentic
