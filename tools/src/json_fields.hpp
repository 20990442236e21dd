// SPDX-License-Identifier: Apache-2.0
#pragma once

// json_fields: the values at some paths of one JSON object. All of the text is read and must be
// JSON (RFC 8259), also where no path leads; a name on a path that occurs twice in its object is
// refused, because readers of JSON differ in which of the two counts.
//
// A string's value is its text without escapes, any other scalar's its text as written.
// Threads: one at a time. Lifetime: values until the next read().
// Memory: about ten times the longest text read. Not promised: that an error's offset is exact for
// text that is not JSON; what stands before it could be read.

#include "json_pointer.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace lentic::tool {

class json_fields {
 public:
  static constexpr int nesting_max = 64;

  enum class kind { missing, null, composite, scalar };
  struct field {
    kind what = kind::missing;
    std::size_t offset = 0;  // in the text; of a missing one 0
    std::string_view value;  // of a scalar
  };

  explicit json_fields(std::span<const json_path> paths);
  ~json_fields();
  json_fields(json_fields&&) noexcept;
  json_fields& operator=(json_fields&&) noexcept;

  // Errors: not_an_object, not_json, bad_escape, nested_too_deep, repeated_name; fault_offset()
  // then says where. Precondition: valid UTF-8.
  std::error_code read(std::string_view text);
  // One a path, of the last read() that succeeded.
  std::span<const field> fields() const noexcept;
  std::size_t fault_offset() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace lentic::tool
