// SPDX-License-Identifier: Apache-2.0
#pragma once

// Times as text. Read: RFC 3339 with optional seconds and fraction, or integer milliseconds since
// 1970; each value on its own. Written: RFC 3339 in UTC, or milliseconds.
//
// Errors: a typed reason (errors.hpp). Threads: pure functions.
// Not promised: leap seconds (":60" is not a time; milliseconds since 1970 do not count them), nor
// more than milliseconds (further digits of a fraction are cut off).

#include "errors.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

enum class time_format { rfc3339, ms };

// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can name.
inline constexpr std::int64_t time_ms_max = 253'402'300'799'999;

// Milliseconds since 1970, 0 to time_ms_max. Accepts 'T', 't' or a space between date and time, and
// "Z", "z", "+hh:mm" or "-hh:mm" at the end. Errors: not_a_time, time_without_zone,
// time_before_1970, time_past_9999.
result<std::int64_t> parse_time(std::string_view text) noexcept;

// Whether a window of `size_ms` that holds `time_ms` ends within the year 9999.
constexpr bool window_fits(std::int64_t time_ms, std::int64_t size_ms) noexcept {
  return time_ms >= 0 && time_ms <= time_ms_max && size_ms <= time_ms_max - time_ms;
}

// Appends `time_ms` to `out`: "2001-01-31T14:05:00Z" (".250" before the Z unless zero), or the
// number. A time that RFC 3339 cannot name is written as a number in either format.
void append_time(std::string& out, std::int64_t time_ms, time_format format);

}  // namespace lentic::tool
