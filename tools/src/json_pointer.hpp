// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names of fields of NDJSON. A name that begins with '/' is a JSON pointer (RFC 6901): the names
// and array indexes on the way from the line's object to the field, each behind a '/', with ~1 for
// '/' and ~0 for '~'. Any other name is that of a member of the line's object, as it stands.
//
//   "/user/id" -> user, id      "/a~1b" -> a/b      "amount" -> amount      "a/b" -> a/b
//
// Threads: pure functions.

#include "errors.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

// From the outside in; at least one.
using json_path = std::vector<std::string>;

// Error: not_a_pointer, for a '~' that is followed by neither 0 nor 1.
result<json_path> parse_field_name(std::string_view name);

}  // namespace lentic::tool
