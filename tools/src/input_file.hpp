// SPDX-License-Identifier: Apache-2.0
#pragma once

// input_file: the descriptor behind the name of an input, and what it is. "-" is standard input,
// which is read on from where it stands.
// Errors: input_error with the name and what to do. Threads: the runtime's.

#include "byte_source.hpp"

#include <lentic/coro/runtime.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace lentic::tool {

struct input_file {
  int fd = -1;
  input_kind kind = input_kind::regular_file;
  std::optional<std::uint64_t> bytes;  // as stored, of a regular file
};

// The descriptor stays open until the process ends.
task<input_file> open_input_file(coro::runtime& runtime, std::string name);

// For messages: "(stdin)" for "-".
std::string input_name(const std::string& name);

}  // namespace lentic::tool
