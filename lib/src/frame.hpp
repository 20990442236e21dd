// SPDX-License-Identifier: Apache-2.0
#pragma once

// One journal frame: everything that one commit makes durable, checksummed, at a 4 KiB boundary.
//
//   0      4        6      8            16           24      32        40
//   +------+--------+------+------------+------------+-------+---------+---------------+
//   | LFRM | format | zero | environment| file       | offset| sequence| payload bytes |
//   +------+--------+------+------------+------------+-------+---------+---------------+
//   48              52           56        60          64
//   +---------------+------------+---------+-----------+----------------+-------------+
//   | CRC of the    | CRC of the | frames  | CRC of    | payload ...    | zeros to a  |
//   | frame before  | payload    | unsynced| 0..59     |                | 4 KiB bound |
//   +---------------+------------+---------+-----------+----------------+-------------+
//
// All integers little endian, all CRCs CRC-32C. "CRC of the frame before" is its header CRC, 0 for
// the first frame of an environment. A frame names its own place, so a stale or misplaced one is
// never taken for another. "Frames unsynced" counts those right before it that no fdatasync had
// covered when it was written: if one of them is missing, it was lost with the power, and is no
// damage. Format 0 had 0 there, and writes no frame before the fdatasync of the one before.
//
// In a file that is written over, what lies behind the last frame is of an earlier life. So a frame
// there is followed by a block that ends the journal until the next frame takes its place: magic
// LEND, environment, file and offset of the block, sequence and header CRC of that frame as
// "sequence" and "CRC of the frame before", its own CRC, zeros.
//
// The payload is a sequence of items: a tag byte, then varints (v) and length-prefixed strings (s).
//
//   store        1 v:store s:name v:layout           declares a store; see young_layout
//   segment      2 v:store v:segment                 the puts and erases that follow belong here
//   put          3 s:key s:value
//   erase        4 s:key
//   drop_below   5 v:store v:segment                 segments below are gone
//   position     6 s:name s:value                    where a source stands
//   outbox       7 v:sequence s:bytes                output made durable by frame `sequence`
//   acknowledged 8 v:sequence                        outboxes up to it were delivered
//   clear        9 v:store v:segment v:generation    empty here; runs up to that one are void
//   sealed      10 v:store v:segment v:generation    what came before is in that run, if it exists
//
// Threads: plain values and pure functions. Errors: decoding answers, it does not throw.

#include <lentic/bytes.hpp>
#include <lentic/store/young_layout.hpp>

#include <cstdint>
#include <optional>

namespace lentic::detail {

inline constexpr std::size_t frame_alignment = 4096;
inline constexpr std::size_t frame_header_bytes = 64;
inline constexpr std::uint16_t journal_format = 1;

// On disk. Never renumber.
enum class item_tag : std::uint8_t {
  store = 1,
  segment = 2,
  put = 3,
  erase = 4,
  drop_below = 5,
  position = 6,
  outbox = 7,
  acknowledged = 8,
  clear = 9,
  sealed = 10,
};

struct frame_header {
  std::uint16_t format = journal_format;
  std::uint64_t environment = 0;
  std::uint64_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  std::uint64_t payload_bytes = 0;
  std::uint32_t previous_crc = 0;
  std::uint32_t payload_crc = 0;
  std::uint32_t unsynced_before = 0;
  std::uint32_t header_crc = 0;  // filled by encode
};

// Whole frame, a multiple of 4 KiB. Bytes a frame with this payload takes on disk.
std::uint64_t frame_bytes(std::uint64_t payload_bytes) noexcept;

// Fills in the size and the checksums, and writes the 64 bytes.
void encode_frame_header(frame_header& header, bytes_view payload, std::byte* to) noexcept;

// The same, then header, payload and padding into `to`.
void encode_frame(frame_header& header, bytes_view payload, bytes& to);

// The first 64 bytes of the block behind the frame; the other bytes of the block are zeros.
void encode_end_block(const frame_header& last, std::byte* to) noexcept;
// Whether this is the block behind that frame, with nothing written into it.
bool is_end_block(bytes_view block, const frame_header& last) noexcept;
// What it says of its own place, if its checksum holds. Precondition: 64 bytes.
std::optional<frame_header> decode_end_block(bytes_view raw) noexcept;

// The header, if its own checksum holds. Precondition: 64 bytes.
std::optional<frame_header> decode_frame_header(bytes_view raw) noexcept;

// Collects the items of one payload behind room for a header, so that the frame is never copied.
// An item is added whole, or std::bad_alloc is thrown.
class payload_writer {
 public:
  void store(std::uint64_t store, bytes_view name, young_layout layout);
  void put(std::uint64_t store, std::uint64_t segment, bytes_view key, bytes_view value);
  void erase(std::uint64_t store, std::uint64_t segment, bytes_view key);
  void drop_below(std::uint64_t store, std::uint64_t segment);
  void position(bytes_view name, bytes_view value);
  void outbox(std::uint64_t sequence, bytes_view output);
  void acknowledged(std::uint64_t sequence);
  void clear(std::uint64_t store, std::uint64_t segment, std::uint64_t generation);
  void sealed(std::uint64_t store, std::uint64_t segment, std::uint64_t generation);

  // The whole frame, header and padding included. More items may follow; then it is finished anew.
  // The view stays valid until then. Nothing is copied but the header.
  bytes_view finish(frame_header& header);
  // The same with the block that ends the journal behind it.
  bytes_view finish_with_end(frame_header& header);

  // About so many bytes more will follow: room for them at once, not twice of it in steps.
  void expect(std::uint64_t bytes);
  std::size_t held_bytes() const noexcept { return raw_.capacity(); }

  bool empty() const noexcept { return payload().empty(); }
  bytes_view payload() const noexcept {
    if (raw_.empty()) return {};
    return bytes_view(raw_).subspan(frame_header_bytes,
                                    raw_.size() - frame_header_bytes - padding_);
  }
  std::uint64_t entries() const noexcept { return entries_; }

 private:
  static constexpr std::size_t item_bytes_max = 64;  // without its strings

  void make_room(std::size_t string_bytes);
  void tag(item_tag which);
  void three(item_tag which, std::uint64_t first, std::uint64_t second, std::uint64_t third);
  void select(std::uint64_t store, std::uint64_t segment);

  bytes raw_;  // room for the header, the payload, and after finish() zeros up to a 4 KiB bound
  std::size_t padding_ = 0;  // the end block included
  std::uint64_t entries_ = 0;
  bool selected_ = false;
  std::uint64_t store_ = 0;
  std::uint64_t segment_ = 0;
};

// What a decoded payload is told to.
class payload_visitor {
 public:
  virtual ~payload_visitor() = default;
  virtual void store(std::uint64_t store, bytes_view name, young_layout layout) = 0;
  virtual void put(std::uint64_t store, std::uint64_t segment, bytes_view key,
                   bytes_view value) = 0;
  virtual void erase(std::uint64_t store, std::uint64_t segment, bytes_view key) = 0;
  virtual void drop_below(std::uint64_t store, std::uint64_t segment) = 0;
  virtual void position(bytes_view name, bytes_view value) = 0;
  virtual void outbox(std::uint64_t sequence, bytes_view output) = 0;
  virtual void acknowledged(std::uint64_t sequence) = 0;
  virtual void clear(std::uint64_t store, std::uint64_t segment, std::uint64_t generation) = 0;
  virtual void sealed(std::uint64_t store, std::uint64_t segment, std::uint64_t generation) = 0;
};

// Visits every item in order; false at the first that does not parse (the visitor has then seen the
// ones before it). O(payload).
bool decode_payload(bytes_view payload, payload_visitor& visitor);

}  // namespace lentic::detail
