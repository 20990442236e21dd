// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/standard_streams.hpp>

#include <cerrno>
#include <system_error>

#include <fcntl.h>

namespace lentic::coro {

namespace {

// Lower numbers are taken by then, so the lowest free one is `fd`.
bool fill(int fd) {
  if (::fcntl(fd, F_GETFD) != -1) return false;
  if (::open("/dev/null", O_RDWR) != fd)
    throw std::system_error(errno, std::system_category(), "open /dev/null");
  return true;
}

}  // namespace

standard_streams fill_standard_streams() {
  standard_streams found;
  found.input_was_closed = fill(0);
  found.output_was_closed = fill(1);
  found.error_was_closed = fill(2);
  return found;
}

}  // namespace lentic::coro
