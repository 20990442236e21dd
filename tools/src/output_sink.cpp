// SPDX-License-Identifier: Apache-2.0
#include "output_sink.hpp"

#include <lentic/coro/io_op.hpp>

#include <cerrno>
#include <system_error>

namespace lentic::tool {

namespace {

constexpr std::size_t write_bytes_max = 256U << 10;

[[noreturn]] void raise(std::int64_t result, const char* what) {
  throw std::system_error(static_cast<int>(-result), std::system_category(), what);
}

}  // namespace

coro::task<void> output_sink::write(std::string_view bytes, coro::stop_token stop) {
  if (!preamble_.empty()) {
    const std::string preamble = std::exchange(preamble_, {});
    co_await write_all(preamble, stop);
  }
  co_await write_all(bytes, stop);
  if (!syncs_) co_return;
  coro::io_request what;
  what.kind = coro::io_kind::data_sync;
  what.fd = fd_;
  const std::int64_t result = co_await coro::io_op(*engine_, what);
  if (result < 0) raise(result, "sync standard output");
}

coro::task<void> output_sink::write_all(std::string_view bytes, coro::stop_token stop) {
  while (!bytes.empty()) {
    coro::io_request what;
    what.kind = coro::io_kind::write;
    what.fd = fd_;
    what.data = const_cast<char*>(bytes.data());  // a write does not change it
    what.bytes = std::min(bytes.size(), write_bytes_max);
    what.offset = coro::no_offset;
    const std::int64_t result = co_await coro::io_op(*engine_, what, stop);
    if (result == -EINTR || result == -EAGAIN) continue;
    if (result < 0) raise(result, "write standard output");
    bytes.remove_prefix(static_cast<std::size_t>(result));
  }
}

}  // namespace lentic::tool
