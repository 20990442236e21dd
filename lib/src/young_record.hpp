// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_record: one row of a young table: a header of 16 bytes, the key, the value.
//
//   0                           8                         16        16 + key bytes
//   +---------------------------+-------------------------+---------+------------------------+
//   | key bytes 17 | value      | sequence 40 | size      | key ... | value, or the address  |
//   | bytes 27 | touch 20       | class 8 | flags 8       |         | of its own block       |
//   |                           | touch 8                 |         |                        |
//   +---------------------------+-------------------------+---------+------------------------+
//
// In memory only. A value has a block of its own once it outgrew the record's room, or where the
// record would be larger than whole_bytes_max; the block begins with its room, 8 bytes. The record
// stays at its address in either case.
// Threads: one owner. Errors: none. Only young_table makes and changes records, but for the mark,
// the sequence and the touch (see touch_log).

#include "size_class.hpp"

#include <lentic/store/byte_store.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace lentic::detail {

class young_record {
 public:
  static constexpr std::size_t whole_bytes_max = 1024;
  static constexpr std::size_t value_room_min = sizeof(std::byte*);

  bytes_view key() const noexcept { return {body(), key_bytes()}; }
  // Empty for a tombstone. Valid until the record's next change.
  bytes_view value() const noexcept {
    return {is_outside() ? outside() + sizeof(std::uint64_t) : body() + key_bytes(), value_bytes()};
  }
  bool is_tombstone() const noexcept { return has(tombstone_flag); }
  // The value lies behind the key: both, one behind the other; else null.
  std::optional<bytes_view> joined() const noexcept {
    if (is_outside()) return std::nullopt;
    return bytes_view(body(), key_bytes() + value_bytes());
  }

  // It waits for the next cut.
  bool is_dirty() const noexcept { return has(dirty_flag); }
  void set_dirty(bool dirty) noexcept { set(dirty_flag, dirty); }
  // Of the frame that logged it last; 0 = never. 40 bits: 34 years of 1,000 commits a second.
  std::uint64_t sequence() const noexcept { return state_ & sequence_mask; }
  void set_sequence(std::uint64_t sequence) noexcept {
    state_ = (state_ & ~sequence_mask) | (sequence & sequence_mask);
  }

  // A cache has not told its newest value yet; the number leads to the cache's entry.
  static constexpr std::uint64_t touch_mask = (std::uint64_t{1} << 28) - 1;
  bool is_touched() const noexcept { return has(touched_flag); }
  std::uint64_t touch_number() const noexcept {
    return sizes_ >> touch_low_shift | (state_ >> touch_high_shift) << touch_low_bits;
  }
  void set_touch(std::uint64_t number) noexcept {
    clear_touch();
    sizes_ |= number << touch_low_shift;
    state_ |= (number & touch_mask) >> touch_low_bits << touch_high_shift | touched_flag;
  }
  void clear_touch() noexcept {
    sizes_ &= (std::uint64_t{1} << touch_low_shift) - 1;
    state_ &= ~touched_flag & ((std::uint64_t{1} << touch_high_shift) - 1);
  }
  // Its table is dead, and nothing is left of the row but that it is gone.
  void bury() noexcept {
    set_value_bytes(0);
    state_ |= tombstone_flag | gone_flag;
  }
  bool is_buried() const noexcept { return has(gone_flag); }

 private:
  friend class young_table;
  friend class young_order;

  static constexpr unsigned key_bits = 17;
  static constexpr unsigned value_bits = 27;
  static constexpr unsigned touch_low_shift = key_bits + value_bits;
  static constexpr unsigned touch_low_bits = 64 - touch_low_shift;
  static constexpr std::uint64_t key_mask = (std::uint64_t{1} << key_bits) - 1;
  static constexpr std::uint64_t value_mask = (std::uint64_t{1} << value_bits) - 1;
  static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << 40) - 1;
  static constexpr unsigned class_shift = 40;
  static constexpr std::uint64_t dirty_flag = std::uint64_t{1} << 48;
  static constexpr std::uint64_t tombstone_flag = std::uint64_t{1} << 49;
  static constexpr std::uint64_t outside_flag = std::uint64_t{1} << 50;
  static constexpr std::uint64_t gone_flag = std::uint64_t{1} << 51;  // out of the table
  static constexpr std::uint64_t touched_flag = std::uint64_t{1} << 52;
  static constexpr unsigned touch_high_shift = 56;
  static_assert(key_bytes_max <= key_mask && value_bytes_max <= value_mask);

  bool has(std::uint64_t flag) const noexcept { return (state_ & flag) != 0; }
  void set(std::uint64_t flag, bool on) noexcept { state_ = on ? state_ | flag : state_ & ~flag; }
  bool is_outside() const noexcept { return has(outside_flag); }
  std::size_t key_bytes() const noexcept { return sizes_ & key_mask; }
  std::size_t value_bytes() const noexcept { return sizes_ >> key_bits & value_mask; }
  void set_value_bytes(std::size_t bytes) noexcept {
    sizes_ = (sizes_ & ~(value_mask << key_bits)) | std::uint64_t{bytes} << key_bits;
  }

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
    std::memcpy(&block, body() + key_bytes(), sizeof(block));
    return block;
  }
  void set_outside(std::byte* block) noexcept {
    std::memcpy(body() + key_bytes(), &block, sizeof(block));
    set(outside_flag, true);
  }
  std::size_t value_room() const noexcept {
    if (!is_outside()) return whole_bytes() - sizeof(*this) - key_bytes();
    std::uint64_t room = 0;
    std::memcpy(&room, outside(), sizeof(room));
    return room;
  }

  std::uint64_t sizes_ = 0;
  std::uint64_t state_ = 0;
};

static_assert(sizeof(young_record) == 16);
static_assert(size_class_count <= 256);

}  // namespace lentic::detail
