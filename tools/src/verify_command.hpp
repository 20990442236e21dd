// SPDX-License-Identifier: Apache-2.0
#pragma once

// `lentic store verify`: reads everything that a state directory names, says what is damaged, and
// changes nothing. Progress, while asked for, goes to `say`.
//
// Errors: std::system_error where nothing can be said of the state: in use, not one, of a newer
// format, or the system's. Damage is no error of this function: it is in the report.
// Threads: the runtime's.

#include "options.hpp"

#include <lentic/coro/runtime.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lentic::tool {

// Lines: one for the journal, one a store, one a damage; the last is the verdict.
struct verify_report {
  std::string text;
  std::size_t damages = 0;
};

task<verify_report> verify(coro::runtime& runtime, const verify_options& options,
                           std::function<void(std::string_view)> say);

}  // namespace lentic::tool
