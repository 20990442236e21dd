// SPDX-License-Identifier: Apache-2.0
#pragma once

// A block of a run: rows in key order, found by binary search. What all keys of the block begin
// with, and what all end with, is stored once: of window keys of one segment the sequence number,
// often the window start.
//
//   0      4           8      10     12         14         16
//   +------+-----------+------+------+----------+----------+-------+--------+--------+------+-----+
//   | CRC  | row bytes | rows | stem | prefix   | suffix   | table | prefix | suffix | rows | pad |
//   | 4 B  |    4 B    | 2 B  | 2 B  | bytes 2 B| bytes 2 B|       |        |        |      |     |
//   +------+-----------+------+------+----------+----------+-------+--------+--------+------+-----+
//
//   CRC     CRC-32C of environment, store, segment, generation and offset of the block, 8 B each,
//           and then of the block from byte 4 to its end: a block of another place fails it
//   table   for each row where it begins among the rows, 2 B; when stem is ffff also the bytes of
//           its stem, 2 B. Otherwise all stems have `stem` bytes
//   rows    for each row stem and value; its key is prefix, stem, suffix; it ends where the next
//           one begins
//   pad     zeros, so that the next block begins at a multiple of 4 KiB
//
// Threads: plain values. Lifetime: a run_block views the bytes that it was made of. Errors: a
// reader answers nullopt or false for what does not lie inside the block; order is not checked.

#include "block_rows.hpp"

#include <lentic/bytes.hpp>
#include <lentic/endian.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace lentic::detail {

inline constexpr std::size_t block_header_bytes = 16;
inline constexpr std::size_t block_affix_bytes_max = 0xffff;  // of a prefix or a suffix
// Keys and values of a block of several rows, put together again: bounds what a reader allocates.
inline constexpr std::size_t block_logical_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t block_row_bytes_min = 2;  // of a row, in the table
inline constexpr std::uint16_t stems_differ = 0xffff;

// Of what both begin with. O(it).
std::size_t common_prefix(bytes_view left, bytes_view right) noexcept;
std::size_t common_suffix(bytes_view left, bytes_view right) noexcept;

class run_block {
 public:
  // The parts of a block whose checksum holds.
  static std::optional<run_block> take_apart(bytes_view raw) noexcept;

  struct place {
    std::size_t row;  // the first whose key is >= the one that was looked for
    bool is_equal;
  };

  std::size_t rows() const noexcept { return rows_; }
  // O(log rows) comparisons.
  std::optional<place> find(bytes_view key) const noexcept;
  std::optional<bytes_view> value(std::size_t row) const noexcept;
  // Appends copies of all rows. False when one does not lie inside; then some may be appended.
  bool copy_to(block_rows& to) const;

 private:
  struct extent {  // of one row, among the rows
    std::size_t begin;
    std::size_t stem_end;
    std::size_t end;
  };

  std::optional<extent> extent_of(std::size_t row) const noexcept;
  std::size_t entry_bytes() const noexcept { return stem_ == stems_differ ? 4 : 2; }

  const std::byte* table_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t stem_ = 0;
  bytes_view prefix_;
  bytes_view suffix_;
  bytes_view body_;  // all rows
};

// Collects the rows of one block.
class run_block_writer {
 public:
  bool empty() const noexcept { return lengths_.empty(); }
  // Of the block with one row more.
  std::size_t bytes_with(bytes_view key, bytes_view value) const noexcept;
  // Keys and values.
  std::size_t logical_bytes() const noexcept { return data_.size(); }
  void add(bytes_view key, bytes_view value);
  bytes_view first_key() const noexcept { return bytes_view(data_).first(lengths_.front().key); }
  bytes_view last_key() const noexcept {
    return bytes_view(data_).subspan(last_, key_bytes_last());
  }
  // Appends the block without its checksum, and empties it.
  void end_block(bytes& to);

 private:
  struct lengths {
    std::size_t key;
    std::size_t value;
  };
  struct affixes {
    std::size_t prefix;
    std::size_t suffix;
  };

  std::size_t key_bytes_last() const noexcept { return lengths_.back().key; }
  affixes stored_once() const noexcept;
  void append_table(bytes& to, const affixes& once) const;

  bytes data_;  // key and value of each row
  std::vector<lengths> lengths_;
  std::size_t last_ = 0;    // where the last key begins
  std::size_t prefix_ = 0;  // common to all
  std::size_t suffix_ = 0;
  std::size_t shortest_ = 0;  // key
  bool is_even_ = true;       // all keys have the length of the first
};

}  // namespace lentic::detail
