// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds where a CSV record ends, in one pass over bytes that arrive in pieces. It remembers how far
// it has looked, so that a record of n bytes costs O(n) however it is cut.
//
// Rules: RFC 4180. A quote opens a quoted field only at the field's start; elsewhere in an unquoted
// field it is text. After a closing quote comes a comma, a line end, or another quote (escaped). A
// record that breaks this ends at the next line end, quoted or not.
// Threads: a plain value.

#include "row_splitter.hpp"

#include <cstddef>
#include <string_view>

namespace lentic::tool {

class csv_boundary final : public row_boundary {
 public:
  std::size_t find(std::string_view record) noexcept override;
  void restart() noexcept override { *this = {}; }
  bool spans_lines() const noexcept override { return quotes_seen_; }

  // Whether a quoted field is open after the bytes seen: at the end of the input, an error.
  bool quote_open() const noexcept { return state_ == state::quoted; }
  // Whether a quote occurred where it has a meaning.
  bool quotes_seen() const noexcept { return quotes_seen_; }
  // Offset of the byte that must not follow a closing quote; none if there is none.
  std::size_t broken_at() const noexcept { return broken_at_; }
  // Offset of the last quote that opened a field.
  std::size_t opened_at() const noexcept { return opened_at_; }

 private:
  enum class state { plain, quoted, after_quote, after_quote_return, broken };

  std::size_t step(std::string_view record) noexcept;
  std::size_t step_plain(std::string_view record) noexcept;
  void step_after_quote(char next) noexcept;
  void break_here() noexcept;

  state state_ = state::plain;
  bool quotes_seen_ = false;
  std::size_t scanned_ = 0;
  std::size_t broken_at_ = none;
  std::size_t opened_at_ = 0;
};

}  // namespace lentic::tool
