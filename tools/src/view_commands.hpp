// SPDX-License-Identifier: Apache-2.0
#pragma once

// `lentic get`, `lentic scan`, `lentic store stat` and `lentic store dump`: read a state directory
// and change nothing.
// Rows go to the sink; notes (what is retained) to `say`.
// Errors: std::system_error of the state or the system. Threads: the runtime's.

#include "options.hpp"
#include "output_sink.hpp"

#include <lentic/coro/runtime.hpp>
#include <lentic/task.hpp>

#include <functional>
#include <string_view>

namespace lentic::tool {

using say_function = std::function<void(std::string_view)>;

task<void> show(coro::runtime& runtime, const get_options& options, output_sink& sink,
                say_function say);
task<void> show(coro::runtime& runtime, const scan_options& options, output_sink& sink,
                say_function say);
task<void> show(coro::runtime& runtime, const stat_options& options, output_sink& sink,
                say_function say);
// Throws usage_error for a store that is not there.
task<void> show(coro::runtime& runtime, const dump_options& options, output_sink& sink,
                say_function say);

}  // namespace lentic::tool
