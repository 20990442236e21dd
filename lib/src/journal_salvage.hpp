// SPDX-License-Identifier: Apache-2.0
#pragma once

// What open_mode::salvage needs beside a replay: whether a frame may be applied, asked before
// anything of it is; and what is left of the journal behind the place where replay had to stop.
//
// Threads: the environment's. Errors: the system's; bytes that make no sense are in the report.
// Memory: one journal file at a time, as in a replay.

#include "frame.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/environment.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lentic::detail {

// Whether a payload decodes, names stores that exist or that it declares, and keeps the limits.
// `stores` grows by the declarations of payloads that do.
bool may_be_applied(bytes_view payload, std::set<std::uint64_t>& stores);

struct salvage_start {
  std::uint64_t environment = 0;
  std::uint64_t file = 0;    // where replay stopped
  std::uint64_t offset = 0;  // behind the last frame that was applied
  commit_sequence last_applied = 0;
  commit_sequence last_durable = 0;            // that the manifest knows of
  std::map<std::uint64_t, std::string> names;  // of stores
};

// Reads what follows: by file and offset, what is lost there.
task<std::vector<journal_damage>> find_damage(coro::directory& home, salvage_start start);

}  // namespace lentic::detail
