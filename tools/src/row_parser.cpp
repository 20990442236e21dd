// SPDX-License-Identifier: Apache-2.0
#include "row_parser.hpp"

#include "suggest.hpp"
#include "time_text.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <cassert>

namespace lentic::tool {

namespace {

constexpr std::size_t value_bytes_shown = 60;

// The front of a value, cut between characters.
std::string shown(std::string_view value) {
  std::string text(value.substr(0, value_bytes_shown));
  text.resize(invalid_utf8_at(text));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text + (text.size() < value.size() ? "..." : "");
}

std::string place_text(std::string_view file, csv_place place) {
  return std::string(file)
      .append(":")
      .append(std::to_string(place.line))
      .append(":")
      .append(std::to_string(place.column))
      .append(": ");
}

}  // namespace

row_parser::row_parser(const run_options& options, std::span<const std::string_view> header,
                       std::string_view file)
    : names_(header.begin(), header.end()),
      window_size_ms_(options.window.size_ms),
      time_column_(find(options.ts_field, "--ts", file)),
      key_column_(find(options.key_field, "--key", file)) {
  for (const std::string& column : options.aggregates.columns) {
    number_columns_.push_back(find(column, "--agg", file));
  }
  numbers_.resize(number_columns_.size());
}

std::size_t row_parser::find(std::string_view name, std::string_view option,
                             std::string_view file) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) {
    const std::vector<std::string_view> columns(names_.begin(), names_.end());
    throw usage_error(std::string(option) + ": " + unknown_column_text(name, columns, file));
  }
  if (std::find(found + 1, names_.end(), name) != names_.end()) {
    throw usage_error(
        std::string(option) + ": " + std::string(file) + " has two columns " + in_quotes(name),
        "rename one of them in the header");
  }
  return static_cast<std::size_t>(found - names_.begin());
}

result<parsed_row> row_parser::parse(std::span<const std::string_view> fields,
                                     const aggregator& types) {
  assert(fields.size() == names_.size());
  parsed_row row;
  bad_field_ = time_column_;
  if (fields[time_column_].empty()) return make_error_code(errc::empty_field);
  const result<std::int64_t> time_ms = parse_time(fields[time_column_]);
  if (!time_ms) return time_ms.error();
  row.time_ms = *time_ms;
  if (!window_fits(row.time_ms, window_size_ms_)) return make_error_code(errc::time_past_9999);

  bad_field_ = key_column_;
  row.key = fields[key_column_];
  if (row.key.empty()) return make_error_code(errc::empty_field);
  if (row.key.find_first_of("\r\n") != row.key.npos) {
    return make_error_code(errc::key_has_line_break);
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    bad_field_ = number_columns_[i];
    const result<number> value = types.read(i, fields[bad_field_]);
    if (!value) return value.error();
    numbers_[i] = *value;
  }
  row.numbers = numbers_;
  return row;
}

std::string bad_row_text(std::string_view file, csv_place place, std::string_view field,
                         std::string_view value, std::error_code reason) {
  return place_text(file, place) + shown(field) + " " + in_quotes(shown(value)) + ": "
       + reason.message();
}

std::string bad_row_text(std::string_view file, csv_place place, std::error_code reason) {
  return place_text(file, place) + reason.message();
}

}  // namespace lentic::tool
