// SPDX-License-Identifier: Apache-2.0
#pragma once

// path_life: one process that counts the records of path_script() in hopping windows, behind a
// cache or without, and hands what changed to the outbox; and what its reader may expect of all
// lives together, whatever failed in between.
//
// A line of output is "seq key start old new"; the position of the source holds the records that
// are in the state and the lines so far. So a life goes on where the last commit was.
//
// Threads: the test's. Lifetime: runtime and delivered lines outlive the life. Errors: calls throw
// what task and environment throw; std::logic_error when something waits for ever.

#include <lentic/coro/runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/process/stream_task.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace lentic::test {

struct path_case {
  std::string name;
  std::optional<caching> cache;
  std::uint64_t cache_bytes_max = 0;
  windows::emit_strategy emit = windows::emit_strategy::on_update;
  bool slow_reader = false;  // the last operator takes a virtual millisecond for each change
};

// What a failed test prints of its parameter.
void PrintTo(const path_case& each, std::ostream* to);

// Both modes with no, little and much room, no cache, and emit on close.
std::vector<path_case> path_cases();

struct path_record {
  std::string key;
  std::int64_t at_ms = 0;
};

// Some of them late, over many segments of windows, the oldest of which expire.
const std::vector<path_record>& path_script();

class path_life {
 public:
  path_life(coro::runtime& runtime, path_case chosen, std::string& delivered);
  // As a process ends that is not asked: nothing that was not committed is kept.
  ~path_life();
  path_life(const path_life&) = delete;
  path_life& operator=(const path_life&) = delete;

  void open();
  // The record of the script that comes next.
  std::size_t next() const noexcept { return next_; }
  bool at_end() const noexcept { return next_ == path_script().size(); }
  void feed();
  task<void> stage(coro::stop_token stop = {});
  void commit();
  // The reader takes what is durable and acknowledges it.
  void deliver();
  // The windows that are stored.
  std::string stored();
  void close();

  environment& env() noexcept { return *env_; }
  process::stream_task& job() noexcept { return *job_; }

 private:
  process::topology build();
  task<void> tell_slowly(std::string line);

  coro::runtime& runtime_;
  path_case chosen_;
  std::string& delivered_;
  std::size_t next_ = 0;
  std::uint64_t seq_ = 0;
  std::unique_ptr<environment> env_;
  std::unique_ptr<process::stream_task> job_;
};

// The whole script in one go, or what is left of it, with a commit and a delivery now and then.
void run_to_end(path_life& life);
constexpr std::size_t records_per_commit = 6;

// What is wrong with the lines under the reader's rule (of several with one seq the last counts):
// a gap, a broken chain of old and new, another result than the script's own. Empty when all is
// well.
std::string complaint(const path_case& chosen, const std::string& delivered);

}  // namespace lentic::test
