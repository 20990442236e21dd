// SPDX-License-Identifier: Apache-2.0
#pragma once

// The progress line of a run, from figures handed in: it reads no clock and writes nothing.
// Threads: pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lentic::tool {

// `bytes` are those of the descriptor (compressed ones of a gzip file), like `bytes_total`.
struct progress_figures {
  std::uint64_t rows = 0;
  std::uint64_t rows_before = 0;  // of the last line
  std::int64_t interval_ms = 0;   // since the last line
  std::optional<std::int64_t> event_time_ms;
  std::uint64_t late_dropped = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> bytes_total;  // none: a pipe
};

// "1.41M rows  1.1M rows/s  event time 2001-03-28T14:20:00Z  late 2,842  47 %", of at most `width`
// characters; parts that do not fit are left out from the right. No line end.
std::string progress_line(const progress_figures& figures, std::size_t width);

// While a gzip input is read again up to a stored position: "finding row 1,437,920: 47 %".
std::string catch_up_line(std::uint64_t row, std::uint64_t bytes, std::uint64_t bytes_target);

// How far a command is with bytes: "load: 1.2GB of 3.4GB, 35 %, 120MB/s". Without a total, of a
// pipe: "load: 1.2GB, 120MB/s". The rate is that since the start.
struct byte_figures {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> bytes_total;
  std::int64_t elapsed_ms = 0;
};
std::string bytes_line(std::string_view what, const byte_figures& figures);

// 1437920 -> "1,437,920"; 1437920 -> "1.44M".
std::string grouped(std::uint64_t value);
std::string rounded(double value);

}  // namespace lentic::tool
