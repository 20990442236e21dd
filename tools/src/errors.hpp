// SPDX-License-Identifier: Apache-2.0
#pragma once

// What can be wrong with the command's arguments and with its input. The message of each code
// completes the sentence "FILE:LINE:COLUMN: ..."; the job adds the place, the options the flag.
// Codes are not stored anywhere. Threads: plain values.

#include <lentic/coro/result.hpp>

#include <stdexcept>
#include <string>
#include <system_error>

namespace lentic::tool {

using coro::result;

enum class errc {
  // Values. In a row: skip it, report it. In an argument: usage error.
  not_a_time = 1,
  time_without_zone,
  time_before_1970,
  time_past_9999,
  not_a_duration,
  duration_too_long,
  not_a_window,
  not_a_commit_interval,
  not_a_byte_size,
  not_a_pointer,
  empty_field,
  not_a_number,
  not_an_integer,
  number_out_of_range,
  sum_overflow,
  key_has_line_break,
  time_jump,
  // Rows. Skip the row, report it.
  line_too_long,
  text_after_quote,
  open_quote,
  invalid_utf8,
  wrong_field_count,
  not_an_object,
  not_json,
  bad_escape,
  nested_too_deep,
  repeated_name,
  missing_field,
  null_field,
  composite_field,
  // The input as a whole. Stop; the message must say what to do.
  gzip_truncated,
  gzip_corrupt,
  input_changed,
  input_shorter,
  last_line_grown,
  // Bytes in the state directory that do not decode. Give up; the state is not usable.
  bad_record,
};

const std::error_category& tool_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

// What is wrong with the input, and what to do. Exit code 3.
class input_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A mistake in the arguments: one clear line, and a hint that may be empty. Exit code 2.
class usage_error : public std::runtime_error {
 public:
  explicit usage_error(const std::string& message, std::string hint = {})
      : std::runtime_error(message), hint_(std::move(hint)) {}
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string hint_;
};

}  // namespace lentic::tool

template <>
struct std::is_error_code_enum<lentic::tool::errc> : std::true_type {};
