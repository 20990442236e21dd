// SPDX-License-Identifier: Apache-2.0
#pragma once

// The topology of `lentic run`, up to what becomes of its windows:
//
//   rows | group_by_key() | windowed_by(...) | aggregate_bytes("windows", update)
//
// A row's key and numbers are views that live until it is processed.
// Threads: as process::topology. Errors: errc::invalid_argument for windows that cannot be.

#include "duration_text.hpp"
#include "numbers.hpp"
#include "run_state.hpp"

#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lentic::tool {

inline constexpr std::string_view row_source_name = "input";

using row_numbers = std::span<const number>;
using row_record = process::record<std::string_view, row_numbers>;
using row_source = process::source<std::string_view, row_numbers>;
using window_change =
    process::record<windows::windowed<std::string_view>, process::change_of<bytes>>;

inline windows::window_definition definition_of(const window_spec& window, std::int64_t grace_ms,
                                                std::int64_t retention_ms) {
  using ms = std::chrono::milliseconds;
  return windows::hopping(ms(window.size_ms), ms(window.advance_ms))
      .grace(ms(grace_ms))
      .retention(ms(retention_ms));
}

// The rows of `to`, to be grouped into windows.
inline auto windowed_rows(process::topology& to, const windows::window_definition& windows) {
  return to.source<std::string_view, row_numbers>(std::string(row_source_name))
       | process::group_by_key() | windows::windowed_by(windows);
}

}  // namespace lentic::tool
