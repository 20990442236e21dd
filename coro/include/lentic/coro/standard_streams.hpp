// SPDX-License-Identifier: Apache-2.0
#pragma once

// fill_standard_streams(): a program may be started with descriptor 0, 1 or 2 closed. The next file
// that it opens then takes that number, and what is meant for standard error lands in the middle of
// a file. Called first in main(), this puts /dev/null behind each of the three that is closed.
//
// Threads: before any other is started. Errors: std::system_error when /dev/null cannot be opened.

namespace lentic::coro {

struct standard_streams {
  bool input_was_closed = false;
  bool output_was_closed = false;
  bool error_was_closed = false;
};

standard_streams fill_standard_streams();

}  // namespace lentic::coro
