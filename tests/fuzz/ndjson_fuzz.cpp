// SPDX-License-Identifier: Apache-2.0
// NDJSON from outside: in one piece, and cut into chunks whose size the first byte says. Both
// report the same rows, which lie inside the input, and whatever is a record is valid UTF-8.
#include "fuzz_target.hpp"
#include "ndjson_records.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <string>

namespace lentic::fuzz {
namespace {

constexpr std::size_t bytes_max = 200;

const std::vector<tool::input_column> columns{{"--ts", "t"}, {"--key", "/u/id"}, {"--agg", "/a/1"}};

void note(std::string& report, const tool::ndjson_records& reader, tool::row_event event) {
  tool::row_place place = reader.reason().place;
  if (event == tool::row_event::record) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string_view field = reader.fields()[i];
      check(tool::invalid_utf8_at(field) == field.size());
      place = reader.place(i);
      report.append(field).append(std::to_string(place.column));
    }
  } else {
    report.append(reader.reason().code.message()).append(std::to_string(place.column));
  }
  check(place.line < reader.line() || (place.line == reader.line() && !reader.terminated()));
  report.append(" ").append(std::to_string(reader.position())).append("\n");
}

std::string read(std::string_view text, std::size_t chunk_bytes) {
  tool::ndjson_records reader(columns, bytes_max);
  const std::size_t whole = text.size();
  std::string report;
  std::string chunk;
  while (true) {
    const tool::row_event event = reader.next();
    if (event == tool::row_event::end) break;
    if (event != tool::row_event::need_input) {
      note(report, reader, event);
    } else if (text.empty()) {
      reader.finish();
    } else {
      chunk = text.substr(0, chunk_bytes);
      text.remove_prefix(chunk.size());
      reader.feed(chunk);
    }
  }
  check(reader.position() <= whole);
  return report;
}

}  // namespace

std::vector<bytes> seeds() {
  return {
      to_bytes("\x05{\"t\":1,\"u\":{\"id\":\"k\\u00e9y\"},\"a\":[0,-1.5e3,true]}\n"
               "{\"a\":[null,\"2\"],\"t\":\"1970-01-01T00:00Z\",\"u\":{\"x\":{},\"id\":7}}\r\n"),
      to_bytes("\x01\xEF\xBB\xBF{\"t\":[],\"t\":{}}\n\n[{\"u\":[[[[]]]]}]\n{\"u\":\"\\ud83d"
               "\\ude00\\\"\\\\\"}"),
      to_bytes("\x40{\"t\":false,\"u\":{\"id\":null}} {\"a\":1}\n{\"t\":\"\\udc00\"}\n{\"t\"")};
}

}  // namespace lentic::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lentic;
  if (size == 0) return 0;
  const std::string_view text = as_text(fuzz::input(data + 1, size - 1));
  fuzz::check(fuzz::read(text, text.size() + 1) == fuzz::read(text, std::size_t{1} + data[0] % 64));
  return 0;
}
