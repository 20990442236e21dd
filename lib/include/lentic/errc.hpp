// SPDX-License-Identifier: Apache-2.0
#pragma once

// The error codes of stores and environments, one for each thing a caller can do about it. Errors
// of the system (ENOSPC, EACCES, ...) pass through untouched in std::system_category().
// Pure functions; any thread.

#include <string>
#include <system_error>

namespace lentic {

enum class errc {
  // Give up on this record: the key or the value is larger than the limit in the options.
  too_large = 1,
  // Broken use: the store or environment is closed.
  closed,
  // Reopen: an fdatasync failed, so what is durable is known only to recovery. Nothing was retried.
  poisoned,
  // Repair: the journal is damaged before its end; acknowledged commits are missing.
  journal_damaged,
  // Repair: no manifest is readable, or it names a file that is missing or differs.
  manifest_damaged,
  // Repair: stored bytes fail their checksum or do not decode. Everything else stays readable.
  damaged,
  // Retry later, or stop the other process: the directory is locked.
  in_use,
  // Check the path: the directory holds no state, or holds other files.
  not_a_state_directory,
  // Upgrade: the directory was written by a newer format.
  newer_format,
  // Check the options: the store exists with another kind or other options.
  store_mismatch,
  // Fix the call: a negative window start, an end before a start, an empty name.
  invalid_argument,
  // Open it for writing: the environment was opened read-only.
  read_only,
  // Make room: commit, acknowledge output, or raise the memory budget. The message names who holds
  // it. Nothing has changed.
  over_budget,
  // Open a new snapshot: this one kept more, or lived longer, than its limits allow, or what it
  // showed is gone. The message says which. The store is as it was.
  snapshot_expired,
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

// Throws std::system_error with the code and the context ("journal-3.log at 4096").
[[noreturn]] void fail(errc code, const std::string& context);

}  // namespace lentic

template <>
struct std::is_error_code_enum<lentic::errc> : std::true_type {};
