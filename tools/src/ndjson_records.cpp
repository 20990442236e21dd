// SPDX-License-Identifier: Apache-2.0
#include "ndjson_records.hpp"

#include "suggest.hpp"
#include "utf8.hpp"

namespace lentic::tool {

namespace {

std::vector<json_path> paths_of(std::span<const input_column> columns) {
  std::vector<json_path> paths;
  for (const input_column& each : columns) {
    result<json_path> path = parse_field_name(each.name);
    if (!path)
      throw usage_error(each.option + " " + in_quotes(each.name) + ": " + path.error().message());
    paths.push_back(*std::move(path));
  }
  return paths;
}

bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == line.npos;
}

}  // namespace

ndjson_records::ndjson_records(std::span<const input_column> columns, std::size_t bytes_max)
    : bytes_max_(bytes_max),
      rows_(std::make_unique<row_splitter>(boundary_, row_start{}, bytes_max)),
      object_(paths_of(columns)),
      fields_(columns.size()) {}

void ndjson_records::resume(std::string_view head, row_start start) {
  if (!head.empty())
    throw input_error("the state was computed from input with a header line; use --input csv");
  rows_ = std::make_unique<row_splitter>(boundary_, start, bytes_max_);
}

row_event ndjson_records::next() {
  while (true) {
    switch (rows_->next()) {
      case row_splitter::event::row:
        if (is_blank(rows_->row())) continue;
        return read(rows_->row());
      case row_splitter::event::too_long:
        return bad_row(errc::line_too_long, 0);
      case row_splitter::event::need_input:
        return row_event::need_input;
      case row_splitter::event::end:
        return row_event::end;
    }
  }
}

row_event ndjson_records::read(std::string_view line) {
  const std::size_t invalid = invalid_utf8_at(line);
  if (invalid != line.size()) return bad_row(errc::invalid_utf8, invalid);
  const std::error_code failed = object_.read(line);
  if (failed) return bad_row(failed, object_.fault_offset());
  const std::span<const json_fields::field> found = object_.fields();
  for (std::size_t i = 0; i < found.size(); ++i) {
    fields_[i] = found[i].value;
    switch (found[i].what) {
      case json_fields::kind::scalar:
        break;
      case json_fields::kind::missing:
        return bad_field(errc::missing_field, i);
      case json_fields::kind::null:
        return bad_field(errc::null_field, i);
      case json_fields::kind::composite:
        return bad_field(errc::composite_field, i);
    }
  }
  return row_event::record;
}

row_place ndjson_records::place(std::size_t column) const {
  return rows_->place_at(object_.fields()[column].offset);
}

row_event ndjson_records::bad_row(std::error_code code, std::size_t offset) {
  reason_ = {code, rows_->place_at(offset), std::nullopt};
  return row_event::bad_row;
}

row_event ndjson_records::bad_field(errc code, std::size_t column) {
  reason_ = {code, place(column), column};
  return row_event::bad_row;
}

}  // namespace lentic::tool
