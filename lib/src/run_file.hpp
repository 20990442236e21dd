// SPDX-License-Identifier: Apache-2.0
#pragma once

// A run: the rows of one sealed segment, sorted, immutable, mapped read-only.
//
//   +---------+---------+-----+-------+--------+
//   | block 0 | block 1 | ... | index | footer |
//   +---------+---------+-----+-------+--------+
//
//   block   rows in key order, about 4 KiB: v:key bytes, v:value bytes, key, value (v = varint)
//   index   a block each: v:offset, v:bytes, 4 B CRC-32C of the block, s:first key (s = v:bytes,
//   raw) footer  80 bytes, little endian:
//           0 "LRUN"  4 format 2 B  6 zero 2 B  8 environment  16 store  24 segment  32 generation
//           40 rows  48 bytes of keys and values  56 index offset  64 index bytes
//           72 CRC-32C of the index 4 B  76 CRC-32C of footer bytes 0..75
//
// A run holds no tombstones: it is written from everything that its segment holds.
// Threads: one owner. Errors: a reader trusts nothing: open() answers a code, reads throw
// errc::damaged for a block that fails its checksum, once per touch, and views point only into
// blocks that passed.

#include "row_layer.hpp"

#include <lentic/bytes.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lentic::detail {

inline constexpr std::size_t run_block_bytes = 4096;
inline constexpr std::size_t run_footer_bytes = 80;
inline constexpr std::uint16_t run_format = 0;

struct run_identity {
  std::uint64_t environment = 0;
  std::uint64_t store = 0;
  std::uint64_t segment = 0;
  std::uint64_t generation = 0;

  bool operator==(const run_identity&) const = default;
};

// Produces the bytes of a run in order.
class run_writer {
 public:
  explicit run_writer(const run_identity& identity) : identity_(identity) {}

  // Keys must ascend.
  void add(bytes_view key, bytes_view value);
  // Ends the last block and adds index and footer. Nothing may be added after it.
  void finish();

  // Bytes produced and not taken yet.
  std::size_t ready_bytes() const noexcept { return out_.size(); }
  bytes take() noexcept;
  std::uint64_t rows() const noexcept { return rows_; }

 private:
  void end_block();

  run_identity identity_;
  bytes out_;
  bytes block_;
  bytes first_key_;
  bytes index_;
  std::uint64_t offset_ = 0;  // of the block that is being filled
  std::uint64_t rows_ = 0;
  std::uint64_t row_bytes_ = 0;
};

class run_reader final : public row_layer {
 public:
  // `file` is the whole file, mapped, and stays valid as long as the reader; `name` is for
  // messages.
  static result<std::unique_ptr<run_reader>> open(bytes_view file, const run_identity& expected,
                                                  std::string name);

  // O(log blocks + rows of a block).
  std::optional<bytes_view> find(bytes_view key);
  std::unique_ptr<layer_walk> walk(const walk_start& start) override;

  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t row_bytes() const noexcept { return row_bytes_; }
  bytes_view file() const noexcept { return file_; }
  std::size_t block_count() const noexcept { return fences_.size(); }
  // The last block whose first key is <= key; 0 when there is none.
  std::size_t block_of(bytes_view key) const;
  // Rows of a block, checked. Throws errc::damaged.
  void read_block(std::size_t block, std::vector<layer_row>& rows);

 private:
  struct fence {
    std::uint64_t offset;
    std::uint64_t bytes;
    std::uint32_t crc;
    bool verified;
    bytes_view first_key;
  };

  explicit run_reader(bytes_view file, std::string name) : file_(file), name_(std::move(name)) {}
  bool read_index(bytes_view index, std::uint64_t blocks_end);
  bytes_view verified_block(std::size_t block);

  bytes_view file_;
  std::string name_;
  std::vector<fence> fences_;
  std::uint64_t rows_ = 0;
  std::uint64_t row_bytes_ = 0;
};

}  // namespace lentic::detail
