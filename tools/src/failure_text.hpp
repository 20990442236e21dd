// SPDX-License-Identifier: Apache-2.0
#pragma once

// One line for a failure of the system or the state, with what to do. Threads: pure functions.

#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace lentic::tool {

// Says what failed and what to do; answers the exit code.
int report_system(const std::system_error& failure, const std::string& input,
                  const std::function<void(std::string_view)>& say);

// What it says without the words that each failure of its code shares.
std::string without_code_words(const std::system_error& failure);

}  // namespace lentic::tool
