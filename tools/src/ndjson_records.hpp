// SPDX-License-Identifier: Apache-2.0
#pragma once

// ndjson_records: one JSON object a line as a record_reader. A column is named by a JSON pointer or
// by the name of a member (json_pointer.hpp). There is no header: the columns are known before the
// first byte. Blank lines are skipped.
//
// A bad row: a line that is no JSON object (json_fields says why), longer than row_bytes_max, or
// not UTF-8; a column that is missing, null, an object or an array.
// Threads, lifetime and the rest: record_reader.

#include "json_fields.hpp"
#include "row_splitter.hpp"

namespace lentic::tool {

class ndjson_records final : public record_reader {
 public:
  // Throws usage_error for a name that is not a JSON pointer.
  explicit ndjson_records(std::span<const input_column> columns,
                          std::size_t bytes_max = row_bytes_max);

  void feed(std::string_view chunk) override { rows_->feed(chunk); }
  void finish() override { rows_->finish(); }
  bool open() override { return true; }
  // Throws input_error when open() had read something: then it was another format.
  void resume(std::string_view head, row_start start) override;
  row_event next() override;

  std::span<const std::string_view> fields() const override { return fields_; }
  row_place place(std::size_t column) const override;
  bad_row_reason reason() const override { return reason_; }
  std::uint64_t position() const override { return rows_->position(); }
  std::uint64_t line() const override { return rows_->line(); }
  bool terminated() const override { return rows_->terminated(); }

 private:
  row_event read(std::string_view line);
  row_event bad_row(std::error_code code, std::size_t offset);
  row_event bad_field(errc code, std::size_t column);

  std::size_t bytes_max_;
  line_boundary boundary_;
  std::unique_ptr<row_splitter> rows_;  // cuts with boundary_
  json_fields object_;
  std::vector<std::string_view> fields_;
  bad_row_reason reason_;
};

}  // namespace lentic::tool
