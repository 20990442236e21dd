// SPDX-License-Identifier: Apache-2.0
#pragma once

// Amounts of memory as they stand on the command line: a whole number of bytes, or one with kB, MB,
// GB (powers of 1000) or KiB, MiB, GiB (powers of 1024).
// Errors: not_a_byte_size, whose message names the accepted forms. Threads: pure functions.

#include "errors.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

// Up to 2^62, so that sums of two of them do not overflow.
result<std::uint64_t> parse_byte_size(std::string_view text) noexcept;

// In the largest unit that divides it: 16777216 -> "16MiB", 256000000 -> "256MB". Reads back as the
// same size.
std::string byte_size_text(std::uint64_t size_bytes);

}  // namespace lentic::tool
