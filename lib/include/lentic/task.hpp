// SPDX-License-Identifier: Apache-2.0
#pragma once

// The coroutine names that store and window signatures use, without their floor's namespace.
// Threads and lifetimes: see the headers of coro/.

#include <lentic/coro/as_result.hpp>
#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/result.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/task.hpp>

namespace lentic {

using coro::as_result;
using coro::maybe_ready;
using coro::result;
using coro::sync_wait;
using coro::task;

}  // namespace lentic
