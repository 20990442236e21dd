// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds, in an input just opened, the place where an earlier run stopped, and proves that it is the
// same input. Reads the proven parts only, where the source can skip.
// Threads, errors of reading, and lifetime: byte_source.

#include "byte_source.hpp"
#include "position_proof.hpp"

#include <cstdint>
#include <string>
#include <system_error>

namespace lentic::tool {

// Where to go on, or why not.
struct resume_point {
  // None, input_changed, input_shorter or last_line_grown.
  std::error_code refusal;
  // The stored position; past the line end that has come since, if the last row had none.
  input_position position;
  std::string head;     // the first bytes: the header row, and at least what the proof covers
  proof_tracker proof;  // at `position`
};

// Precondition: the source is at 0 and outlives the task. Then it is at resume_point::position.
// An unterminated last row to which nothing but a line end was added has not grown.
coro::task<resume_point> check_position(byte_source& source, input_position stored);

}  // namespace lentic::tool
