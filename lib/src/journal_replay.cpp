// SPDX-License-Identifier: Apache-2.0
#include "crc32c.hpp"
#include "journal.hpp"
#include "numbered_name.hpp"
#include "state_directory.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <system_error>

#include <fcntl.h>

namespace lentic::detail {

namespace {

std::uint64_t align_up(std::uint64_t offset) {
  return (offset + frame_alignment - 1) / frame_alignment * frame_alignment;
}

// Offset behind the last byte that is not zero, at or after `from`; `from` when there is none.
std::uint64_t end_of_data(bytes_view image, std::uint64_t from) {
  std::uint64_t end = image.size();
  while (end > from && image[end - 1] == std::byte{0}) --end;
  return end;
}

[[noreturn]] void damaged(std::uint64_t file, std::uint64_t offset, const std::string& why) {
  fail(errc::journal_damaged,
       journal::file_name(file) + " at " + std::to_string(offset) + ": " + why);
}

}  // namespace

// The room of `image` is used again: fresh pages cost as much as reading into them.
task<void> journal::load(std::uint64_t number, bytes& image) {
  image.clear();
  result<coro::file> opened = co_await as_result(home_->open_file(file_name(number), O_RDONLY));
  const bool missing = !opened && is_no_regular_file(opened.error());
  if (missing && options_.stops_at_damage) co_return;
  if (missing) damaged(number, 0, "no regular file");
  if (!opened)
    throw std::system_error(opened.error(), "open " + home_->name() + "/" + file_name(number));
  coro::file source = std::move(*opened);
  const std::uint64_t size = co_await source.size();
  if (size > 2 * frame_payload_bytes_max) damaged(number, 0, "larger than any journal file");
  image.resize(size);
  const std::size_t got = co_await source.read(image, 0);
  image.resize(got);
  co_await source.close();
}

// A frame that is whole and belongs exactly here.
bool journal::is_valid(bytes_view image, std::uint64_t file, std::uint64_t offset,
                       frame_header& header) const {
  if (offset > image.size() || image.size() - offset < frame_header_bytes) return false;
  const auto found = decode_frame_header(image.subspan(offset, frame_header_bytes));
  if (!found || found->environment != options_.environment || found->file != file
      || found->offset != offset)
    return false;
  if (found->payload_bytes > image.size() - offset - frame_header_bytes) return false;
  header = *found;
  const bytes_view payload = image.subspan(offset + frame_header_bytes, found->payload_bytes);
  return crc32c(payload) == found->payload_crc;
}

bool journal::is_next(const frame_header& header) const {
  return header.sequence == last_sequence_ + 1
      && (!chain_started_ || header.previous_crc == previous_crc_);
}

// Replays the frames of one file from its start; answers where the first unexpected one is.
std::uint64_t journal::replay_file(bytes_view image, std::uint64_t number, frame_handler& handler) {
  std::uint64_t offset = 0;
  frame_header header;
  while (is_valid(image, number, offset, header) && is_next(header)) {
    if (header.format > journal_format)
      fail(errc::newer_format, file_name(number) + " has format " + std::to_string(header.format)
                                   + ", this build reads " + std::to_string(journal_format));
    const bytes_view payload = image.subspan(offset + frame_header_bytes, header.payload_bytes);
    const bool applied = handler(header.sequence, payload);
    if (!applied && options_.stops_at_damage) return offset;
    if (!applied) damaged(number, offset, "a checksummed frame does not parse");
    last_sequence_ = header.sequence;
    previous_crc_ = header.header_crc;
    last_header_ = header;
    chain_started_ = true;
    ++replayed_.frames;
    if (offset == 0) frames_at_.clear();
    frames_at_.push_back(offset);
    while (frames_at_.size() > std::uint64_t{header.unsynced_before} + 1) frames_at_.pop_front();
    offset += frame_bytes(header.payload_bytes);
    replayed_.bytes += frame_bytes(header.payload_bytes);
  }
  return offset;
}

// The offset of a whole frame at or after `from` that we should have replayed, if there is one. One
// that was written while nothing behind the last frame had been synced is a part of a torn tail.
journal::later_frames journal::find_later(bytes_view image, std::uint64_t number,
                                          std::uint64_t from) const {
  later_frames found;
  frame_header header;
  for (std::uint64_t at = align_up(from); at < image.size(); at += frame_alignment) {
    if (!is_valid(image, number, at, header) || header.sequence <= last_sequence_) continue;
    // The last frame itself may be an older attempt, of a write that failed and came again.
    const std::uint64_t missing = std::max<std::uint64_t>(header.sequence - 1 - last_sequence_, 1);
    found.any = true;
    if (header.unsynced_before < missing) {
      found.proof = at;
      break;
    }
  }
  return found;
}

// Nothing was written behind the last frame: the file is zeros from there on, or ends, or the block
// there says so.
bool journal::ends_cleanly(bytes_view image, std::uint64_t end) const {
  if (end_of_data(image, end) <= end) return true;
  return image.size() - end >= frame_alignment
      && is_end_block(image.subspan(end, frame_alignment), last_header_);
}

// Numbers of the files from `first` on, ascending; older ones are leftovers.
task<std::vector<std::uint64_t>> journal::find_files(std::uint64_t first) {
  std::vector<std::uint64_t> numbers;
  const std::vector<std::string> names = co_await home_->list();
  for (const std::string& name : names) {
    const auto number = numbered(name, "journal-", ".log");
    if (!number) continue;
    if (*number >= first) {
      numbers.push_back(*number);
    } else {
      leftovers_.push_back(*number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  co_return numbers;
}

// False when the journal is damaged here, and stops at that.
bool journal::replay_one(bytes_view image, std::uint64_t number, frame_handler& handler) {
  const std::uint64_t sequence_before = last_sequence_;
  replaying_ = number;
  replaying_rows_ = 0;
  const std::uint64_t end = replay_file(image, number, handler);
  const bool chained = last_sequence_ != sequence_before;
  const later_frames later = find_later(image, number, end);
  if (later.proof && !options_.stops_at_damage)
    damaged(chained ? number : stopped_file_, chained ? end : stopped_at_,
            "unreadable, yet a valid frame follows in " + file_name(number) + " at "
                + std::to_string(*later.proof));
  const std::uint64_t data_end = end_of_data(image, end);
  const bool torn = later.any || !(chained ? ends_cleanly(image, end) : data_end <= end);
  if (chained) {
    tail_is_torn_ = torn;
    replayed_.cut.reset();
    stopped_file_ = number;
    stopped_at_ = end;
    files_.push_back({number, sequence_before + 1, end, replaying_rows_});
    const std::uint64_t begin = frames_at_.front();
    buffer_ = to_bytes(image.subspan(begin, std::min(end, image.size()) - begin));
    buffer_.resize(end - begin);  // the padding may have been cut
  } else {
    leftovers_.push_back(number);
  }
  if (torn) replayed_.cut = tail_cut{last_sequence_ + 1, data_end - end, true};
  return !later.proof;
}

task<replay_result> journal::replay(journal_start start, frame_handler handler) {
  last_sequence_ = start.first_sequence - 1;
  chain_started_ = start.first_sequence == 1;
  next_number_ = start.first_file;
  stopped_file_ = start.first_file;
  const std::vector<std::uint64_t> numbers = co_await find_files(start.first_file);
  bytes image;
  for (const std::uint64_t number : numbers) {
    co_await load(number, image);
    replayed_.damaged = !replay_one(image, number, handler);
    if (replayed_.damaged) break;
  }
  const bool too_short = last_sequence_ < start.durable_sequence;
  replayed_.damaged = replayed_.damaged || too_short;
  if (replayed_.damaged) replayed_.cut.reset();
  replayed_.end_file = stopped_file_;
  replayed_.end_offset = stopped_at_;
  if (too_short && !options_.stops_at_damage)
    damaged(stopped_file_, stopped_at_,
            "ends at commit " + std::to_string(last_sequence_) + ", but commit "
                + std::to_string(start.durable_sequence) + " was durable");
  if (!files_.empty()) next_number_ = files_.back().number + 1;
  replayed_.last_sequence = last_synced_ = last_sequence_;
  co_return replayed_;
}

}  // namespace lentic::detail
