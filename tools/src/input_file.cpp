// SPDX-License-Identifier: Apache-2.0
#include "input_file.hpp"

#include "errors.hpp"

#include <lentic/coro/io_op.hpp>

#include <cerrno>

#include <fcntl.h>

namespace lentic::tool {

namespace {

task<std::int64_t> perform(coro::io_engine& engine, coro::io_request what) {
  for (;;) {
    const std::int64_t result = co_await coro::io_op(engine, what);
    if (result != -EINTR) co_return result;
  }
}

std::string system_text(std::int64_t result) {
  return std::error_code(static_cast<int>(-result), std::system_category()).message();
}

// A pipe has no positions, whatever its name. Of a pipe not a byte may be read here, which io_uring
// would do, whatever the offset.
task<input_kind> probe(coro::io_engine& engine, int fd, std::string name) {
  if (fd == 0) co_return input_kind::stream;
  std::int64_t result = engine.require_regular(fd);
  if (result < 0 && result != -EISDIR) co_return input_kind::stream;
  std::byte first{};
  coro::io_request what;
  what.kind = coro::io_kind::read;
  what.fd = fd;
  what.data = &first;
  what.bytes = 1;
  what.offset = 0;
  if (result == 0) result = co_await perform(engine, what);
  if (result < 0)
    throw input_error(name + ": " + system_text(result) + "; give a file that can be read");
  co_return input_kind::regular_file;
}

}  // namespace

std::string input_name(const std::string& name) {
  return name == "-" ? "(stdin)" : name;
}

task<input_file> open_input_file(coro::runtime& runtime, std::string name) {
  input_file found;
  found.fd = 0;
  if (name != "-") {
    coro::io_request what;
    what.kind = coro::io_kind::open;
    what.fd = AT_FDCWD;
    what.path = name.c_str();
    what.flags = O_RDONLY;
    const std::int64_t result = co_await perform(runtime.io(), what);
    if (result < 0) throw input_error(name + ": " + system_text(result) + "; check the path");
    found.fd = static_cast<int>(result);
  }
  found.kind = co_await probe(runtime.io(), found.fd, name);
  if (found.kind != input_kind::regular_file) co_return found;
  coro::io_request what;
  what.kind = coro::io_kind::size;
  what.fd = found.fd;
  const std::int64_t size = co_await perform(runtime.io(), what);
  if (size >= 0) found.bytes = static_cast<std::uint64_t>(size);
  co_return found;
}

}  // namespace lentic::tool
