// SPDX-License-Identifier: Apache-2.0
#pragma once

// checkpoint_target: the directory that a checkpoint writes: empty or missing, or left behind by
// one that was interrupted, which it empties first.
//
//   begin()         directory and the file CHECKPOINT, durable; locked against another checkpoint
//   take_run()      a hard link, or a copy where the file systems allow no link
//   take_journal()  a copy of the first bytes of a journal file
//   finish()        LOCK, all names synced, the manifest; then CHECKPOINT goes
//
// While CHECKPOINT is there the directory is no state: an open refuses it, the next checkpoint into
// it replaces what it holds. It goes last, once everything else is durable.
//
// Threads: the environment's. Lifetime: the runtime and the source directories outlive it. Errors:
// the system's; coro::sync_error, which says nothing of the source; errc::in_use for a directory
// that another checkpoint is writing, errc::not_a_state_directory for files of others in a
// directory that was left behind.

#include "journal.hpp"
#include "manifest.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lentic::detail {

class checkpoint_target {
 public:
  // `check` throws when the copy is to end early; it is asked between any two blocks and files.
  checkpoint_target(coro::runtime& runtime, std::string path, std::function<void()> check)
      : runtime_(&runtime), path_(std::move(path)), check_(std::move(check)) {}

  task<void> begin(std::int64_t lock_wait_ms);
  // `from` is the directory of the store in the source.
  task<void> begin_store(std::string name);
  task<void> take_run(coro::directory& from, std::string name);
  task<void> end_store();
  task<void> take_journal(coro::directory& from, journal_file part);
  task<void> finish(manifest content);

 private:
  task<void> claim(bool left_behind, std::int64_t lock_wait_ms);
  task<void> check_marker(const std::vector<std::string>& names);
  task<void> remove_leftovers(std::vector<std::string> names);
  task<void> remove_runs(std::string name);
  task<void> copy(coro::file source, coro::directory& to, std::string name, std::uint64_t bytes);
  task<void> sync_own_name();
  [[noreturn]] void refuse(const std::string& name) const;

  coro::runtime* runtime_;
  std::string path_;
  std::function<void()> check_;
  coro::directory home_;
  coro::directory store_;
  coro::file marker_;
};

}  // namespace lentic::detail
