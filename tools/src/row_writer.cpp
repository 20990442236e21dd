// SPDX-License-Identifier: Apache-2.0
#include "row_writer.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

namespace lentic::tool {

namespace {

constexpr std::size_t key_width_min = 12;
constexpr std::size_t seq_width = 10;
constexpr std::size_t time_width = 20;  // 2001-01-01T00:00:00Z
constexpr std::size_t number_width_min = 10;
constexpr std::string_view gap = "  ";

std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return out;
}

void pad(std::string& out, std::size_t used, std::size_t width) {
  if (used < width) out.append(width - used, ' ');
}

void append_left(std::string& out, std::string_view text, std::size_t width) {
  const std::string shown = printable(text);
  out += shown;
  pad(out, code_points(shown), width);
}

void append_right(std::string& out, std::string_view text, std::size_t width) {
  const std::string shown = printable(text);
  pad(out, code_points(shown), width);
  out += shown;
}

std::size_t width_of(std::string_view name, std::size_t least) {
  return std::max(code_points(name), least);
}

// A JSON number or, for RFC 3339, a string.
void append_json_time(std::string& out, std::int64_t time_ms, time_format format) {
  if (format == time_format::rfc3339) out += '"';
  append_time(out, time_ms, format);
  if (format == time_format::rfc3339) out += '"';
}

}  // namespace

void append_csv_field(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == field.npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view plain = "\"\\\b\f\n\r\t";
  constexpr std::string_view short_forms = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    const std::size_t special = plain.find(c);
    if (special != plain.npos) {
      out += '\\';
      out += short_forms[special];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) / 16];
      out += digits[static_cast<unsigned char>(c) % 16];
    } else {
      out += c;
    }
  }
  out += '"';
}

row_writer::row_writer(output_format format, time_format times, row_kind kind,
                       std::string_view key_name, std::span<const std::string> aggregate_names)
    : format_(format),
      times_(times),
      kind_(kind),
      names_{std::string(key_name), "window_start", "window_end"} {
  if (kind == row_kind::windows) {
    names_.insert(names_.end(), aggregate_names.begin(), aggregate_names.end());
  } else {
    names_.insert(names_.begin(), "seq");
    value_column_ = 4;
    for (const std::string& name : aggregate_names)
      for (const char* side : {"old:", "new:"}) names_.push_back(side + name);
  }
  for (const std::string& name : names_) {
    append_json_string(json_names_.emplace_back(), name);
    json_names_.back() += ':';
  }
}

void row_writer::header(std::string& out) const {
  switch (format_) {
    case output_format::ndjson:
      return;
    case output_format::csv:
      for (const std::string& name : names_) {
        if (&name != &names_.front()) out += ',';
        append_csv_field(out, name);
      }
      break;
    case output_format::table:
      if (kind_ == row_kind::changes) {
        append_right(out, names_[0], seq_width);
        out += gap;
      }
      append_left(out, names_[value_column_ - 3], key_width_min);
      append_left(out.append(gap), "window_start", time_width);
      append_left(out.append(gap), "window_end", time_width);
      for (std::size_t i = value_column_; i < names_.size(); ++i) {
        append_right(out.append(gap), names_[i], number_width_min);
      }
      break;
  }
  out += '\n';
}

void row_writer::row(std::string& out, const output_row& row) const {
  assert(row.values.size() + value_column_ == names_.size());
  switch (format_) {
    case output_format::csv:
      csv_row(out, row);
      break;
    case output_format::ndjson:
      json_row(out, row);
      break;
    case output_format::table:
      table_row(out, row);
      break;
  }
  out += '\n';
}

void row_writer::csv_row(std::string& out, const output_row& row) const {
  if (kind_ == row_kind::changes) out.append(std::to_string(row.seq)).append(",");
  append_csv_field(out, row.key);
  append_time(out += ',', row.window_start_ms, times_);
  append_time(out += ',', row.window_end_ms, times_);
  for (const std::string& value : row.values) append_csv_field(out += ',', value);
}

void row_writer::json_row(std::string& out, const output_row& row) const {
  out += '{';
  if (kind_ == row_kind::changes)
    out.append(json_names_[0]).append(std::to_string(row.seq)).append(",");
  append_json_string(out.append(json_names_[value_column_ - 3]), row.key);
  append_json_time(out.append(",").append(json_names_[value_column_ - 2]), row.window_start_ms,
                   times_);
  append_json_time(out.append(",").append(json_names_[value_column_ - 1]), row.window_end_ms,
                   times_);
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    const std::string& value = row.values[i];
    out.append(",").append(json_names_[i + value_column_]).append(value.empty() ? "null" : value);
  }
  out += '}';
}

void row_writer::table_row(std::string& out, const output_row& row) const {
  std::string time;
  if (kind_ == row_kind::changes) {
    append_right(out, std::to_string(row.seq), seq_width);
    out += gap;
  }
  append_left(out, row.key, width_of(names_[value_column_ - 3], key_width_min));
  append_time(time, row.window_start_ms, times_);
  append_left(out.append(gap), time, time_width);
  time.clear();
  append_time(time, row.window_end_ms, times_);
  append_left(out.append(gap), time, time_width);
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    append_right(out.append(gap), row.values[i],
                 width_of(names_[i + value_column_], number_width_min));
  }
}

}  // namespace lentic::tool
