// SPDX-License-Identifier: Apache-2.0
#pragma once

// `lentic store load` and `store compact`: the commands that write into a state. Both refuse one
// that any other process has open, and each of their commits is a state of its own: killed at any
// moment, the same command goes on.
//
// Errors: std::system_error; input_error with file and line; usage_error. Threads: the runtime's.

#include "options.hpp"
#include "output_sink.hpp"
#include "view_commands.hpp"

#include <lentic/coro/runtime.hpp>
#include <lentic/task.hpp>

namespace lentic::tool {

task<void> show(coro::runtime& runtime, const load_options& options, output_sink& sink,
                say_function say);
task<void> show(coro::runtime& runtime, const compact_options& options, output_sink& sink,
                say_function say);

}  // namespace lentic::tool
