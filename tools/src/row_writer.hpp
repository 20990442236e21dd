// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rows of results as CSV (RFC 4180, LF), NDJSON or an aligned table. Columns of a window: the key
// field's name, window_start, window_end, then the aggregates, named as given. Columns of a change:
// seq, the same three, then for each aggregate what it was ("old:NAME") and what it is
// ("new:NAME").
//
// A CSV or NDJSON row is one line: keys hold no line break (the command refuses them on the way
// in). The same row gives the same bytes on every run, so that an outbox can be written again. A
// table's columns are as wide as its header and usual values; a wider value moves what is right of
// it. Control characters are shown as '?' there, so that data cannot drive the terminal.
// Threads: const members may be called from several.

#include "time_text.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

enum class output_format { table, csv, ndjson };

// A row of windows, or one of changes.
enum class row_kind { windows, changes };

// Views that live as long as the call. One value a column behind the window's end, as
// aggregator::render() gives them; an empty one is nothing (JSON: null).
struct output_row {
  std::uint64_t seq = 0;  // of a change
  std::string_view key;
  std::int64_t window_start_ms = 0;
  std::int64_t window_end_ms = 0;
  std::span<const std::string> values;
};

class row_writer {
 public:
  row_writer(output_format format, time_format times, row_kind kind, std::string_view key_name,
             std::span<const std::string> aggregate_names);

  // Appends the header line to `out`; nothing for NDJSON.
  void header(std::string& out) const;
  // Appends one row and its line feed. Precondition: as many values as aggregate names; of a
  // change, twice as many: old and new of the first, then of the second.
  void row(std::string& out, const output_row& row) const;

 private:
  void csv_row(std::string& out, const output_row& row) const;
  void json_row(std::string& out, const output_row& row) const;
  void table_row(std::string& out, const output_row& row) const;

  output_format format_;
  time_format times_;
  row_kind kind_;
  std::size_t value_column_ = 3;         // of the first value
  std::vector<std::string> names_;       // of all columns
  std::vector<std::string> json_names_;  // quoted, with the colon
};

// Appends `field`, in quotes if it holds a comma, a quote or a line break.
void append_csv_field(std::string& out, std::string_view field);

// Appends `text` as a JSON string (RFC 8259). Precondition: valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace lentic::tool
