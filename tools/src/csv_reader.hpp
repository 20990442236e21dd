// SPDX-License-Identifier: Apache-2.0
#pragma once

// Splits CSV into records, from bytes that arrive in chunks. RFC 4180: comma, quotes, "" for a
// quote, line feeds inside quotes, LF or CRLF at the end of a line. UTF-8; a byte order mark at the
// very start is skipped, and so are blank lines. The first record is handed out like any other:
// that it is a header is the caller's knowledge; it fixes the number of fields.
//
//   reader.feed(chunk);
//   while ((event = reader.next()) == csv_event::record) use(reader.fields());
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

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

enum class csv_event { record, bad_row, need_input, end };

// Where to go on: byte and line of the input, both of the next record; and how many fields a row
// has, 0 when the next record is to fix it.
struct csv_start {
  std::uint64_t position = 0;
  std::uint64_t line = 1;
  std::size_t field_count = 0;
};

// For messages: both count from 1, the column in bytes.
struct csv_place {
  std::uint64_t line = 1;
  std::uint64_t column = 1;

  bool operator==(const csv_place&) const = default;
};

class csv_reader {
 public:
  static constexpr std::size_t row_bytes_max = 1U << 20;

  explicit csv_reader(csv_start start = {}, std::size_t bytes_max = row_bytes_max);

  // Gives the next bytes. Precondition: next() answered need_input, or was never called.
  void feed(std::string_view chunk);
  // No more bytes will come. Same precondition.
  void finish() noexcept { finished_ = true; }

  csv_event next();

  // The row of the last event. Empty after a bad row, unless only its field count is wrong.
  std::span<const std::string_view> fields() const noexcept { return fields_; }
  // Where that field begins (its quote, if it has one). O(length of the row).
  csv_place place(std::size_t field) const noexcept;
  // Why the last event was bad_row, and where.
  std::error_code reason() const noexcept { return reason_; }
  csv_place reason_place() const noexcept { return reason_place_; }

  // Bytes of input up to the end of the last row, its line end and blank lines before included.
  std::uint64_t position() const noexcept { return position_; }
  // Line number at position().
  std::uint64_t line() const noexcept { return line_; }
  // Whether the last row ended with a line end. False only for the last row of an input.
  bool terminated() const noexcept { return terminated_; }
  std::size_t field_count() const noexcept { return field_count_; }

 private:
  using step = std::optional<csv_event>;  // none: nothing to report yet, go on

  step advance();
  step advance_carry();
  step advance_chunk();
  step advance_skip();
  step input_wanted();
  void begin_skip(std::string_view front);
  step end_of_row(std::string_view raw, bool terminated);
  csv_event split(std::string_view content);
  csv_event bad_row(errc code, std::size_t offset);
  void split_quoted(std::string_view content);
  csv_place place_at(std::size_t offset) const noexcept;
  void take_mark();

  std::size_t bytes_max_;
  std::size_t field_count_;
  std::uint64_t position_;
  std::uint64_t line_;
  std::uint64_t row_line_;
  bool finished_ = false;
  bool terminated_ = true;
  bool at_mark_;                // a byte order mark may still come
  std::size_t mark_bytes_ = 0;  // how much of it has come
  csv_boundary boundary_;       // of the row in carry_, or at the front of chunk_
  std::string_view chunk_;      // what is left of the chunk
  std::string carry_;           // the front of a row that began in an earlier chunk
  std::string row_;             // a finished row that came out of carry_
  std::uint64_t skipped_ = 0;   // bytes of a row that is too long; 0: no such row
  std::uint64_t skipped_lines_ = 0;
  std::string unescaped_;
  std::string_view raw_;  // the last row, without its line end
  std::vector<std::string_view> fields_;
  std::error_code reason_;
  csv_place reason_place_;
};

}  // namespace lentic::tool
