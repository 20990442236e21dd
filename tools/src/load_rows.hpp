// SPDX-License-Identifier: Apache-2.0
#pragma once

// load_rows: the rows of `lentic store load`, from bytes that arrive in chunks: what `store dump`
// prints, or rows of one's own. A row has, as columns of CSV or members of NDJSON:
//
//   store      the store's name; else that of --store
//   segment    a whole number; else 0
//   key_hex    or, without it, key: as text
//   value_hex  or, without it, value: as text (a number or true as it is written)
//
// Others, such as the window_start of a dump, are passed over.
// It is driven like a record_reader, whose lifetimes hold. Errors: open() throws input_error for a
// header without key or value, usage_error for a missing --store. Threads: one at a time.

#include "csv_reader.hpp"
#include "json_fields.hpp"
#include "record_reader.hpp"
#include "row_splitter.hpp"

#include <lentic/bytes.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lentic::tool {

// The largest key and value in hex, and the rest of the line.
inline constexpr std::size_t load_row_bytes_max = std::size_t{132} << 20;

struct load_row {
  std::string_view store;
  std::uint64_t segment = 0;
  bytes key;
  bytes value;
};

class load_rows {
 public:
  // `file` is for messages.
  load_rows(input_format format, std::optional<std::string> store, std::string file);

  void feed(std::string_view chunk);
  void finish();
  bool open();
  void resume(std::string_view head, row_start start);
  row_event next();

  // Of the last record; valid until the next call of next().
  const load_row& row() const noexcept { return row_; }
  // Of the last bad row: `rows.csv:7:3: key_hex "4x": not an even number of hex digits`.
  const std::string& fault() const noexcept { return fault_; }
  // The same for a row that the store refuses.
  std::string refused(std::string_view reason) const;

  std::uint64_t position() const;
  std::uint64_t line() const;
  bool terminated() const;

 private:
  enum slot : std::size_t { store, segment, key_hex, key, value_hex, value };
  static constexpr std::size_t slot_count = 6;
  using slots = std::array<std::optional<std::string_view>, slot_count>;

  void bind(std::span<const std::string_view> header);
  row_event next_csv();
  row_event next_json();
  row_event take(const slots& found);
  row_event bad_row(row_place at, const std::string& reason);
  row_event bad_slot(slot which, std::string_view text, const std::string& reason);
  row_place place_of(slot which) const;
  std::string reason_text(std::error_code code) const;

  std::optional<std::string> store_;
  std::string file_;
  std::unique_ptr<csv_reader> csv_;  // null: NDJSON
  std::array<std::optional<std::size_t>, slot_count> columns_;
  line_boundary boundary_;
  std::unique_ptr<row_splitter> lines_;
  json_fields object_;
  load_row row_;
  row_place row_place_;
  std::string fault_;
};

}  // namespace lentic::tool
