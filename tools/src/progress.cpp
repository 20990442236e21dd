// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include "time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace lentic::tool {

namespace {

// A file may grow while it is read: never more than 100.
std::uint64_t percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return 100;
  return static_cast<std::uint64_t>(
      std::min(100.0, 100.0 * static_cast<double>(part) / static_cast<double>(whole)));
}

}  // namespace

std::string grouped(std::uint64_t value) {
  std::string text = fmt::to_string(value);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string rounded(double value) {
  if (value < 1e3) return fmt::format("{:.0f}", value);
  if (value < 1e6) return fmt::format("{:.3g}k", value / 1e3);
  if (value < 1e9) return fmt::format("{:.3g}M", value / 1e6);
  return fmt::format("{:.3g}G", value / 1e9);
}

std::string progress_line(const progress_figures& figures, std::size_t width) {
  std::vector<std::string> parts{rounded(static_cast<double>(figures.rows)) + " rows"};
  if (figures.interval_ms > 0 && figures.rows >= figures.rows_before) {
    const auto rows = static_cast<double>(figures.rows - figures.rows_before);
    const double per_second = rows * 1000 / static_cast<double>(figures.interval_ms);
    parts.push_back(rounded(per_second) + " rows/s");
  }
  if (figures.event_time_ms) {
    append_time(parts.emplace_back("event time "), *figures.event_time_ms, time_format::rfc3339);
  }
  parts.push_back("late " + grouped(figures.late_dropped));
  if (figures.bytes_total) {
    parts.push_back(fmt::format("{} %", percent(figures.bytes, *figures.bytes_total)));
  }
  std::string line;
  for (const std::string& part : parts) {
    const std::size_t gap = line.empty() ? 0 : 2;
    if (line.size() + gap + part.size() > width) break;
    line.append(gap, ' ').append(part);
  }
  return line;
}

std::string bytes_line(std::string_view what, const byte_figures& figures) {
  std::string line = fmt::format("{}: {}B", what, rounded(static_cast<double>(figures.bytes)));
  if (figures.bytes_total) {
    line += fmt::format(" of {}B, {} %", rounded(static_cast<double>(*figures.bytes_total)),
                        percent(figures.bytes, *figures.bytes_total));
  }
  if (figures.elapsed_ms > 0) {
    const double rate =
        static_cast<double>(figures.bytes) * 1000 / static_cast<double>(figures.elapsed_ms);
    line += fmt::format(", {}B/s", rounded(rate));
  }
  return line;
}

std::string catch_up_line(std::uint64_t row, std::uint64_t bytes, std::uint64_t bytes_target) {
  return fmt::format("finding row {}: {} %", grouped(row), percent(bytes, bytes_target));
}

}  // namespace lentic::tool
