// SPDX-License-Identifier: Apache-2.0
#pragma once

// as_result(awaitable): the value or the error code of a failed operation, instead of a throw.
// Exceptions that are not std::system_error still propagate. Threads and lifetime: as task.

#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/task.hpp>

#include <system_error>
#include <utility>

namespace lentic::coro {

template <class T>
task<result<T>> as_result(task<T> operation) {
  std::error_code code;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(operation);
      co_return result<void>();
    } else {
      T value = co_await std::move(operation);
      co_return result<T>(std::move(value));
    }
  } catch (const std::system_error& failure) {
    code = failure.code();
  }
  co_return result<T>(code);
}

template <class T>
task<result<T>> as_result(maybe_ready<T> operation) {
  return as_result(std::move(operation).into_task());
}

}  // namespace lentic::coro
