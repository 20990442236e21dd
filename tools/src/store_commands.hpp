// SPDX-License-Identifier: Apache-2.0
#pragma once

// `lentic store copy`, `store salvage` and `store digest`: a state as a whole. They open it
// read-only and change nothing in it.
//
// Errors: std::system_error; usage_error where the new directory holds something.
// Threads: the runtime's.

#include "options.hpp"
#include "output_sink.hpp"
#include "view_commands.hpp"

#include <lentic/bytes.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

task<void> show(coro::runtime& runtime, const copy_options& options, output_sink& sink,
                say_function say);
// Prints what it has when a row cannot be read, then throws errc::damaged.
task<void> show(coro::runtime& runtime, const digest_options& options, output_sink& sink,
                say_function say);

struct salvage_report {
  std::string text;  // a line for each loss; the last ones say what was written
  std::size_t losses = 0;
};
task<salvage_report> salvage(coro::runtime& runtime, const salvage_options& options,
                             say_function say);

// Of keys and values, about: a key in a run and in the journal counts twice.
std::uint64_t stored_bytes(environment& env);

// Of one segment, as environment::digest(); zeros where it has no rows.
task<segment_digest> kept_digest(environment& env, std::string store, segment_id id);

// A row's part of the sum of its segment with a --hash-key: see docs/format.md.
std::uint64_t keyed_digest(std::string_view hash_key, bytes_view key, bytes_view value);

}  // namespace lentic::tool
