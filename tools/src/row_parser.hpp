// SPDX-License-Identifier: Apache-2.0
#pragma once

// From the fields of a record to what an aggregation needs: time, key, numbers. Says which columns
// a job reads, and applies the rules of a good row that one row alone can break.
// Threads: none synchronised. No allocation per row after the first.
// Not promised: that the row is good; --max-jump and the overflow of a sum need the state.

#include "aggregates.hpp"
#include "options.hpp"
#include "record_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lentic::tool {

// The columns of a job, in this order: time, key, and one for each column of the aggregate list.
std::vector<input_column> columns_of(const run_options& options);

// The key is a view of the record's fields.
struct parsed_row {
  std::int64_t time_ms = 0;
  std::string_view key;
  std::span<const number> numbers;  // one a column of the aggregate list
};

class row_parser {
 public:
  // Indexes into columns_of().
  static constexpr std::size_t time_field = 0;
  static constexpr std::size_t key_field = 1;
  static constexpr std::size_t first_number = 2;

  explicit row_parser(const run_options& options);

  // Precondition: one field for each of columns_of(). Types are those fixed in `types` so far;
  // fixing them is the caller's, once the row is good. The numbers live until the next call.
  // Errors: those of parse_time() and parse_number(), empty_field, key_has_line_break,
  // time_past_9999 for the window's end; bad_field() then says which field.
  result<parsed_row> parse(std::span<const std::string_view> fields, const aggregator& types);

  // Index of the field that parse() refused last.
  std::size_t bad_field() const noexcept { return bad_field_; }

 private:
  std::int64_t window_size_ms_;
  std::vector<number> numbers_;
  std::size_t bad_field_ = 0;
};

}  // namespace lentic::tool
