// SPDX-License-Identifier: Apache-2.0
#pragma once

// Durations, window specifications and commit intervals as they stand on the command line.
// Errors: a typed reason whose message names the accepted forms. Threads: pure functions.

#include "errors.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

enum class commit_unit { ms, rows };

// After how much a commit begins: milliseconds of the clock or rows read. Above zero.
struct commit_interval {
  commit_unit unit = commit_unit::ms;
  std::int64_t count = 1000;

  bool operator==(const commit_interval&) const = default;
};

enum class window_kind { tumbling, hopping };

// 0 < advance_ms <= size_ms; a tumbling window advances by its size.
struct window_spec {
  window_kind kind = window_kind::tumbling;
  std::int64_t size_ms = 0;
  std::int64_t advance_ms = 0;

  bool operator==(const window_spec&) const = default;
};

// Milliseconds, 0 to time_ms_max, so that the sum of any few of them does not overflow. A whole
// number and ms, s, m, h or d; "0" needs no unit. Errors: not_a_duration, duration_too_long.
result<std::int64_t> parse_duration(std::string_view text) noexcept;

// "1s" or "5000rows". Errors: not_a_commit_interval, duration_too_long.
result<commit_interval> parse_commit_interval(std::string_view text) noexcept;

// "tumbling:1h" or "hopping:1h/10m". Errors: not_a_window, not_a_duration, duration_too_long.
result<window_spec> parse_window(std::string_view text) noexcept;

// The largest unit that divides it: 7200000 -> "2h". Reads back as the same duration.
std::string duration_text(std::int64_t duration_ms);
std::string window_text(const window_spec& window);

}  // namespace lentic::tool
