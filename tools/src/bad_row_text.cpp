// SPDX-License-Identifier: Apache-2.0
#include "bad_row_text.hpp"

#include "suggest.hpp"
#include "utf8.hpp"

namespace lentic::tool {

namespace {

constexpr std::size_t value_bytes_shown = 60;

// The front of a value, cut between characters.
std::string shown(std::string_view value) {
  std::string text(value.substr(0, value_bytes_shown));
  text.resize(invalid_utf8_at(text));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text + (text.size() < value.size() ? "..." : "");
}

std::string place_text(std::string_view file, row_place place) {
  return std::string(file)
      .append(":")
      .append(std::to_string(place.line))
      .append(":")
      .append(std::to_string(place.column))
      .append(": ");
}

}  // namespace

std::string bad_row_text(std::string_view file, row_place place, std::string_view field,
                         std::string_view value, std::error_code reason) {
  return place_text(file, place) + shown(field) + " " + in_quotes(shown(value)) + ": "
       + reason.message();
}

std::string bad_row_text(std::string_view file, row_place place, std::error_code reason) {
  return place_text(file, place) + reason.message();
}

std::string bad_row_text(std::string_view file, row_place place, std::string_view field,
                         std::error_code reason) {
  return place_text(file, place) + shown(field) + ": " + reason.message();
}

}  // namespace lentic::tool
