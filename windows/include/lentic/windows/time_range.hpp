// SPDX-License-Identifier: Apache-2.0
#pragma once

// Time as windows see it: milliseconds since 1970 in an int64, ranges that include both ends (as in
// Kafka), and sums that stop at the ends of int64 instead of overflowing.
// Pure values and functions; any thread. Not promised: calendars, zones, leap seconds.

#include <cstdint>
#include <limits>

namespace lentic::windows {

inline constexpr std::int64_t time_max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t time_min = std::numeric_limits<std::int64_t>::min();

// left + right, held at the nearest end of int64.
constexpr std::int64_t saturating_add(std::int64_t left, std::int64_t right) noexcept {
  if (right > 0 && left > time_max - right) return time_max;
  if (right < 0 && left < time_min - right) return time_min;
  return left + right;
}

// left - right, held at the nearest end of int64.
constexpr std::int64_t saturating_sub(std::int64_t left, std::int64_t right) noexcept {
  if (right > 0 && left < time_min + right) return time_min;
  if (right < 0 && left > time_max + right) return time_max;
  return left - right;
}

// [from_ms, to_ms], both ends included. from_ms > to_ms is empty, not an error.
struct time_range {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = time_max;

  constexpr bool empty() const noexcept { return from_ms > to_ms; }
  constexpr bool contains(std::int64_t time_ms) const noexcept {
    return from_ms <= time_ms && time_ms <= to_ms;
  }
  constexpr bool operator==(const time_range&) const noexcept = default;
};

}  // namespace lentic::windows
