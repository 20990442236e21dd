// SPDX-License-Identifier: Apache-2.0
// The input of run_command: where it begins or goes on, and its rows one by one.
#include "bad_row_text.hpp"
#include "input_file.hpp"
#include "position_check.hpp"
#include "run_command.hpp"

#include <utility>

namespace lentic::tool {

namespace {

// The sentence that says what to do, behind the reason.
std::string remedy(std::error_code reason, const std::string& input) {
  if (reason == make_error_code(errc::input_changed))
    return "give the input that this state was computed from, or start over with another --state";
  if (reason == make_error_code(errc::input_shorter))
    return input == "-"
             ? "replay the stream from its start, or use --stdin new for rows that follow"
             : "give the whole file, or start over with another --state";
  return "restore the line as it was, or start over with another --state";
}

}  // namespace

std::string run_command::fault_text(const row_fault& fault) const {
  const std::string_view value = reader_->fields()[fault.field];
  const std::string& field = columns_[fault.field].name;
  return bad_row_text(input_name(options_.input), reader_->place(fault.field), field, value,
                      fault.reason);
}

std::string run_command::reason_text() const {
  const bad_row_reason why = reader_->reason();
  if (!why.column) return bad_row_text(input_name(options_.input), why.place, why.code);
  return bad_row_text(input_name(options_.input), why.place, columns_[*why.column].name, why.code);
}

task<void> run_command::open_input() {
  const std::string name = options_.input;
  const input_file found = co_await open_input_file(runtime_, name);
  input_bytes_ = found.bytes;
  source_options chosen;
  chosen.fd = found.fd;
  chosen.kind = found.kind;
  chosen.stop = coro::stop_token(stop_);
  source_ = co_await open_source(runtime_.io(), chosen);
  reader_ = make_record_reader(options_.format, columns_, input_name(options_.input));
  const std::optional<bytes> stored = env_->position("input");
  const bool follows = options_.stdin_is == stdin_content::fresh && name == "-";
  if (stored) {
    const input_position before = decode_position(lentic::as_text(*stored)).value();
    rows_ = before.rows;
    if (!follows) co_return co_await resume_input(before);
  }
  co_await start_input();
}

// Reads up to where the columns are known: the header, if the format has one.
task<void> run_command::start_input() {
  while (!reader_->open()) {
    if (!input_failure_.empty()) throw input_error(input_failure_);
    if (stop_.stop_requested()) co_return;
    co_await refill();
  }
  position_.header_bytes = reader_->position();
  position_.rows = rows_;
  row_done();
  input_open_ = true;
}

task<void> run_command::resume_input(input_position stored) {
  position_ = stored;
  catching_up_ = true;
  resume_point found = co_await check_position(*source_, stored);
  catching_up_ = false;
  if (found.refusal)
    throw input_error(options_.input + ": " + found.refusal.message() + "; "
                      + remedy(found.refusal, options_.input));
  position_ = found.position;
  proof_ = std::move(found.proof);
  const auto head = std::string_view(found.head).substr(0, stored.header_bytes);
  reader_->resume(head, row_start{position_.bytes, position_.line});
  input_open_ = true;
}

// Gives the reader the next block, or the end.
task<void> run_command::refill() {
  if (proof_fed_) proof_.release(position_.bytes);
  waiting_for_input_ = true;
  const result<byte_source::block> read = co_await as_result(source_->next());
  waiting_for_input_ = false;
  if (!read && read.error() == std::errc::operation_canceled) co_return;
  if (!read && read.error().category() == tool_category())
    input_failure_ = options_.input + ":" + std::to_string(position_.line) + ": "
                   + read.error().message()
                   + (options_.state_directory
                          ? "; what precedes it was kept: give the whole file and run again"
                          : "; give the whole file");
  if (!read && input_failure_.empty()) throw std::system_error(read.error(), options_.input);
  if (!read) co_return;
  const byte_source::block block = *read;
  if (block.empty()) {
    reader_->finish();
    co_return;
  }
  const std::string_view text = as_text(block);
  proof_.feed(text);
  proof_fed_ = true;
  reader_->feed(text);
}

// Until the end of the input, too many bad rows, or a request to stop.
task<void> run_command::read_rows() {
  bool good = true;
  while (!stop_.stop_requested() && !too_many_bad_ && !at_end_ && input_failure_.empty()) {
    switch (reader_->next()) {
      case row_event::need_input:
        co_await refill();
        break;
      case row_event::end:
        at_end_ = true;
        break;
      case row_event::bad_row:
        too_many_bad_ = !take_fault(reason_text());
        break;
      case row_event::record:
        good = co_await take_record();
        too_many_bad_ = !good;
        break;
    }
    // After a failed commit of the timer another one would only say that the task is poisoned.
    if (tick_error_) co_return;
    if (commit_due()) co_await commit(commit_caller::rows);
  }
}

task<bool> run_command::take_record() {
  const std::optional<row_fault> fault = co_await job_->process(reader_->fields());
  if (fault) co_return take_fault(fault_text(*fault));
  ++stored_.totals.rows_in;
  stored_.totals.complete = false;
  ++rows_;
  ++rows_here_;
  ++rows_uncommitted_;
  row_done();
  co_return true;
}

// Reports a bad row and skips it; false when it is one too many, and then it was not read.
bool run_command::take_fault(const std::string& text) {
  const bool allowed = stored_.totals.rows_bad < options_.bad_rows_max;
  say(text + (allowed ? "" : "; correct the row, or allow bad rows with --max-bad"));
  if (!allowed) return false;
  ++stored_.totals.rows_bad;
  stored_.totals.complete = false;
  ++rows_;
  ++rows_here_;
  ++rows_uncommitted_;
  row_done();
  return true;
}

void run_command::row_done() {
  position_.bytes = reader_->position();
  position_.line = reader_->line();
  position_.terminated = reader_->terminated();
  position_.rows = rows_;
}

}  // namespace lentic::tool
