// SPDX-License-Identifier: Apache-2.0
#pragma once

// environment_life: one process with one environment in "state" on a simulated disk, for tests that
// crash it, damage its files or fail its operations; and state directories as plain maps of files,
// to be kept, changed and put on a fresh disk.
//
// Threads: the test's. Lifetime: the disk outlives the life. The destructor ends the life as a
// crash would, unless close() was called. Errors: calls throw what the environment throws.

#include "store_shell.hpp"

#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace lentic::test {

// In "state", with small journal files and no waiting for locks.
environment_options small_options(open_mode mode = open_mode::create);

class environment_life {
 public:
  environment_life(coro::sim_disk& disk, std::uint64_t seed,
                   coro::sim_runtime_options options = {});
  ~environment_life();
  environment_life(const environment_life&) = delete;
  environment_life& operator=(const environment_life&) = delete;

  void open(environment_options options = small_options());
  environment& env() noexcept { return *env_; }
  coro::sim_runtime& runtime() noexcept { return runtime_; }
  coro::sim_engine& engine() noexcept { return runtime_.engine(); }
  store_shell shell(std::string_view store, segment_id id = 0);

  commit_sequence commit();
  void drop_below(std::string_view store, segment_id id);
  // Hints, commits and waits for the run.
  void seal(std::string_view store, segment_id id);
  // Runs what is under way to its end.
  void let_work();
  void close();
  // Nothing that is in flight, or comes later, reaches the disk.
  void kill();

  // Everything that is stored: floors, segments that have rows, rows. A segment that cannot be read
  // shows as "damaged".
  std::string stored();
  // The output that was not acknowledged.
  std::string pending_output();

 private:
  coro::sim_runtime runtime_;
  std::unique_ptr<environment> env_;
};

// Path from the root -> content: what a state directory holds.
using file_map = std::map<std::string, std::string>;

file_map files_of(coro::sim_disk& disk);
// A disk with these files, in these directories, and nothing else.
std::unique_ptr<coro::sim_disk> disk_with(const file_map& files);

}  // namespace lentic::test
