// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is said of a row that cannot be used. A long value is cut, and control characters are shown
// as '?'. No line end. Threads: pure functions.

#include "record_reader.hpp"

#include <string>
#include <string_view>
#include <system_error>

namespace lentic::tool {

// `in.csv:1042:17: scheduled "12:60": not a time (...)`: where, which field and value, and why.
std::string bad_row_text(std::string_view file, row_place place, std::string_view field,
                         std::string_view value, std::error_code reason);
// The same for a field without a value: `in.ndjson:7:1: /user/id: missing`.
std::string bad_row_text(std::string_view file, row_place place, std::string_view field,
                         std::error_code reason);
// The same for a row that has no single bad field.
std::string bad_row_text(std::string_view file, row_place place, std::error_code reason);

}  // namespace lentic::tool
