// SPDX-License-Identifier: Apache-2.0
// The commits of run_command: when they are due, what they carry, and the timers beside the rows.
#include "progress.hpp"
#include "run_command.hpp"

#include <algorithm>
#include <utility>

namespace lentic::tool {

namespace {

constexpr std::int64_t progress_interval_ms = 500;
constexpr std::int64_t idle_look_ms = 100;
// A time-based commit looks at the clock only every so many rows.
constexpr std::uint64_t rows_per_look = 64;

}  // namespace

bool run_command::commit_due() {
  if (rows_uncommitted_ == 0) return false;
  if (env_->wants_commit()) return true;
  const auto count = static_cast<std::uint64_t>(options_.commit_every.count);
  if (options_.commit_every.unit == commit_unit::rows) return rows_uncommitted_ >= count;
  if (rows_here_ % rows_per_look != 0) return false;
  return runtime_.now_ms() - last_commit_ms_ >= options_.commit_every.count;
}

// One at a time: the timer and the rows may both want one. Between the staging and the cut nobody
// else runs, so a frame never holds rows that its position does not know of; and the timer gives
// way when rows have come while it waited.
task<void> run_command::commit(commit_caller caller) {
  while (committing_) co_await commit_done_.wait();
  if (rows_uncommitted_ == 0) co_return;
  committing_ = true;
  std::exception_ptr error;
  try {
    co_await delivery_->room();
    if (caller == commit_caller::rows || waiting_for_input_) {
      co_await stage();
      delivery_->cut(rows_);
      rows_uncommitted_ = 0;
      last_commit_ms_ = runtime_.now_ms();
    }
  } catch (...) {  // rethrown once the flag is down
    error = std::current_exception();
  }
  committing_ = false;
  commit_done_.wake_all();
  if (error) std::rethrow_exception(error);
}

// Puts position, clock, totals and rows into the commit that is being made.
task<void> run_command::stage() {
  co_await job_->stage();
  position_.proof = proof_.prove(position_.bytes);
  env_->set_position("input", as_bytes(encode_position(position_)));
  stored_.types = job_->values().encode_types();
  stored_.totals.rows_printed = job_->results().rows();
  stored_.totals.windows_printed = job_->windows_printed();
  co_await save_run(*run_store_, stored_);
}

// While the input is idle nobody else looks at the clock.
task<void> run_command::tick() {
  if (options_.commit_every.unit != commit_unit::ms) co_return;
  const std::int64_t pause_ms = std::min(options_.commit_every.count, idle_look_ms);
  while (!tick_stop_.stop_requested()) {
    const coro::stop_token stop(tick_stop_);
    const std::int64_t due = last_commit_ms_ + options_.commit_every.count;
    co_await coro::sleep_until(runtime_, std::max(due, runtime_.now_ms() + pause_ms), stop);
    if (tick_stop_.stop_requested() || !waiting_for_input_ || rows_uncommitted_ == 0) continue;
    if (runtime_.now_ms() - last_commit_ms_ < options_.commit_every.count) continue;
    try {
      co_await commit(commit_caller::timer);
    } catch (...) {  // the owner rethrows it
      tick_error_ = std::current_exception();
    }
    if (!tick_error_) continue;
    fail_soon();
    co_return;
  }
}

task<void> run_command::show_progress() {
  progress_figures line;
  std::int64_t last_ms = runtime_.now_ms();
  while (!tick_stop_.stop_requested()) {
    const coro::stop_token stop(tick_stop_);
    co_await coro::sleep_until(runtime_, last_ms + progress_interval_ms, stop);
    const std::int64_t now = runtime_.now_ms();
    if (tick_stop_.stop_requested()) break;
    line.rows = rows_;
    line.interval_ms = std::max<std::int64_t>(now - std::exchange(last_ms, now), 1);
    line.late_dropped = job_->aggregation().late_dropped();
    if (job_->aggregation().stream_time_ms() >= 0)
      line.event_time_ms = job_->aggregation().stream_time_ms();
    line.bytes = source_ ? source_->raw_position() : 0;
    line.bytes_total = input_bytes_;
    const std::string text = catching_up_
                               ? catch_up_line(position_.rows, source_->position(), position_.bytes)
                               : progress_line(line, streams_.terminal_width);
    streams_.error_text("\r\033[K" + text);
    line.rows_before = rows_;
  }
  streams_.error_text("\r\033[K");
}

}  // namespace lentic::tool
