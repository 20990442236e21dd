// SPDX-License-Identifier: Apache-2.0
#include "row_splitter.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace lentic::tool {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::uint64_t line_feeds(std::string_view text) noexcept {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string_view without_line_end(std::string_view raw) noexcept {
  if (raw.ends_with('\n')) raw.remove_suffix(1);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  return raw;
}

}  // namespace

row_splitter::row_splitter(row_boundary& boundary, row_start start, std::size_t bytes_max)
    : boundary_(boundary),
      bytes_max_(bytes_max),
      position_(start.position),
      line_(start.line),
      row_line_(start.line),
      at_mark_(start.position == 0) {}

void row_splitter::feed(std::string_view chunk) {
  assert(chunk_.empty() && !finished_ && "a chunk is used up before the next one");
  chunk_ = chunk;
}

row_splitter::event row_splitter::next() {
  if (!row_open_) boundary_.restart();
  row_open_ = true;
  while (true) {
    const step reached = advance();
    if (reached) return *reached;
  }
}

row_splitter::step row_splitter::advance() {
  if (at_mark_) take_mark();
  if (at_mark_) return event::need_input;
  if (skipped_ != 0) return advance_skip();
  return carry_.empty() ? advance_chunk() : advance_carry();
}

// Drops a byte order mark, however it is cut; bytes that only began like one go to carry_.
void row_splitter::take_mark() {
  while (mark_bytes_ < byte_order_mark.size() && !chunk_.empty()
         && chunk_.front() == byte_order_mark[mark_bytes_]) {
    chunk_.remove_prefix(1);
    ++mark_bytes_;
  }
  if (mark_bytes_ == byte_order_mark.size()) {
    position_ += mark_bytes_;
  } else if (chunk_.empty() && !finished_) {
    return;
  } else {
    carry_ = byte_order_mark.substr(0, mark_bytes_);
  }
  at_mark_ = false;
}

row_splitter::step row_splitter::advance_chunk() {
  if (chunk_.empty()) return input_wanted();
  const std::size_t end = boundary_.find(chunk_.substr(0, raw_bytes_max()));
  if (end != row_boundary::none) {
    const std::string_view raw = chunk_.substr(0, end + 1);
    if (is_too_long(raw)) {
      begin_skip(raw.substr(0, end));
      chunk_.remove_prefix(end);
      return std::nullopt;
    }
    chunk_.remove_prefix(end + 1);
    return end_of_row(raw, true);
  }
  if (chunk_.size() >= raw_bytes_max()) {
    begin_skip(chunk_.substr(0, raw_bytes_max()));
    chunk_.remove_prefix(raw_bytes_max());
    return std::nullopt;
  }
  carry_ = chunk_;
  chunk_ = {};
  return std::nullopt;
}

// Takes the chunk line by line, so that bytes behind the row's end are not copied.
row_splitter::step row_splitter::advance_carry() {
  if (chunk_.empty()) return input_wanted();
  const std::size_t line_feed = chunk_.find('\n');
  const std::size_t line = line_feed == chunk_.npos ? chunk_.size() : line_feed + 1;
  const std::size_t taken = std::min(line, raw_bytes_max() - carry_.size());
  carry_.append(chunk_.substr(0, taken));
  const bool found = boundary_.find(carry_) != row_boundary::none;
  if (found && is_too_long(carry_)) {
    carry_.pop_back();
    chunk_.remove_prefix(taken - 1);
    return skip_carry();
  }
  chunk_.remove_prefix(taken);
  if (found) {
    whole_.swap(carry_);
    carry_.clear();
    return end_of_row(whole_, true);
  }
  return carry_.size() == raw_bytes_max() ? skip_carry() : std::nullopt;
}

row_splitter::step row_splitter::input_wanted() {
  if (!finished_) return event::need_input;
  if (carry_.empty()) return event::end;
  if (is_too_long(carry_)) return skip_carry();
  whole_.swap(carry_);
  carry_.clear();
  return end_of_row(whole_, false);
}

// Its line end does not count: a row is as long with \r\n as with \n.
bool row_splitter::is_too_long(std::string_view raw) const noexcept {
  return without_line_end(raw).size() > bytes_max_;
}

row_splitter::step row_splitter::skip_carry() {
  begin_skip(carry_);
  carry_.clear();
  return std::nullopt;
}

void row_splitter::begin_skip(std::string_view front) {
  skipped_ = front.size();
  skipped_lines_ = line_feeds(front);
}

row_splitter::step row_splitter::advance_skip() {
  const std::size_t line_feed = chunk_.find('\n');
  const bool found = line_feed != chunk_.npos;
  const std::size_t taken = found ? line_feed + 1 : chunk_.size();
  skipped_ += taken;
  chunk_.remove_prefix(taken);
  if (!found && !finished_) return event::need_input;
  row_ = {};
  row_open_ = false;
  terminated_ = found;
  row_line_ = line_;
  position_ += std::exchange(skipped_, 0);
  line_ += skipped_lines_ + (found ? 1 : 0);
  return event::too_long;
}

row_splitter::event row_splitter::end_of_row(std::string_view raw, bool terminated) {
  row_ = without_line_end(raw);
  row_open_ = false;
  terminated_ = terminated;
  row_line_ = line_;
  position_ += raw.size();
  if (boundary_.spans_lines()) {
    line_ += line_feeds(raw);
  } else if (terminated) {
    ++line_;
  }
  return event::row;
}

row_place row_splitter::place_at(std::size_t offset) const noexcept {
  const std::string_view before = row_.substr(0, offset);
  const std::size_t line_feed = before.rfind('\n');
  const std::size_t column = line_feed == before.npos ? offset : offset - line_feed - 1;
  return {row_line_ + line_feeds(before), column + 1};
}

}  // namespace lentic::tool
