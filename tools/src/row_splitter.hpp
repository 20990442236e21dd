// SPDX-License-Identifier: Apache-2.0
#pragma once

// Cuts an input into rows, from bytes that arrive in chunks, and knows where they are. Where a row
// ends its row_boundary says: at a line end, or behind one that a quote does not cover. A byte
// order mark at the very start is skipped. A row longer than bytes_max, without its line end, is
// skipped to the next line end and told of as an event of its own.
//
// Memory: at most bytes_max and a line end, whatever the input holds.
// Lifetime: the boundary outlives the splitter; a chunk stays valid until need_input, a row until
// the next call of next(). Threads: one at a time.

#include "record_reader.hpp"

namespace lentic::tool {

// Finds where a row ends, in one pass over bytes that arrive in pieces.
class row_boundary {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  virtual ~row_boundary() = default;
  // The offset of the line feed that ends the row, or none so far. `row` begins where the row
  // begins and holds at least the bytes of the call before.
  virtual std::size_t find(std::string_view row) noexcept = 0;
  // Forgets the row.
  virtual void restart() noexcept = 0;
  // Whether the row that was found may hold line feeds.
  virtual bool spans_lines() const noexcept = 0;

 protected:
  row_boundary() = default;
  row_boundary(const row_boundary&) = default;
  row_boundary& operator=(const row_boundary&) = default;
};

// Every line is a row.
class line_boundary final : public row_boundary {
 public:
  std::size_t find(std::string_view row) noexcept override {
    const std::size_t end = row.find('\n', scanned_);
    scanned_ = row.size();
    return end;
  }
  void restart() noexcept override { scanned_ = 0; }
  bool spans_lines() const noexcept override { return false; }

 private:
  std::size_t scanned_ = 0;
};

class row_splitter {
 public:
  enum class event { row, too_long, need_input, end };

  row_splitter(row_boundary& boundary, row_start start, std::size_t bytes_max);

  // Precondition: next() answered need_input, or was never called.
  void feed(std::string_view chunk);
  void finish() noexcept { finished_ = true; }
  event next();

  // The last row, blank ones included, without its line end; empty after too_long.
  std::string_view row() const noexcept { return row_; }
  // The line where it begins.
  std::uint64_t row_line() const noexcept { return row_line_; }
  bool terminated() const noexcept { return terminated_; }
  // Behind the last row.
  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t line() const noexcept { return line_; }
  // The place of a byte of row(). O(length of the row).
  row_place place_at(std::size_t offset) const noexcept;

 private:
  using step = std::optional<event>;  // none: nothing to report yet, go on

  step advance();
  step advance_carry();
  step advance_chunk();
  step advance_skip();
  step skip_carry();
  std::size_t raw_bytes_max() const noexcept { return bytes_max_ + 2; }
  bool is_too_long(std::string_view raw) const noexcept;
  step input_wanted();
  void take_mark();
  void begin_skip(std::string_view front);
  event end_of_row(std::string_view raw, bool terminated);

  row_boundary& boundary_;
  std::size_t bytes_max_;
  std::uint64_t position_;
  std::uint64_t line_;
  std::uint64_t row_line_;
  bool finished_ = false;
  bool terminated_ = true;
  bool at_mark_;                // a byte order mark may still come
  std::size_t mark_bytes_ = 0;  // how much of it has come
  bool row_open_ = false;       // the boundary knows the front of a row
  std::string_view chunk_;      // what is left of the chunk
  std::string carry_;           // the front of a row that began in an earlier chunk
  std::string whole_;           // a finished row that came out of carry_
  std::uint64_t skipped_ = 0;   // bytes of a row that is too long; 0: no such row
  std::uint64_t skipped_lines_ = 0;
  std::string_view row_;
};

}  // namespace lentic::tool
