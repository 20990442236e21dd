// SPDX-License-Identifier: Apache-2.0
#pragma once

// From the fields of a CSV record to what an aggregation needs: time, key, numbers. Finds the
// columns in the header and applies the rules of a good row that one row alone can break.
// Threads: none synchronised. No allocation per row after the first.
// Not promised: that the row is good; --max-jump and the overflow of a sum need the state.

#include "aggregates.hpp"
#include "csv_reader.hpp"
#include "options.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

// The key is a view of the record's fields.
struct parsed_row {
  std::int64_t time_ms = 0;
  std::string_view key;
  std::span<const number> numbers;  // one a column of the aggregate list
};

class row_parser {
 public:
  // Throws usage_error: a field of --ts, --key or --agg that `header` lacks, with the nearest one,
  // or has twice. `file` is for that message.
  row_parser(const run_options& options, std::span<const std::string_view> header,
             std::string_view file);

  // Precondition: as many fields as the header has. Types are those fixed in `types` so far; fixing
  // them is the caller's, once the row is good. The numbers live until the next call.
  // Errors: those of parse_time() and parse_number(), empty_field, key_has_line_break,
  // time_past_9999 for the window's end; bad_field() then says which field.
  result<parsed_row> parse(std::span<const std::string_view> fields, const aggregator& types);

  // Index into the record, and name, of the field that parse() refused last.
  std::size_t bad_field() const noexcept { return bad_field_; }
  std::size_t time_field() const noexcept { return time_column_; }
  std::size_t key_field() const noexcept { return key_column_; }
  std::string_view bad_field_name() const noexcept { return names_[bad_field_]; }
  std::string_view field_name(std::size_t field) const noexcept { return names_[field]; }

 private:
  std::size_t find(std::string_view name, std::string_view option, std::string_view file) const;

  std::vector<std::string> names_;
  std::int64_t window_size_ms_;
  std::size_t time_column_;
  std::size_t key_column_;
  std::vector<std::size_t> number_columns_;
  std::vector<number> numbers_;
  std::size_t bad_field_ = 0;
};

// `in.csv:1042:17: scheduled "12:60": not a time (...)`: where, which field and value, and why.
// A long value is cut, and control characters are shown as '?'. No line end.
std::string bad_row_text(std::string_view file, csv_place place, std::string_view field,
                         std::string_view value, std::error_code reason);
// The same for a row that has no single bad field.
std::string bad_row_text(std::string_view file, csv_place place, std::error_code reason);

}  // namespace lentic::tool
