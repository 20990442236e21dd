// SPDX-License-Identifier: Apache-2.0
#pragma once

// record_reader: the rows of an input, from bytes that arrive in chunks, as the fields of the
// columns that were asked for. What a format is (CSV, NDJSON) only its implementation knows; the
// job drives all of them in one way:
//
//   until reader.open(): reader.feed(chunk)           or reader.resume(head, start)
//   while ((event = reader.next()) == row_event::record) use(reader.fields());
//
// A row that cannot be read is an event of its own and is skipped. What is reported does not depend
// on how the input is cut into chunks.
// Lifetime: a chunk stays valid until need_input (of next()) or false (of open()); fields until the
// next call of next(). Errors: open() throws input_error for an input whose columns cannot be found
// and usage_error for a column that it lacks. Threads: one at a time.

#include "errors.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

// More than 1 MiB: a bad row.
inline constexpr std::size_t row_bytes_max = 1U << 20;

enum class row_event { record, bad_row, need_input, end };

// For messages: both count from 1, the column in bytes.
struct row_place {
  std::uint64_t line = 1;
  std::uint64_t column = 1;

  bool operator==(const row_place&) const = default;
};

// Where to go on: byte and line of the input, both of the next row.
struct row_start {
  std::uint64_t position = 0;
  std::uint64_t line = 1;
};

// A field that the job reads: its name as given, and the option that gave it, for messages.
struct input_column {
  std::string option;
  std::string name;
};

// Why the last event was bad_row; the column where it is the fault of one.
struct bad_row_reason {
  std::error_code code;
  row_place place;
  std::optional<std::size_t> column;
};

class record_reader {
 public:
  record_reader() = default;
  record_reader(const record_reader&) = delete;
  record_reader& operator=(const record_reader&) = delete;
  virtual ~record_reader() = default;

  // Gives the next bytes. Precondition: open() answered false, or next() need_input; or neither was
  // called.
  virtual void feed(std::string_view chunk) = 0;
  // No more bytes will come. Same precondition.
  virtual void finish() = 0;

  // True once the columns are known: rows can be read, and position() is where they begin. False:
  // it needs input.
  virtual bool open() = 0;
  // In place of open(): goes on at `start`. `head` is what open() had read, position() bytes.
  virtual void resume(std::string_view head, row_start start) = 0;

  virtual row_event next() = 0;

  // Of the last record, one a column.
  virtual std::span<const std::string_view> fields() const = 0;
  // Where that field begins. O(length of the row).
  virtual row_place place(std::size_t column) const = 0;
  virtual bad_row_reason reason() const = 0;

  // Bytes of input up to the end of the last row, and the line number there.
  virtual std::uint64_t position() const = 0;
  virtual std::uint64_t line() const = 0;
  // Whether the last row ended with a line end. False only for the last row of an input.
  virtual bool terminated() const = 0;
};

enum class input_format { csv, ndjson };

// What the ending of a file's name says: .ndjson and .jsonl, with or without .gz; else csv.
input_format format_of_name(std::string_view name) noexcept;

// `file` is for messages. Throws usage_error for a name that the format cannot have.
std::unique_ptr<record_reader> make_record_reader(input_format format,
                                                  std::vector<input_column> columns,
                                                  std::string file);

}  // namespace lentic::tool
