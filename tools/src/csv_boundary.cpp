// SPDX-License-Identifier: Apache-2.0
#include "csv_boundary.hpp"

#include <cstring>

namespace lentic::tool {

std::size_t csv_boundary::find(std::string_view record) noexcept {
  while (scanned_ < record.size()) {
    const std::size_t end = step(record);
    if (end != none) return end;
  }
  return none;
}

std::size_t csv_boundary::step(std::string_view record) noexcept {
  switch (state_) {
    case state::plain:
      return step_plain(record);
    case state::quoted: {
      const std::size_t quote = record.find('"', scanned_);
      scanned_ = quote == none ? record.size() : quote + 1;
      if (quote != none) state_ = state::after_quote;
      return none;
    }
    case state::after_quote:
      step_after_quote(record[scanned_]);
      return none;
    case state::after_quote_return:
      if (record[scanned_] == '\n') return scanned_++;
      break_here();
      return none;
    case state::broken: {
      const std::size_t end = record.find('\n', scanned_);
      scanned_ = end == none ? record.size() : end + 1;
      return end;
    }
  }
  return none;
}

// From an unquoted place: to the line end, or into the next quoted field before it.
std::size_t csv_boundary::step_plain(std::string_view record) noexcept {
  const char* const base = record.data();
  const void* const line_end = std::memchr(base + scanned_, '\n', record.size() - scanned_);
  const std::size_t end = line_end == nullptr
                            ? record.size()
                            : static_cast<std::size_t>(static_cast<const char*>(line_end) - base);
  while (scanned_ < end) {
    const void* const quote = std::memchr(base + scanned_, '"', end - scanned_);
    if (quote == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(quote) - base);
    scanned_ = at + 1;
    if (at != 0 && base[at - 1] != ',') continue;
    state_ = state::quoted;
    quotes_seen_ = true;
    opened_at_ = at;
    return none;
  }
  scanned_ = line_end == nullptr ? end : end + 1;
  return line_end == nullptr ? none : end;
}

void csv_boundary::step_after_quote(char next) noexcept {
  switch (next) {
    case '"':
      state_ = state::quoted;
      ++scanned_;
      return;
    case ',':
    case '\n':
      state_ = state::plain;
      return;
    case '\r':
      state_ = state::after_quote_return;
      ++scanned_;
      return;
    default:
      break_here();
      return;
  }
}

void csv_boundary::break_here() noexcept {
  broken_at_ = scanned_;
  state_ = state::broken;
}

}  // namespace lentic::tool
