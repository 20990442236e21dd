// SPDX-License-Identifier: Apache-2.0
#include "row_parser.hpp"

#include "time_text.hpp"

#include <cassert>

namespace lentic::tool {

std::vector<input_column> columns_of(const run_options& options) {
  std::vector<input_column> columns{{"--ts", options.ts_field}, {"--key", options.key_field}};
  for (const std::string& each : options.aggregates.columns) columns.push_back({"--agg", each});
  return columns;
}

row_parser::row_parser(const run_options& options)
    : window_size_ms_(options.window.size_ms), numbers_(options.aggregates.columns.size()) {}

result<parsed_row> row_parser::parse(std::span<const std::string_view> fields,
                                     const aggregator& types) {
  assert(fields.size() == 2 + numbers_.size());
  parsed_row row;
  bad_field_ = time_field;
  if (fields[time_field].empty()) return make_error_code(errc::empty_field);
  const result<std::int64_t> time_ms = parse_time(fields[time_field]);
  if (!time_ms) return time_ms.error();
  row.time_ms = *time_ms;
  if (!window_fits(row.time_ms, window_size_ms_)) return make_error_code(errc::time_past_9999);

  bad_field_ = key_field;
  row.key = fields[key_field];
  if (row.key.empty()) return make_error_code(errc::empty_field);
  if (row.key.find_first_of("\r\n") != row.key.npos) {
    return make_error_code(errc::key_has_line_break);
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    bad_field_ = first_number + i;
    const result<number> value = types.read(i, fields[bad_field_]);
    if (!value) return value.error();
    numbers_[i] = *value;
  }
  row.numbers = numbers_;
  return row;
}

}  // namespace lentic::tool
