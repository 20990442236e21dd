// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>

#include <fcntl.h>

namespace lentic::detail {

namespace {

// Each is worth a rotation without allocation; they come a few at a time.
constexpr std::size_t spares_max = 4;

}  // namespace

std::string journal::file_name(std::uint64_t number) {
  return "journal-" + std::to_string(number) + ".log";
}

task<void> journal::append(std::uint64_t sequence, payload_writer& frame, durability level) {
  const std::uint64_t payload_bytes = frame.payload().size();
  if (payload_bytes > frame_payload_bytes_max)
    fail(errc::too_large, "commit of " + std::to_string(payload_bytes) + " bytes");
  const std::uint64_t need = frame_bytes(payload_bytes);
  const bool full = files_.empty()
                 || (files_.back().bytes > 0
                     && (file_is_over_ || files_.back().bytes + need > options_.file_bytes_max));
  if (full) {
    co_await cut_torn_tail();
    co_await sync();  // a hole is at the end of a file only
    co_await open_next(sequence);
  }
  const std::uint64_t offset = files_.back().bytes;
  const bool over_old = offset + need < stale_end_;
  const std::uint64_t end = offset + need + (over_old ? frame_alignment : 0);
  co_await make_room(end);
  frame_header header;
  header.environment = options_.environment;
  header.file = files_.back().number;
  header.offset = offset;
  header.sequence = sequence;
  header.previous_crc = previous_crc_;
  header.unsynced_before = static_cast<std::uint32_t>(sequence - 1 - last_synced_);
  const bytes_view built = over_old ? frame.finish_with_end(header) : frame.finish(header);
  const std::size_t begun = first_pieces_bytes(built);
  tail_is_torn_ = true;
  if (begun != 0) co_await write_first_pieces(built, offset);
  const bytes_view rest = aligned(built.subspan(begun));
  if (level == durability::synced) {
    co_await current_.write_and_sync(rest, offset + begun);
    last_synced_ = sequence;
  } else {
    co_await current_.write(rest, offset + begun);
  }
  tail_is_torn_ = false;
  files_.back().bytes = offset + need;
  files_.back().rows += frame.entries();
  previous_crc_ = header.header_crc;
  last_sequence_ = sequence;
}

task<void> journal::sync() {
  if (last_synced_ == last_sequence_) co_return;
  const std::uint64_t upto = last_sequence_;
  co_await current_.sync();
  last_synced_ = upto;
}

// Makes the next file and its name durable. The file before keeps its unused zeros.
task<void> journal::open_next(std::uint64_t sequence) {
  const std::uint64_t number = next_number_;
  coro::file opened = co_await reuse_file(number);
  const bool reused = static_cast<bool>(opened);
  const int flags = O_RDWR | O_CREAT | O_TRUNC;
  if (!reused) opened = co_await open_to_write(number, flags);
  std::uint64_t old_bytes = 0;
  if (reused) old_bytes = co_await opened.size();
  if (old_bytes > options_.file_bytes_max) {
    co_await opened.truncate(options_.file_bytes_max);
    old_bytes = options_.file_bytes_max;
  }
  co_await home_->sync();
  journal_file next;
  next.number = number;
  next.first_sequence = sequence;
  files_.push_back(next);  // from here on the file counts: its name is durable
  coro::file before = std::exchange(current_, std::move(opened));
  allocated_ = stale_end_ = old_bytes;
  file_is_over_ = false;
  ++next_number_;
  co_await before.close();
}

// A file of an earlier life, under its new name; none when there is none, or it is not to be had.
task<coro::file> journal::reuse_file(std::uint64_t number) {
  if (spares_.empty()) co_return coro::file();
  const std::string old_name = file_name(spares_.front());
  spares_.pop_front();
  const result<void> renamed = co_await as_result(home_->rename(old_name, file_name(number)));
  if (!renamed) co_return coro::file();
  const int flags = O_RDWR;
  co_return co_await open_to_write(number, flags);
}

task<coro::file> journal::open_to_write(std::uint64_t number, int flags) {
  const std::string name = file_name(number);
  direct_ = options_.writes_direct;
  if (direct_) {
    const int asked = flags | O_DIRECT;
    result<coro::file> opened = co_await as_result(home_->open_file(name, asked));
    if (opened) co_return std::move(*opened);
    if (opened.error() != std::errc::invalid_argument)
      throw std::system_error(opened.error(), "open " + home_->name() + "/" + name);
    direct_ = false;  // not on this file system
  }
  co_return co_await home_->open_file(name, flags);
}

// The same bytes where a direct write may take them from. A multiple of 4 KiB, no more than one
// piece.
bytes_view journal::aligned(bytes_view piece) {
  if (!direct_) return piece;
  const std::size_t blocks = piece.size() / frame_alignment;
  if (staging_.size() < blocks) {
    std::vector<aligned_block> enough(blocks);
    staging_.swap(enough);
  }
  std::memcpy(staging_.data(), piece.data(), piece.size());
  return {staging_.front().bytes.data(), piece.size()};
}

std::size_t journal::piece_bytes_max() const noexcept {
  return std::max<std::size_t>(options_.staging_bytes_max / frame_alignment, 1) * frame_alignment;
}

// What is copied is copied piece by piece, so that a large frame is not in memory twice: so much of
// it before the last piece.
std::size_t journal::first_pieces_bytes(bytes_view whole) const noexcept {
  const std::size_t most = piece_bytes_max();
  return direct_ && whole.size() > most ? (whole.size() - 1) / most * most : 0;
}

task<void> journal::write_first_pieces(bytes_view whole, std::uint64_t offset) {
  const std::size_t end = first_pieces_bytes(whole);
  const std::size_t most = piece_bytes_max();
  for (std::size_t done = 0; done < end; done += most) {
    const bytes_view piece = aligned(whole.subspan(done, most));
    co_await current_.write(piece, offset + done);
  }
}

// Grows by a whole step if there is room for one, else by what is needed.
task<void> journal::make_room(std::uint64_t end) {
  if (end <= allocated_) co_return;
  const std::uint64_t step = options_.growth_bytes;
  const std::uint64_t generous = (end + step - 1) / step * step;
  result<void> grown = co_await as_result(current_.allocate(allocated_, generous - allocated_));
  if (!grown && grown.error() == std::errc::no_space_on_device) {
    co_await current_.allocate(allocated_, end - allocated_);
    allocated_ = end;
    co_return;
  }
  grown.value();
  allocated_ = generous;
}

task<void> journal::remove_before(std::uint64_t number) {
  while (files_.size() > 1 && files_.front().number < number) {
    const std::uint64_t gone = files_.front().number;
    files_.pop_front();
    const bool kept = options_.reuses_files && spares_.size() < spares_max;
    if (kept) {
      spares_.push_back(gone);
    } else {
      co_await home_->unlink(file_name(gone));
    }
  }
}

std::uint64_t journal::file_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const journal_file& each : files_) sum += each.bytes;
  return sum;
}

std::uint64_t journal::file_rows() const noexcept {
  std::uint64_t sum = 0;
  for (const journal_file& each : files_) sum += each.rows;
  return sum;
}

task<void> journal::close() {
  co_await current_.close();
}

task<void> journal::prepare_to_append() {
  for (const std::uint64_t number : leftovers_) {
    const bool old = files_.empty() ? number < next_number_ : number < files_.front().number;
    if (old && options_.reuses_files && spares_.size() < spares_max) {
      spares_.push_back(number);
    } else {
      co_await home_->unlink(file_name(number));
    }
  }
  if (!leftovers_.empty()) co_await home_->sync();
  leftovers_.clear();
  if (files_.empty()) co_return;
  const int flags = O_RDWR;
  current_ = co_await open_to_write(files_.back().number, flags);
  allocated_ = stale_end_ = co_await current_.size();
  if (tail_is_torn_) {
    co_await current_.truncate(files_.back().bytes);
    allocated_ = stale_end_ = files_.back().bytes;
    tail_is_torn_ = false;
  }
  // What was replayed may be in the cache alone: after a kill, or after an fdatasync that failed
  // and left pages that count as clean. So the frames that this may be true of are written again;
  // the same bytes cannot be torn.
  const std::size_t begun = first_pieces_bytes(buffer_);
  if (begun != 0) co_await write_first_pieces(buffer_, frames_at_.front());
  const bytes_view settled = aligned(bytes_view(buffer_).subspan(begun));
  co_await current_.write_and_sync(settled, frames_at_.front() + begun);
  allocated_ = std::max(allocated_, files_.back().bytes);
  buffer_ = bytes();
}

// What a write that failed left in a file that is full: read back, a part of a frame would be
// damage, and a whole one would take the place of the one that was acknowledged instead.
task<void> journal::cut_torn_tail() {
  if (!tail_is_torn_) co_return;
  co_await current_.truncate(files_.back().bytes);
  co_await current_.sync();
  tail_is_torn_ = false;
}

}  // namespace lentic::detail
