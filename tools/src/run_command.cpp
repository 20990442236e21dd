// SPDX-License-Identifier: Apache-2.0
#include "run_command.hpp"

#include "salvage_mark.hpp"
#include "topology.hpp"

#include <lentic/errc.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace lentic::tool {

namespace {

std::uint64_t lines_in(bytes_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), std::byte{'\n'}));
}

}  // namespace

run_command::run_command(coro::runtime& runtime, const run_options& options, job_streams streams)
    : runtime_(runtime),
      options_(options),
      streams_(std::move(streams)),
      started_ms_(runtime.now_ms()),
      columns_(columns_of(options)),
      last_commit_ms_(runtime.now_ms()),
      commit_done_(runtime.queue()),
      background_(runtime.queue()) {}

void run_command::say(const std::string& line) const {
  streams_.error_text(line + "\n");
}

void run_command::interrupt(int code) {
  if (interrupted_ == 0) interrupted_ = code;
  stop_.request_stop();
}

// A background failure: reading ends, and the owner finds the reason in check().
void run_command::fail_soon() {
  stop_.request_stop();
}

task<int> run_command::run() {
  co_await open_state();
  int code = exit_code::complete;
  std::exception_ptr error;
  try {
    code = co_await run_in_state();
  } catch (...) {  // rethrown below, once the state is closed
    error = std::current_exception();
  }
  if (!error) co_await count_open();
  take_figures();
  const result<void> closed = co_await as_result(shut());
  figures_.bytes_written = env_->statistics().bytes_written;
  if (error) std::rethrow_exception(error);
  closed.value();
  co_return code;
}

// Reads the windows that are still retained: damage there loses a figure, not the run.
task<void> run_command::count_open() {
  const result<std::uint64_t> count = co_await as_result(job_->count_open());
  if (count)
    figures_.windows_open = *count;
  else
    say("lentic: the open windows were not counted: " + count.error().message()
        + "; see lentic verify");
}

task<void> run_command::open_state() {
  environment_options chosen;
  chosen.directory = options_.state_directory.value_or("");
  chosen.memory_budget = options_.memory_bytes;
  chosen.log = [this](std::string_view line) { say(std::string(line)); };
  try {
    env_ = co_await environment::open(runtime_, chosen);
  } catch (const std::system_error& failure) {
    // Ours name the place; those of the system do not.
    if (failure.code().category() == lentic::error_category()) throw;
    throw std::system_error(failure.code(), chosen.directory);
  }
}

task<void> run_command::shut() {
  tick_stop_.request_stop();
  stop_.request_stop();
  co_await background_.join();
  if (delivery_) co_await delivery_->abandon();
  if (job_open_) co_await job_->close();
  co_await env_->close();
}

// What store load puts is no run's: windows without the totals and the place in the input that
// belong to them.
void run_command::check_is_of_a_run() const {
  const std::vector<std::string> names = env_->store_names();
  if (std::find(names.begin(), names.end(), run_store_name) != names.end()) return;
  if (names.empty() && env_->position_names().empty()) return;
  lentic::fail(lentic::errc::store_mismatch,
               options_.state_directory.value_or("") + " holds "
                   + (names.empty() ? "positions" : "the store " + names.front())
                   + " and is not of lentic run; use another --state");
}

task<int> run_command::run_in_state() {
  if (const std::optional<std::string> mixture = salvaged_mixture(*env_))
    lentic::fail(lentic::errc::journal_damaged,
                 options_.state_directory.value_or("") + " was salvaged: it is " + *mixture
                     + ", and a run that went on from it would count rows twice");
  const recovery_report& found = env_->recovered();
  if (found.cut)
    say("lentic: the last frame of the journal (commit " + std::to_string(found.cut->sequence)
        + ") was not complete and was cut; the state is commit " + std::to_string(found.sequence));
  for (const std::string& each : found.quarantined) say("lentic: quarantined: " + each);
  check_is_of_a_run();
  run_store_ = &env_->open_byte_store(run_store_name);
  job_ = std::make_unique<row_job>(*env_, options_);
  std::optional<stored_run> stored = co_await load_run(*run_store_);
  resumed_ = stored.has_value();
  const std::string topology_now = encode_topology(topology_of(options_));
  if (stored) {
    stored_ = std::move(*stored);
    job_->restore_printed(stored_.totals.rows_printed, stored_.totals.windows_printed);
    const auto before = decode_topology(stored_.topology).value();
    const auto difference = topology_difference(before, topology_of(options_));
    if (difference)
      fail(lentic::errc::store_mismatch, *options_.state_directory
                                             + " belongs to another topology: " + *difference
                                             + "; use those options or another --state");
    job_->values().restore_types(stored_.types).value();
  }
  co_await job_->open();
  job_open_ = true;
  stored_.topology = topology_now;
  prepare_output(resumed_);
  if (options_.show_progress) background_.spawn(show_progress());
  try {
    co_await open_input();
  } catch (const std::system_error& failure) {
    if (!stop_.stop_requested() || failure.code() != std::errc::operation_canceled) throw;
  }
  if (!input_open_) {  // before the first row: the state is as it was
    co_await delivery_->deliver_recovered();
    co_return interrupted_;
  }
  if (options_.log_commits) say("resumed row " + std::to_string(rows_));
  figures_.resumed_at_row = rows_;
  const bool undelivered = env_->next_output(0).has_value();
  co_await delivery_->deliver_recovered();
  delivery_->start();
  background_.spawn(tick());
  const bool was_complete = stored_.totals.complete;
  co_await read_rows();
  delivery_->check();
  if (tick_error_) std::rethrow_exception(tick_error_);
  if (was_complete && rows_here_ == 0 && at_end_) {
    if (undelivered) co_await delivery_->finish(rows_);
    say("lentic: complete: " + options_.input + " has no rows beyond the " + std::to_string(rows_)
        + " read");
    co_return exit_code::complete;
  }
  co_await finish();
  if (!input_failure_.empty()) throw input_error(input_failure_);
  if (too_many_bad_) co_return exit_code::input;
  co_return at_end_ ? exit_code::complete : interrupted_;
}

void run_command::prepare_output(bool resumed) {
  std::uint64_t pending = 0;
  for (auto batch = env_->next_output(0); batch; batch = env_->next_output(batch->sequence))
    pending += lines_in(batch->output);
  const bool delivered = stored_.totals.rows_printed > pending;
  if (resumed && delivered && streams_.output == output_kind::regular_file
      && streams_.output_is_empty)
    throw usage_error("rows were already delivered, and standard output is an empty file",
                      "append to the earlier output with >>, or start over with another --state");
  const bool durable = options_.state_directory.has_value();
  sink_ = std::make_unique<output_sink>(runtime_.io(), streams_.output_fd, streams_.output,
                                        durable ? output_sync::regular_files : output_sync::never);
  sink_->set_preamble((resumed ? "\n" : "") + job_->header());
  auto landed = [this](commit_sequence sequence, std::uint64_t rows) {
    if (options_.log_commits)
      say("commit " + std::to_string(sequence) + " row " + std::to_string(rows));
  };
  delivery_ = std::make_unique<delivery>(runtime_, *env_, *sink_, landed, [this] { fail_soon(); });
}

// The end of this attempt: what is left becomes a last frame, is delivered, and acknowledged.
task<void> run_command::finish() {
  if (at_end_) {
    if (options_.emit == emit_kind::close) co_await job_->print_open();
    stored_.totals.complete = true;
  }
  while (committing_) co_await commit_done_.wait();
  co_await delivery_->room();
  co_await stage();
  delivery_->cut(rows_);
  co_await delivery_->finish(rows_);
  if (resumed_ || stored_.totals.rows_printed != 0) co_return;
  const std::string nothing;
  co_await sink_->write(nothing);  // the header of an empty result
}

void run_command::take_figures() {
  const run_totals& totals = stored_.totals;
  figures_.rows_in = totals.rows_in;
  figures_.rows_bad = totals.rows_bad;
  if (job_open_) {
    const windows::windowed_aggregation& state = job_->aggregation();
    figures_.late_dropped = state.late_dropped();
    const bool also_open = totals.complete && options_.emit == emit_kind::close;
    figures_.windows_out = job_->windows_printed() + (also_open ? state.windows_open() : 0);
  }
  figures_.commits = env_->statistics().commits;
  figures_.rows_read = rows_here_;
  figures_.seconds = static_cast<double>(runtime_.now_ms() - started_ms_) / 1000;
}

}  // namespace lentic::tool
