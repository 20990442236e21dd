// SPDX-License-Identifier: Apache-2.0
#pragma once

// The operations of io_request as plain system calls: what the worker threads run, and what the
// ring engine runs for kinds that io_uring does not have. Private to coro/.
//
// Threads: any; nothing here has state. Errors: -errno in the result, as io_uring reports them.
// Not promised: that a call is short. Every one of them may block.

#include <lentic/coro/io_request.hpp>
#include <lentic/coro/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace lentic::coro::detail {

// The largest transfer of one read or write call in Linux (read(2), NOTES).
inline constexpr std::size_t transfer_bytes_max = 0x7ffff000;

// The flags of openat for this request. Descriptors never leak into a child. A name inside a
// directory of ours is never followed out of it; a path of the user (AT_FDCWD) may be a link.
int open_flags(const io_request& request) noexcept;

// Whether `outcome` is less than the whole operation, so that what is linked to it must not run.
bool breaks_chain(const io_request& request, std::int64_t outcome) noexcept;

// Runs one operation to its end: its result, or -errno. Retries EINTR where that is harmless; not
// on streams, whose callers may have been asked to stop.
std::int64_t posix_execute(const io_request& request) noexcept;

// See io_engine::require_regular.
int posix_require_regular(int fd) noexcept;

// Major page faults of the calling thread.
std::uint64_t posix_blocking_faults() noexcept;

// Maps the first `bytes` (> 0) of `fd` read-only, with advice against read-ahead.
result<std::span<const std::byte>> posix_map(int fd, std::size_t bytes);
void posix_unmap(std::span<const std::byte> mapping) noexcept;

}  // namespace lentic::coro::detail
