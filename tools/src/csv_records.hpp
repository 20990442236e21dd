// SPDX-License-Identifier: Apache-2.0
#pragma once

// csv_records: CSV with a header line as a record_reader. A column is found by its name in the
// header; a header that lacks one, or has it twice, is a usage_error with the nearest name, and one
// that cannot be read an input_error.
// Threads, lifetime and the rest: record_reader, csv_reader.

#include "csv_reader.hpp"

#include <memory>

namespace lentic::tool {

class csv_records final : public record_reader {
 public:
  // `file` is for messages.
  csv_records(std::vector<input_column> columns, std::string file);

  void feed(std::string_view chunk) override { reader_->feed(chunk); }
  void finish() override { reader_->finish(); }
  bool open() override;
  void resume(std::string_view head, row_start start) override;
  row_event next() override;

  std::span<const std::string_view> fields() const override { return fields_; }
  row_place place(std::size_t column) const override { return reader_->place(places_[column]); }
  bad_row_reason reason() const override {
    return {reader_->reason(), reader_->reason_place(), std::nullopt};
  }
  std::uint64_t position() const override { return reader_->position(); }
  std::uint64_t line() const override { return reader_->line(); }
  bool terminated() const override { return reader_->terminated(); }

 private:
  void bind(std::span<const std::string_view> header);
  std::size_t find(const input_column& column, std::span<const std::string_view> header) const;

  std::vector<input_column> columns_;
  std::string file_;
  std::unique_ptr<csv_reader> reader_;
  std::vector<std::size_t> places_;  // of each column, in a record
  std::vector<std::string_view> fields_;
};

}  // namespace lentic::tool
