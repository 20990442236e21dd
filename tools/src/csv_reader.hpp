// SPDX-License-Identifier: Apache-2.0
#pragma once

// Splits CSV into records, from bytes that arrive in chunks. RFC 4180: comma, quotes, "" for a
// quote, line feeds inside quotes, LF or CRLF at the end of a line. UTF-8; a byte order mark at the
// very start is skipped, and so are blank lines. The first record is handed out like any other:
// that it is a header is the caller's knowledge; it fixes the number of fields.
//
//   reader.feed(chunk);
//   while ((event = reader.next()) == row_event::record) use(reader.fields());
//
// A row that cannot be read is an event of its own and is skipped to the next line end: longer than
// row_bytes_max, text after a closing quote, a quote left open at the end of the input, invalid
// UTF-8, another number of fields than the first row. What it reports does not depend on how the
// input is cut into chunks.
//
// Memory: at most row_bytes_max and one copy of the fields, whatever the input holds.
// Lifetime: a chunk stays valid until need_input; fields until the next call of next().
// Threads: one at a time.

#include "csv_boundary.hpp"
#include "errors.hpp"
#include "row_splitter.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

// Where to go on, and how many fields a row has; 0 when the next record is to fix it.
struct csv_start {
  row_start at;
  std::size_t field_count = 0;
};

class csv_reader {
 public:
  explicit csv_reader(csv_start start = {}, std::size_t bytes_max = row_bytes_max);

  // Gives the next bytes. Precondition: next() answered need_input, or was never called.
  void feed(std::string_view chunk) { rows_.feed(chunk); }
  // No more bytes will come. Same precondition.
  void finish() noexcept { rows_.finish(); }

  row_event next();

  // The row of the last event. Empty after a bad row, unless only its field count is wrong.
  std::span<const std::string_view> fields() const noexcept { return fields_; }
  // Where that field begins (its quote, if it has one). O(length of the row).
  row_place place(std::size_t field) const noexcept;
  // Why the last event was bad_row, and where.
  std::error_code reason() const noexcept { return reason_; }
  row_place reason_place() const noexcept { return reason_place_; }

  // Bytes of input up to the end of the last row, its line end and blank lines before included.
  std::uint64_t position() const noexcept { return rows_.position(); }
  // Line number at position().
  std::uint64_t line() const noexcept { return rows_.line(); }
  // Whether the last row ended with a line end. False only for the last row of an input.
  bool terminated() const noexcept { return rows_.terminated(); }
  std::size_t field_count() const noexcept { return field_count_; }

 private:
  row_event read(std::string_view content);
  row_event split(std::string_view content);
  row_event bad_row(errc code, std::size_t offset);
  void split_quoted(std::string_view content);

  csv_boundary boundary_;
  row_splitter rows_;  // cuts with boundary_
  std::size_t field_count_;
  std::string unescaped_;
  std::vector<std::string_view> fields_;
  std::error_code reason_;
  row_place reason_place_;
};

}  // namespace lentic::tool
