// SPDX-License-Identifier: Apache-2.0
#pragma once

// The journal: files journal-n.log of frames (frame.hpp), at most 16 MiB each unless one frame is
// larger, growing by 1 MiB of allocated zeros. There is one append at a time. A frame is durable
// when append() returns, or, where that only writes it, with the next sync(); all frames of a file
// are durable before there is one in the next file.
//
// A file that is no longer needed is kept, and written over as a later one under a new name: blocks
// that were written before take half the time to sync. Frames of its earlier life bear its earlier
// number, so they are never taken for frames of this one; an end block (frame.hpp) says that what
// follows is not a torn frame.
//
// Replay stops at the first frame that is not the one expected. If the chain goes on in the next
// file, that was a rotation. If any later 4 KiB boundary holds a valid frame, or the manifest knows
// of a later sequence, the journal is damaged. Else what follows is a torn tail and is cut. A later
// frame that was written before the missing ones were synced is a part of such a tail.
//
// Threads: the environment's. Errors: std::system_error, coro::sync_error, errc::journal_damaged.

#include "frame.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/durability.hpp>
#include <lentic/environment.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lentic::detail {

// A commit larger than this is refused; a journal file that claims more is damaged.
inline constexpr std::uint64_t frame_payload_bytes_max = std::uint64_t{1} << 30;

struct journal_options {
  std::uint64_t environment = 0;
  std::uint64_t file_bytes_max = std::uint64_t{16} << 20;
  std::uint64_t growth_bytes = std::uint64_t{1} << 20;
  bool reuses_files = true;
  bool writes_direct = false;  // with O_DIRECT, where the file system takes it
  std::uint64_t staging_bytes_max = std::uint64_t{4} << 20;  // of the copies that this needs
  bool stops_at_damage = false;  // replay ends before it, and does not throw; nothing is appended
};

struct journal_start {
  std::uint64_t first_file = 1;
  std::uint64_t first_sequence = 1;
  std::uint64_t durable_sequence = 0;  // the manifest's: the journal must reach it
};

struct replay_result {
  std::uint64_t last_sequence = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::optional<tail_cut> cut;
  bool damaged = false;  // of a journal that stops at it: the chain ended here, and should not
  std::uint64_t end_file = 0;
  std::uint64_t end_offset = 0;
};

struct journal_file {
  std::uint64_t number = 0;
  std::uint64_t first_sequence = 0;  // of the first frame in it
  std::uint64_t bytes = 0;           // up to the end of its last frame
  std::uint64_t rows = 0;            // put or erased in those frames
};

class journal {
 public:
  // Tells the sequence and the payload of each valid frame; false means it does not parse.
  using frame_handler = std::function<bool(std::uint64_t sequence, bytes_view payload)>;

  journal(coro::directory& home, const journal_options& options)
      : home_(&home), options_(options) {}

  // Reads all frames in order. Changes nothing.
  task<replay_result> replay(journal_start start, frame_handler handler);
  // After replay, before the first append: makes durable what was found, cuts the torn tail,
  // removes files that hold nothing.
  task<void> prepare_to_append();

  // Writes the frame, which outlives the task and gets no items meanwhile. With durability::synced
  // it is durable on return, with all frames before it. After a failure that is not a sync_error it
  // may be called again with the same sequence.
  task<void> append(std::uint64_t sequence, payload_writer& frame, durability level);
  // Makes durable what was appended.
  task<void> sync();
  std::uint64_t last_synced() const noexcept { return last_synced_; }

  // The next append begins a file.
  void begin_file_next() noexcept { file_is_over_ = true; }

  // During replay: the file that the frame is in.
  std::uint64_t replaying_file() const noexcept { return replaying_; }
  // During replay: what its handler found in the frame.
  void count_rows(std::uint64_t rows) noexcept { replaying_rows_ += rows; }

  // Oldest first; the last one is being written.
  const std::deque<journal_file>& files() const noexcept { return files_; }
  // Up to the last frame of each.
  std::uint64_t file_bytes() const noexcept;
  std::uint64_t file_rows() const noexcept;
  // Of copies of frames. A frame itself is its owner's.
  std::size_t held_bytes() const noexcept { return staging_.capacity() * frame_alignment; }
  // Removes files before `number`, or keeps them to be written over. Precondition: no live entry is
  // in them, and nothing durable says so any more.
  task<void> remove_before(std::uint64_t number);
  task<void> close();

  static std::string file_name(std::uint64_t number);

 private:
  task<void> load(std::uint64_t number, bytes& image);
  bool is_valid(bytes_view image, std::uint64_t file, std::uint64_t offset,
                frame_header& header) const;
  bool is_next(const frame_header& header) const;
  task<std::vector<std::uint64_t>> find_files(std::uint64_t first);
  std::uint64_t replay_file(bytes_view image, std::uint64_t number, frame_handler& handler);
  bool replay_one(bytes_view image, std::uint64_t number, frame_handler& handler);
  struct alignas(frame_alignment) aligned_block {
    std::array<std::byte, frame_alignment> bytes;
  };
  // Frames behind the one that replay stopped at.
  struct later_frames {
    std::optional<std::uint64_t> proof;  // offset of one that says that the stop is damage
    bool any = false;
  };
  later_frames find_later(bytes_view image, std::uint64_t number, std::uint64_t from) const;
  bool ends_cleanly(bytes_view image, std::uint64_t end) const;
  task<void> open_next(std::uint64_t sequence);
  task<coro::file> reuse_file(std::uint64_t number);
  task<coro::file> open_to_write(std::uint64_t number, int flags);
  bytes_view aligned(bytes_view piece);
  task<void> write_first_pieces(bytes_view whole, std::uint64_t offset);
  std::size_t piece_bytes_max() const noexcept;
  std::size_t first_pieces_bytes(bytes_view whole) const noexcept;
  task<void> make_room(std::uint64_t end);
  task<void> cut_torn_tail();

  coro::directory* home_;
  journal_options options_;
  coro::file current_;
  std::deque<journal_file> files_;
  std::uint64_t next_number_ = 1;
  std::uint64_t replaying_ = 0;
  std::uint64_t replaying_rows_ = 0;     // of that file
  std::deque<std::uint64_t> leftovers_;  // numbers of files to remove before appending
  std::deque<std::uint64_t> spares_;     // of files that may be written over
  bool direct_ = false;                  // the current file was opened with O_DIRECT
  std::vector<aligned_block> staging_;   // a copy of what is written then
  std::uint64_t allocated_ = 0;          // size of the current file
  std::uint64_t stale_end_ = 0;          // of the bytes of an earlier life in it
  frame_header last_header_;             // of the last frame replayed
  bool tail_is_torn_ = false;
  bool file_is_over_ = false;  // takes no more frames
  std::uint64_t last_sequence_ = 0;
  std::uint64_t last_synced_ = 0;
  std::uint32_t previous_crc_ = 0;
  bool chain_started_ = false;  // previous_crc_ is known
  replay_result replayed_;
  std::uint64_t stopped_file_ = 0;  // where the chain ended so far, for messages
  std::uint64_t stopped_at_ = 0;
  std::deque<std::uint64_t> frames_at_;  // offsets in the last file of the frames to settle
  bytes buffer_;                         // those frames, until they are settled
};

}  // namespace lentic::detail
