// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a record_reader reports, as text: one line an event. For its tests.

#include "record_reader.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

inline std::string place_text(row_place place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

inline std::string event_text(const record_reader& reader, row_event event) {
  std::string text;
  if (event == row_event::record) {
    for (std::size_t i = 0; i < reader.fields().size(); ++i)
      text += "<" + std::string(reader.fields()[i]) + ">" + place_text(reader.place(i)) + " ";
  } else {
    const bad_row_reason why = reader.reason();
    text += why.code.message() + " at " + place_text(why.place) + " ";
    if (why.column) text += "in " + std::to_string(*why.column) + " ";
  }
  return text + "to " + std::to_string(reader.position()) + " line " + std::to_string(reader.line())
       + (reader.terminated() ? "" : " cut");
}

// Reads `text` in chunks of the sizes that `next_size` gives; a chunk's memory is destroyed before
// the next one is fed, as a reused buffer would be.
template <class Sizes>
std::vector<std::string> record_texts(record_reader& reader, std::string_view text,
                                      Sizes next_size) {
  std::vector<std::string> events;
  std::string chunk;
  const auto feed = [&] {
    if (text.empty()) return reader.finish();
    chunk.assign(chunk.size(), '\0');
    chunk = text.substr(0, next_size());
    text.remove_prefix(chunk.size());
    reader.feed(chunk);
  };
  while (!reader.open()) feed();
  while (true) {
    const row_event event = reader.next();
    if (event == row_event::end) return events;
    if (event == row_event::need_input) {
      feed();
    } else {
      events.push_back(event_text(reader, event));
    }
  }
}

inline std::vector<std::string> record_texts(record_reader& reader, std::string_view text) {
  return record_texts(reader, text, [] { return std::size_t{1} << 30; });
}

}  // namespace lentic::tool
