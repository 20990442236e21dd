// SPDX-License-Identifier: Apache-2.0
// The input of run_command: where it begins or goes on, and its rows one by one.
#include "position_check.hpp"
#include "run_command.hpp"

#include <lentic/coro/io_op.hpp>

#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace lentic::tool {

namespace {

task<std::int64_t> perform(coro::io_engine& engine, coro::io_request what) {
  for (;;) {
    const std::int64_t result = co_await coro::io_op(engine, what);
    if (result != -EINTR) co_return result;
  }
}

std::string system_text(std::int64_t result) {
  return std::error_code(static_cast<int>(-result), std::system_category()).message();
}

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

std::string run_command::input_name() const {
  return options_.input == "-" ? "(stdin)" : options_.input;
}

std::string run_command::fault_text(const row_fault& fault) const {
  const std::string_view value = reader_->fields()[fault.field];
  const std::string_view field = job_->field_name(fault.field);
  return bad_row_text(input_name(), reader_->place(fault.field), field, value, fault.reason);
}

task<void> run_command::open_input() {
  const std::string name = options_.input;
  input_fd_ = 0;
  if (name != "-") {
    coro::io_request what;
    what.kind = coro::io_kind::open;
    what.fd = AT_FDCWD;
    what.path = name.c_str();
    what.flags = O_RDONLY;
    const std::int64_t result = co_await perform(runtime_.io(), what);
    if (result < 0) throw input_error(name + ": " + system_text(result) + "; check the path");
    input_fd_ = static_cast<int>(result);
  }
  const input_kind kind = co_await probe_input();
  if (kind == input_kind::regular_file) {
    coro::io_request what;
    what.kind = coro::io_kind::size;
    what.fd = input_fd_;
    const std::int64_t bytes = co_await perform(runtime_.io(), what);
    if (bytes >= 0) input_bytes_ = static_cast<std::uint64_t>(bytes);
  }
  source_options chosen;
  chosen.fd = input_fd_;
  chosen.kind = kind;
  chosen.stop = coro::stop_token(stop_);
  source_ = co_await open_source(runtime_.io(), chosen);
  const std::optional<bytes> stored = env_->position("input");
  const bool follows = options_.stdin_is == stdin_content::fresh && name == "-";
  if (stored) {
    const input_position before = decode_position(lentic::as_text(*stored)).value();
    rows_ = before.rows;
    if (!follows) co_return co_await resume_input(before);
  }
  co_await start_input();
}

// A pipe has no positions, whatever its name; standard input is read on from where it stands.
task<input_kind> run_command::probe_input() {
  if (input_fd_ == 0) co_return input_kind::stream;
  std::byte first{};
  coro::io_request what;
  what.kind = coro::io_kind::read;
  what.fd = input_fd_;
  what.data = &first;
  what.bytes = 1;
  what.offset = 0;
  const std::int64_t result = co_await perform(runtime_.io(), what);
  if (result == -ESPIPE) co_return input_kind::stream;
  if (result < 0)
    throw input_error(options_.input + ": " + system_text(result)
                      + "; give a file that can be read");
  co_return input_kind::regular_file;
}

// Reads the header: the first row.
task<void> run_command::start_input() {
  reader_ = std::make_unique<csv_reader>();
  for (;;) {
    const csv_event event = reader_->next();
    if (event == csv_event::record) break;
    if (event == csv_event::need_input && input_failure_.empty() && !stop_.stop_requested()) {
      co_await refill();
      continue;
    }
    if (!input_failure_.empty()) throw input_error(input_failure_);
    if (stop_.stop_requested()) co_return;
    if (event == csv_event::end)
      throw input_error(input_name() + ": empty: the first line must name the columns");
    throw input_error(bad_row_text(input_name(), reader_->reason_place(), reader_->reason())
                      + "; the first line must name the columns");
  }
  job_->bind(reader_->fields());
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
  csv_reader header;
  header.feed(std::string_view(found.head).substr(0, stored.header_bytes));
  header.finish();  // the header may be the last line, without a line end
  if (header.next() != csv_event::record)
    throw input_error(options_.input + ": the header can no longer be read");
  job_->bind(header.fields());
  csv_start start;
  start.position = position_.bytes;
  start.line = position_.line;
  start.field_count = header.field_count();
  reader_ = std::make_unique<csv_reader>(start);
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
                   + "; what precedes it was kept: give the whole file and run again";
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
      case csv_event::need_input:
        co_await refill();
        break;
      case csv_event::end:
        at_end_ = true;
        break;
      case csv_event::bad_row:
        too_many_bad_ =
            !take_fault(bad_row_text(input_name(), reader_->reason_place(), reader_->reason()));
        break;
      case csv_event::record:
        good = co_await take_record();
        too_many_bad_ = !good;
        break;
    }
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
