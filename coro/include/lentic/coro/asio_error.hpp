// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was stopped has two names: inside a lentic::task it is aborted_code(), in Asio it is
// asio::error::operation_aborted, and in some versions of Asio the two do not compare equal. So it
// is translated where it leaves for Asio: as_awaitable, async_run and queries report Asio's code.
// What use_task awaits is Asio's own, and stays so. is_aborted() accepts both.
// Threads: pure; any.

#include <lentic/coro/stop_token.hpp>

#include <asio/error.hpp>

#include <exception>
#include <system_error>

namespace lentic::coro {

// Whether an operation ended because it was asked to, by Asio or by us.
inline bool is_aborted(const std::error_code& code) noexcept {
  return code == asio::error::operation_aborted || code == aborted_code();
}

namespace detail {

// In a catch block: what is being handled, as users of Asio know it.
inline std::exception_ptr caught_for_asio() {
  try {
    throw;
  } catch (const std::system_error& failure) {
    if (failure.code() == aborted_code()) {
      const std::error_code aborted = asio::error::operation_aborted;
      return std::make_exception_ptr(std::system_error(aborted));
    }
  } catch (...) {  // passes as it is
  }
  return std::current_exception();
}

}  // namespace detail

}  // namespace lentic::coro
