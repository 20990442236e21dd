// SPDX-License-Identifier: Apache-2.0
#pragma once

// run_command: `lentic run` from open to close, over a runtime and descriptors that are handed in.
//
//   environment  -> resume or start -> rows -> commits and deliveries -> last frame -> close
//
// Errors of run(): usage_error; input_error for an input that cannot be used; std::system_error of
// the state (lentic's category), of the system, or EPIPE when standard output is closed.
// Threads: the runtime's. interrupt() is for a handler on the same thread.

#include "byte_source.hpp"
#include "delivery.hpp"
#include "options.hpp"
#include "output_sink.hpp"
#include "position_proof.hpp"
#include "record_reader.hpp"
#include "row_job.hpp"
#include "run_state.hpp"
#include "statistics.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/environment.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

// What the job reads and writes, as main() found it.
struct job_streams {
  int output_fd = 1;
  output_kind output = output_kind::stream;
  bool output_is_empty = false;  // a regular file without a byte
  std::size_t terminal_width = 80;
  std::function<void(std::string_view)> error_text;  // to standard error, as it is
};

class run_command {
 public:
  run_command(coro::runtime& runtime, const run_options& options, job_streams streams);

  // The exit code: complete, input (too many bad rows) or interrupted.
  task<int> run();
  // Stops reading; run() then commits, delivers and answers `code`.
  void interrupt(int code);
  const run_statistics& figures() const noexcept { return figures_; }

 private:
  // Life of the state.
  task<void> open_state();
  void check_is_of_a_run() const;
  task<int> run_in_state();
  task<void> shut();

  // Life of the input.
  task<void> open_input();
  task<void> start_input();
  task<void> resume_input(input_position stored);
  task<void> read_rows();
  task<void> refill();
  task<bool> take_record();
  bool take_fault(const std::string& text);
  void row_done();
  void prepare_output(bool resumed);

  // Commits.
  bool commit_due();
  enum class commit_caller { rows, timer };
  task<void> commit(commit_caller caller);
  task<void> stage();
  task<void> finish();
  task<void> tick();
  task<void> show_progress();
  void fail_soon();

  void say(const std::string& line) const;
  std::string fault_text(const row_fault& fault) const;
  std::string reason_text() const;
  task<void> count_open();
  void take_figures();

  coro::runtime& runtime_;
  const run_options& options_;
  job_streams streams_;
  std::int64_t started_ms_;
  run_statistics figures_;

  std::unique_ptr<environment> env_;
  byte_store* run_store_ = nullptr;
  std::unique_ptr<row_job> job_;
  bool job_open_ = false;
  std::unique_ptr<output_sink> sink_;
  std::unique_ptr<delivery> delivery_;
  stored_run stored_;
  bool resumed_ = false;

  std::optional<std::uint64_t> input_bytes_;
  std::unique_ptr<byte_source> source_;
  std::vector<input_column> columns_;
  std::unique_ptr<record_reader> reader_;
  proof_tracker proof_;
  std::uint64_t rows_ = 0;       // read, in all attempts, bad ones included
  std::uint64_t rows_here_ = 0;  // read in this attempt
  input_position position_;      // where to stop: behind the last row that counts
  bool input_open_ = false;      // the columns are known, and rows may be read
  bool at_end_ = false;
  bool too_many_bad_ = false;
  std::string input_failure_;  // why it cannot be read further; empty while it can
  bool proof_fed_ = false;
  bool waiting_for_input_ = false;
  bool catching_up_ = false;

  std::uint64_t rows_uncommitted_ = 0;
  std::int64_t last_commit_ms_;
  bool committing_ = false;
  coro::event commit_done_;
  coro::stop_source stop_;       // of reading
  coro::stop_source tick_stop_;  // of the timers
  int interrupted_ = 0;
  std::exception_ptr tick_error_;
  coro::scope background_;
};

}  // namespace lentic::tool
