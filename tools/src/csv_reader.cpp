// SPDX-License-Identifier: Apache-2.0
#include "csv_reader.hpp"

#include "utf8.hpp"

#include <algorithm>

namespace lentic::tool {

namespace {

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
    : rows_(boundary_, start.at, bytes_max), field_count_(start.field_count) {}

row_event csv_reader::next() {
  fields_.clear();
  while (true) {
    switch (rows_.next()) {
      case row_splitter::event::row:
        if (rows_.row().empty()) continue;
        return read(rows_.row());
      case row_splitter::event::too_long:
        return bad_row(errc::line_too_long, 0);
      case row_splitter::event::need_input:
        return row_event::need_input;
      case row_splitter::event::end:
        return row_event::end;
    }
  }
}

row_event csv_reader::read(std::string_view content) {
  if (boundary_.broken_at() != csv_boundary::none) {
    return bad_row(errc::text_after_quote, boundary_.broken_at());
  }
  if (boundary_.quote_open()) return bad_row(errc::open_quote, boundary_.opened_at());
  const std::size_t invalid = invalid_utf8_at(content);
  if (invalid != content.size()) return bad_row(errc::invalid_utf8, invalid);
  return split(content);
}

row_event csv_reader::split(std::string_view content) {
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
  return row_event::record;
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

row_event csv_reader::bad_row(errc code, std::size_t offset) {
  reason_ = code;
  reason_place_ = rows_.place_at(offset);
  if (code != errc::wrong_field_count) fields_.clear();
  return row_event::bad_row;
}

row_place csv_reader::place(std::size_t field) const noexcept {
  const std::string_view row = rows_.row();
  std::size_t begin = 0;
  for (std::size_t i = 0; i < field && begin < row.size(); ++i) begin = field_end(row, begin) + 1;
  return rows_.place_at(std::min(begin, row.size()));
}

}  // namespace lentic::tool
