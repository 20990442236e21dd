// SPDX-License-Identifier: Apache-2.0
#pragma once

// A run: the rows of one sealed segment, sorted, immutable, mapped read-only.
//
//   +---------+---------+-----+-------+--------+------+--------+
//   | block 0 | block 1 | ... | index | filter | sums | footer |
//   +---------+---------+-----+-------+--------+------+--------+
//
//   block   drawn in run_block.hpp. A block of several rows begins and ends so that, as a rule, it
//           lies in one 4 KiB page of the file; a large row has a block of its own
//   index   drawn in run_index.hpp: where blocks begin, and which keys are in them
//   filter  drawn in run_filter.hpp: which keys are not there
//   sums    digest of the rows (lentic/digest.hpp), drawn in run_digest.hpp; not in format 1
//   footer  96 bytes, little endian; later formats keep its size, its first 8 and its last 4 bytes
//           0 "LRUN"  4 format 2 B  6 parts 2 B  8 environment  16 store  24 segment  32 generation
//           40 rows  48 bytes of keys and values  56 blocks  64 index offset  72 index bytes
//           80 filter bytes  88 CRC-32C of index and filter  92 CRC-32C of footer bytes 0..91
//
// A run holds no tombstones: it is written from everything that its segment holds. Index and filter
// are copied into memory when it is opened, so that only blocks are read through the map. A touch
// of a block that is not in memory blocks the thread: so a reader that serves a file knows which
// blocks are, and load() reads the others through the engine first (block_reads.hpp).
// Threads: one owner. Errors: a reader trusts nothing: open() answers a code, reads throw
// errc::damaged for a block that fails its checksum, once per touch, and views point only into
// blocks that passed.

#include "block_reads.hpp"
#include "block_rows.hpp"
#include "digest_sums.hpp"
#include "residency.hpp"
#include "row_layer.hpp"
#include "run_block.hpp"
#include "run_filter.hpp"
#include "run_index.hpp"

#include <lentic/bytes.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lentic::detail {

inline constexpr std::size_t run_page_bytes = 4096;
inline constexpr std::size_t run_footer_bytes = 96;
// On disk. Never renumber. A run of format 1 has no sums.
inline constexpr std::uint16_t run_format = 2;
inline constexpr std::uint16_t run_format_min = 1;
// Bits of what a run has beside rows, index and filter; a reader refuses those that it does not
// know.
inline constexpr std::uint16_t run_has_sums = 1;

struct run_identity {
  std::uint64_t environment = 0;
  std::uint64_t store = 0;
  std::uint64_t segment = 0;
  std::uint64_t generation = 0;

  bool operator==(const run_identity&) const = default;
};

// Of all blocks of a run; continued with the offset of one.
std::uint32_t place_crc(const run_identity& identity) noexcept;
// Of a block that begins at `offset` of that run.
std::uint32_t block_crc(std::uint32_t place, std::uint64_t offset, bytes_view raw) noexcept;

// Produces the bytes of a run in order.
class run_writer {
 public:
  // `rows_max`: there will not be more; 0: not known, then 8 bytes a row are held until the end.
  // `sums`: of the rows that will be added; null: they are made here.
  explicit run_writer(const run_identity& identity, std::uint64_t rows_max = 0,
                      const digest_sums* sums = nullptr);

  // Keys must ascend.
  void add(bytes_view key, bytes_view value);
  // Ends the last block and adds index, filter and footer, a bounded part of it in each call: call
  // it until it answers true. Nothing may be added after the first call.
  bool finish();

  // Bytes produced and not taken yet.
  std::size_t ready_bytes() const noexcept { return out_.size(); }
  bytes take() noexcept;
  std::uint64_t rows() const noexcept { return rows_; }
  std::size_t held_bytes() const noexcept {
    return out_.capacity() + filter_.held_bytes() + index_.held_bytes() + sizeof(sums_);
  }

 private:
  enum class next_block { follows, none };

  std::size_t block_room() const noexcept;
  void end_block(next_block next);
  void append_index();
  void append_sums();
  void append_footer();

  run_identity identity_;
  std::uint32_t place_crc_;
  bytes out_;
  run_block_writer block_;
  run_index_writer index_;
  run_filter_writer filter_;
  digest_sums sums_;
  bool makes_sums_;
  bytes last_key_;            // of the block before
  std::uint64_t offset_ = 0;  // of the block that is being filled
  std::uint64_t rows_ = 0;
  std::uint64_t row_bytes_ = 0;
  bool has_index_ = false;
  std::uint64_t index_bytes_ = 0;
  std::uint32_t index_crc_ = 0;  // and filter
};

// What a run has for a key; or the layers of a segment have, of which it is the last.
struct run_answer {
  run_answer() = default;
  run_answer(std::optional<bytes_view> found, std::optional<std::size_t> cold, bool of_run) noexcept
      : value(found), cold_block(cold), is_of_run(of_run) {}

  std::optional<bytes_view> value;
  // Not known yet: the block that tells is not known to be in memory.
  std::optional<std::size_t> cold_block;
  bool is_of_run = false;
};

enum class run_origin { written, found };  // by us, just now; at an open

class run_reader final : public row_layer, public std::enable_shared_from_this<run_reader> {
 public:
  // `file` is the whole file, mapped, and stays valid as long as the reader; `name` is for
  // messages. O(blocks + bytes of the filter).
  static result<std::unique_ptr<run_reader>> open(bytes_view file, const run_identity& expected,
                                                  std::string name);

  // Where its index begins, as an unchecked footer says.
  static std::uint64_t index_offset_of(bytes_view footer) noexcept;

  // Unmaps the file that it serves.
  ~run_reader() override;

  // From now on `file`, of which open() got the map, belongs to this reader, and what is not known
  // to be in memory is read through `reads`. Without it all blocks are taken to be in memory.
  void serve(coro::file file, std::shared_ptr<block_reads> reads, run_origin origin);

  // Looks at one block at most; for nearly all keys that are not there at none. O(log rows).
  run_answer look(bytes_view key);
  // The same, and blocks the thread where the block is not in memory.
  std::optional<bytes_view> find(bytes_view key);
  std::unique_ptr<layer_walk> walk(const walk_start& start) override;

  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t row_bytes() const noexcept { return row_bytes_; }
  bytes_view file() const noexcept { return file_; }
  std::size_t block_count() const noexcept { return index_.count(); }
  // Of index, filter and what is known of the blocks.
  std::size_t memory_bytes() const noexcept;
  // Whether find() would look at a block.
  bool may_hold(bytes_view key) const noexcept;

  std::uint64_t block_begin(std::size_t block) const noexcept { return index_.begin(block); }
  // The block that holds the key if any does. Precondition: there is a block.
  std::size_t block_of(bytes_view key) const noexcept { return index_.block_of(key); }
  // Where a block has the first key >= `key`; the number of its rows when it has none.
  run_block::place find_in(std::size_t block, bytes_view key);
  // The rows of a block in place of what `rows` holds. Throws errc::damaged.
  void read_block(std::size_t block, block_rows& rows);

  // Not of format 1.
  bool has_sums() const noexcept { return sums_bytes_ != 0; }
  // Precondition: it has. Throws errc::damaged, and then adds nothing.
  void add_sums(segment_digest& to) const;
  // Adds rows and sums to the digest of its segment; where it has none its rows are read. Throws
  // errc::damaged, or what keeps them from being read; `to` is then of no use.
  static task<void> add_digest(coro::runtime& runtime, std::shared_ptr<run_reader> run,
                               segment_digest& to);

  bool is_resident(std::size_t block) const noexcept {
    return !reads_ || resident_.test(block, reads_->epoch());
  }
  // Blocks that are read together: `needed`, which is one of them, and others that will be.
  struct block_span {
    std::size_t needed = 0;
    std::size_t first = 0;
    std::size_t count = 1;
  };
  static block_span only(std::size_t block) noexcept { return {block, block, 1}; }
  // At most `count` blocks from `block` on, or up to it, as far as none is resident and they are
  // not too large for one read.
  block_span ahead(std::size_t block, direction order, std::size_t count) const noexcept;
  // Brings blocks into memory; returns at once where `needed` is. Who asks for a block that is
  // being read waits for that read. Throws what kept `needed` from being read; what its bytes are
  // worth is seen when they are touched.
  static task<void> load(std::shared_ptr<run_reader> run, block_span wanted);
  // Begins that without waiting, unless it is resident or under way.
  void load_soon(block_span wanted);

 private:
  class flight;

  explicit run_reader(bytes_view file, std::string name) : file_(file), name_(std::move(name)) {}
  task<void> read_blocks(block_span wanted);
  flight* flight_over(std::size_t block) const noexcept;
  std::optional<bytes_view> value_in(std::size_t block, bytes_view key);
  run_block verified_block(std::size_t block);
  [[noreturn]] void fail_damaged(std::size_t block) const;

  bytes_view file_;
  std::string name_;
  run_index index_;
  run_filter filter_;
  std::vector<bool> verified_;  // the checksum of the block was right
  std::uint32_t place_crc_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t row_bytes_ = 0;
  std::uint64_t sums_begin_ = 0;        // in the file
  std::uint64_t sums_bytes_ = 0;        // 0: there are none
  std::shared_ptr<block_reads> reads_;  // null: everything is in memory
  coro::file source_;
  residency resident_;
  std::vector<flight*> flights_;  // of blocks that are being read
};

}  // namespace lentic::detail
