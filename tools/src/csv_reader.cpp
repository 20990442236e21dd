// SPDX-License-Identifier: Apache-2.0
#include "csv_reader.hpp"

#include "utf8.hpp"

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

// The closing quote of the quoted field whose text begins at `at`. Precondition: there is one.
std::size_t closing_quote(std::string_view row, std::size_t at) noexcept {
  std::size_t quote = row.find('"', at);
  while (quote + 1 < row.size() && row[quote + 1] == '"') quote = row.find('"', quote + 2);
  return quote;
}

// The offset after the field that begins at `at`: of its comma, or the row's size.
std::size_t field_end(std::string_view row, std::size_t at) noexcept {
  if (at < row.size() && row[at] == '"') return closing_quote(row, at + 1) + 1;
  return std::min(row.find(',', at), row.size());
}

}  // namespace

csv_reader::csv_reader(csv_start start, std::size_t bytes_max)
    : bytes_max_(bytes_max),
      field_count_(start.field_count),
      position_(start.position),
      line_(start.line),
      row_line_(start.line),
      at_mark_(start.position == 0) {}

void csv_reader::feed(std::string_view chunk) {
  assert(chunk_.empty() && !finished_ && "a chunk is used up before the next one");
  chunk_ = chunk;
}

csv_event csv_reader::next() {
  fields_.clear();
  while (true) {
    const step event = advance();
    if (event) return *event;
  }
}

csv_reader::step csv_reader::advance() {
  if (at_mark_) take_mark();
  if (at_mark_) return csv_event::need_input;
  if (skipped_ != 0) return advance_skip();
  return carry_.empty() ? advance_chunk() : advance_carry();
}

// Drops a byte order mark, however it is cut; bytes that only began like one go to carry_.
void csv_reader::take_mark() {
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

csv_reader::step csv_reader::advance_chunk() {
  if (chunk_.empty()) return input_wanted();
  const std::size_t end = boundary_.find(chunk_.substr(0, bytes_max_ + 1));
  if (end != csv_boundary::none) {
    const std::string_view raw = chunk_.substr(0, end + 1);
    chunk_.remove_prefix(end + 1);
    return end_of_row(raw, true);
  }
  if (chunk_.size() > bytes_max_) {
    begin_skip(chunk_.substr(0, bytes_max_ + 1));
    chunk_.remove_prefix(bytes_max_ + 1);
    return std::nullopt;
  }
  carry_ = chunk_;
  chunk_ = {};
  return std::nullopt;
}

// Takes the chunk line by line, so that bytes behind the row's end are not copied.
csv_reader::step csv_reader::advance_carry() {
  if (chunk_.empty()) return input_wanted();
  const std::size_t line_feed = chunk_.find('\n');
  const std::size_t line = line_feed == chunk_.npos ? chunk_.size() : line_feed + 1;
  const std::size_t taken = std::min(line, bytes_max_ + 1 - carry_.size());
  carry_.append(chunk_.substr(0, taken));
  chunk_.remove_prefix(taken);
  if (boundary_.find(carry_) != csv_boundary::none) {
    row_.swap(carry_);
    carry_.clear();
    return end_of_row(row_, true);
  }
  if (carry_.size() > bytes_max_) {
    begin_skip(carry_);
    carry_.clear();
  }
  return std::nullopt;
}

csv_reader::step csv_reader::input_wanted() {
  if (!finished_) return csv_event::need_input;
  if (carry_.empty()) return csv_event::end;
  row_.swap(carry_);
  carry_.clear();
  return end_of_row(row_, false);
}

void csv_reader::begin_skip(std::string_view front) {
  skipped_ = front.size();
  skipped_lines_ = line_feeds(front);
}

csv_reader::step csv_reader::advance_skip() {
  const std::size_t line_feed = chunk_.find('\n');
  const bool found = line_feed != chunk_.npos;
  const std::size_t taken = found ? line_feed + 1 : chunk_.size();
  skipped_ += taken;
  chunk_.remove_prefix(taken);
  if (!found && !finished_) return csv_event::need_input;
  raw_ = {};
  terminated_ = found;
  row_line_ = line_;
  position_ += std::exchange(skipped_, 0);
  line_ += skipped_lines_ + (found ? 1 : 0);
  return bad_row(errc::line_too_long, 0);
}

csv_reader::step csv_reader::end_of_row(std::string_view raw, bool terminated) {
  raw_ = without_line_end(raw);
  terminated_ = terminated;
  row_line_ = line_;
  position_ += raw.size();
  if (boundary_.quotes_seen()) {
    line_ += line_feeds(raw);
  } else if (terminated) {
    ++line_;
  }
  if (raw_.empty()) {
    boundary_ = {};
    return std::nullopt;
  }
  if (boundary_.broken_at() != csv_boundary::none) {
    return bad_row(errc::text_after_quote, boundary_.broken_at());
  }
  if (boundary_.quote_open()) return bad_row(errc::open_quote, boundary_.opened_at());
  const std::size_t invalid = invalid_utf8_at(raw_);
  if (invalid != raw_.size()) return bad_row(errc::invalid_utf8, invalid);
  return split(raw_);
}

csv_event csv_reader::split(std::string_view content) {
  if (boundary_.quotes_seen()) {
    split_quoted(content);
  } else {
    std::size_t begin = 0;
    for (std::size_t end = content.find(','); end != content.npos; end = content.find(',', begin)) {
      fields_.push_back(content.substr(begin, end - begin));
      begin = end + 1;
    }
    fields_.push_back(content.substr(begin));
  }
  if (field_count_ == 0) field_count_ = fields_.size();
  if (fields_.size() != field_count_) return bad_row(errc::wrong_field_count, 0);
  boundary_ = {};
  return csv_event::record;
}

// Quoted fields without "" are views of the row; the others are copied without their escapes.
void csv_reader::split_quoted(std::string_view content) {
  unescaped_.clear();
  unescaped_.reserve(content.size());  // no copy below moves it: the views stay valid
  for (std::size_t begin = 0;; ++begin) {
    const std::size_t end = field_end(content, begin);
    std::string_view text = content.substr(begin, end - begin);
    if (text.starts_with('"')) {
      text = text.substr(1, text.size() - 2);
      const std::size_t copy = unescaped_.size();
      for (std::size_t escape = text.find('"'); escape != text.npos; escape = text.find('"')) {
        unescaped_.append(text.substr(0, escape + 1));
        text.remove_prefix(escape + 2);
      }
      if (unescaped_.size() != copy) {
        unescaped_.append(text);
        text = std::string_view(unescaped_).substr(copy);
      }
    }
    fields_.push_back(text);
    if (end == content.size()) return;
    begin = end;
  }
}

csv_event csv_reader::bad_row(errc code, std::size_t offset) {
  reason_ = code;
  reason_place_ = place_at(offset);
  if (code != errc::wrong_field_count) fields_.clear();
  boundary_ = {};
  return csv_event::bad_row;
}

csv_place csv_reader::place(std::size_t field) const noexcept {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < field && begin < raw_.size(); ++i) begin = field_end(raw_, begin) + 1;
  return place_at(std::min(begin, raw_.size()));
}

csv_place csv_reader::place_at(std::size_t offset) const noexcept {
  const std::string_view before = raw_.substr(0, offset);
  const std::size_t line_feed = before.rfind('\n');
  const std::size_t column = line_feed == before.npos ? offset : offset - line_feed - 1;
  return {row_line_ + line_feeds(before), column + 1};
}

}  // namespace lentic::tool
