// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_record: one row of a young table: a header of 16 bytes, the key, the value.
//
//   0           4             8                       16        16 + key bytes
//   +-----------+-------------+-----------------------+---------+------------------------+
//   | key bytes | value bytes | sequence 48 | size    | key ... | value, or the address  |
//   |           |             | class 8 | flags 8     |         | of its own block       |
//   +-----------+-------------+-----------------------+---------+------------------------+
//
// In memory only. A value has a block of its own once it outgrew the record's room, or where the
// record would be larger than whole_bytes_max; the block begins with its room, 8 bytes. The record
// stays at its address in either case.
// Threads: one owner. Errors: none. Only young_table makes and changes records, but for the mark
// and the sequence.

#include "size_class.hpp"

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lentic::detail {

class young_record {
 public:
  static constexpr std::size_t whole_bytes_max = 1024;
  static constexpr std::size_t value_room_min = sizeof(std::byte*);

  bytes_view key() const noexcept { return {body(), key_bytes_}; }
  // Empty for a tombstone. Valid until the record's next change.
  bytes_view value() const noexcept {
    return {is_outside() ? outside() + sizeof(std::uint64_t) : body() + key_bytes_, value_bytes_};
  }
  bool is_tombstone() const noexcept { return has(tombstone_flag); }

  // It waits for the next cut.
  bool is_dirty() const noexcept { return has(dirty_flag); }
  void set_dirty(bool dirty) noexcept { set(dirty_flag, dirty); }
  // Of the frame that logged it last; 0 = never. 48 bits: 8,900 years of 1,000 commits a second.
  std::uint64_t sequence() const noexcept { return state_ & sequence_mask; }
  void set_sequence(std::uint64_t sequence) noexcept {
    state_ = (state_ & ~sequence_mask) | (sequence & sequence_mask);
  }

 private:
  friend class young_table;
  friend class young_order;

  static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << 48) - 1;
  static constexpr unsigned class_shift = 48;
  static constexpr std::uint64_t dirty_flag = std::uint64_t{1} << 56;
  static constexpr std::uint64_t tombstone_flag = std::uint64_t{1} << 57;
  static constexpr std::uint64_t outside_flag = std::uint64_t{1} << 58;
  static constexpr std::uint64_t gone_flag = std::uint64_t{1} << 59;  // out of the table

  bool has(std::uint64_t flag) const noexcept { return (state_ & flag) != 0; }
  void set(std::uint64_t flag, bool on) noexcept { state_ = on ? state_ | flag : state_ & ~flag; }
  bool is_outside() const noexcept { return has(outside_flag); }

  const std::byte* body() const noexcept {
    return static_cast<const std::byte*>(static_cast<const void*>(this)) + sizeof(*this);
  }
  std::byte* body() noexcept {
    return static_cast<std::byte*>(static_cast<void*>(this)) + sizeof(*this);
  }
  // Of the record in its arena.
  std::size_t whole_bytes() const noexcept {
    return size_class_bytes(static_cast<std::size_t>(state_ >> class_shift & 0xff));
  }
  std::byte* outside() const noexcept {
    std::byte* block = nullptr;
    std::memcpy(&block, body() + key_bytes_, sizeof(block));
    return block;
  }
  void set_outside(std::byte* block) noexcept {
    std::memcpy(body() + key_bytes_, &block, sizeof(block));
    set(outside_flag, true);
  }
  std::size_t value_room() const noexcept {
    if (!is_outside()) return whole_bytes() - sizeof(*this) - key_bytes_;
    std::uint64_t room = 0;
    std::memcpy(&room, outside(), sizeof(room));
    return room;
  }

  std::uint32_t key_bytes_ = 0;
  std::uint32_t value_bytes_ = 0;
  std::uint64_t state_ = 0;
};

static_assert(sizeof(young_record) == 16);
static_assert(size_class_count <= 256);

}  // namespace lentic::detail
