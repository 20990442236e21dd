// SPDX-License-Identifier: Apache-2.0
#include "errors.hpp"

namespace lentic::tool {

namespace {

const char* argument_text_of(errc code) noexcept {
  switch (code) {
    case errc::not_a_duration:
      return "not a duration (want a whole number and a unit: 500ms, 1s, 10m, 1h or 1d)";
    case errc::duration_too_long:
      return "a duration longer than 8029 years";
    case errc::not_a_window:
      return "not a window (want tumbling:SIZE or hopping:SIZE/ADVANCE, such as tumbling:1h or "
             "hopping:1h/10m, with 0 < ADVANCE <= SIZE)";
    case errc::not_a_commit_interval:
      return "not a commit interval (want a duration above zero such as 1s, or a number of rows "
             "above zero such as 5000rows)";
    case errc::not_a_byte_size:
      return "not an amount of memory (want a whole number of bytes, or one with kB, MB, GB, KiB, "
             "MiB or GiB: 0, 65536, 16MiB)";
    case errc::not_a_pointer:
      return "not a JSON pointer (want ~1 for '/' and ~0 for '~' in a name)";
    default:
      return "unknown";
  }
}

const char* ndjson_text_of(errc code) noexcept {
  switch (code) {
    case errc::not_an_object:
      return "not a JSON object";
    case errc::not_json:
      return "not valid JSON, here or right behind";
    case errc::bad_escape:
      return "an escape that is no character";
    case errc::nested_too_deep:
      return "JSON nested deeper than 64 levels";
    case errc::repeated_name:
      return "a name that is twice in its object";
    case errc::missing_field:
      return "missing";
    case errc::null_field:
      return "null";
    case errc::composite_field:
      return "an object or an array, not a single value";
    default:
      return "unknown";
  }
}

const char* text_of(errc code) noexcept {
  switch (code) {
    case errc::not_a_time:
      return "not a time (want 2001-01-31T14:05Z, with seconds if you like, or integer "
             "milliseconds since 1970)";
    case errc::time_without_zone:
      return "a time without zone (want Z or an offset such as +02:00 at the end)";
    case errc::time_before_1970:
      return "a time before 1970";
    case errc::time_past_9999:
      return "a time whose window ends after the year 9999";
    case errc::not_a_duration:
    case errc::duration_too_long:
    case errc::not_a_window:
    case errc::not_a_commit_interval:
    case errc::not_a_byte_size:
    case errc::not_a_pointer:
      return argument_text_of(code);
    case errc::empty_field:
      return "empty";
    case errc::not_a_number:
      return "not a number";
    case errc::not_an_integer:
      return "not an integer, as the first value of this column was";
    case errc::number_out_of_range:
      return "a number out of range";
    case errc::sum_overflow:
      return "the sum of a window would overflow";
    case errc::time_jump:
      return "a time further ahead of the rows before it than --max-jump allows";
    case errc::key_has_line_break:
      return "a key with a line break";
    case errc::line_too_long:
      return "a row longer than 1 MiB";
    case errc::text_after_quote:
      return "text after a closing quote";
    case errc::open_quote:
      return "a quote that is never closed";
    case errc::invalid_utf8:
      return "invalid UTF-8";
    case errc::wrong_field_count:
      return "a different number of fields than the header has";
    case errc::not_an_object:
    case errc::not_json:
    case errc::bad_escape:
    case errc::nested_too_deep:
    case errc::repeated_name:
    case errc::missing_field:
    case errc::null_field:
    case errc::composite_field:
      return ndjson_text_of(code);
    case errc::gzip_truncated:
      return "the gzip stream ends too early";
    case errc::gzip_corrupt:
      return "the gzip stream is damaged";
    case errc::input_changed:
      return "the input is not the one that the state was computed from";
    case errc::input_shorter:
      return "the input is shorter than the part already read";
    case errc::last_line_grown:
      return "the last line had no line end when it was read, and has grown since";
    case errc::bad_record:
      return "a record of the state directory does not decode";
  }
  return "unknown";
}

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "lentic command"; }
  std::string message(int code) const override { return text_of(static_cast<errc>(code)); }
};

}  // namespace

const std::error_category& tool_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), tool_category()};
}

}  // namespace lentic::tool
