// SPDX-License-Identifier: Apache-2.0
#pragma once

// Validation of UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), and the
// number of code points, for aligned columns. Threads: pure functions.

#include <cstddef>
#include <string_view>

namespace lentic::tool {

// The offset of the first byte that is not valid UTF-8; text.size() when all of it is.
std::size_t invalid_utf8_at(std::string_view text) noexcept;

// Code points of valid UTF-8. Not columns of a terminal: wide and combining ones count as one.
std::size_t code_points(std::string_view text) noexcept;

}  // namespace lentic::tool
