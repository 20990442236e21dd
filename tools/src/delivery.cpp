// SPDX-License-Identifier: Apache-2.0
#include "delivery.hpp"

#include <utility>

namespace lentic::tool {

delivery::delivery(coro::runtime& runtime, environment& env, output_sink& sink,
                   commit_listener listener, failure_listener failed)
    : env_(env),
      sink_(sink),
      listener_(std::move(listener)),
      failed_(std::move(failed)),
      work_(runtime.queue()),
      progress_(runtime.queue()),
      background_(runtime.queue()) {
  last_cut_ = before_last_cut_ = written_ = env.last_durable();
}

void delivery::check() const {
  if (error_) std::rethrow_exception(error_);
}

task<void> delivery::deliver_recovered() {
  commit_sequence after = 0;
  for (;;) {
    const std::optional<outbox_batch> batch = env_.next_output(after);
    if (!batch) break;
    co_await sink_.write(as_text(batch->output));
    after = batch->sequence;
  }
  if (after != 0) env_.acknowledge(after);
}

void delivery::start() {
  background_.spawn(loop());
}

task<void> delivery::room() {
  check();
  co_await env_.wait_durable(last_cut_);
  co_await wait_written(before_last_cut_);
}

void delivery::cut(std::uint64_t rows) {
  if (written_ != 0) env_.acknowledge(written_);
  const commit_sequence sequence = env_.cut();
  if (sequence == last_cut_) return;
  before_last_cut_ = std::exchange(last_cut_, sequence);
  cut_commit next;
  next.sequence = sequence;
  next.rows = rows;
  cuts_.push_back(next);
  work_.set();
}

task<void> delivery::wait_written(commit_sequence sequence) {
  for (;;) {
    check();
    if (written_ >= sequence) co_return;
    co_await progress_.wait();
  }
}

task<void> delivery::finish(std::uint64_t rows) {
  co_await wait_written(last_cut_);
  cut(rows);  // the acknowledgement
  co_await wait_written(last_cut_);
  co_await abandon();
}

task<void> delivery::abandon() {
  stopping_ = true;
  stop_.request_stop();
  work_.set();
  co_await background_.join();
}

task<void> delivery::loop() {
  for (;;) {
    if (stopping_) co_return;
    if (cuts_.empty()) {
      work_.reset();
      co_await work_.wait();
      continue;
    }
    const cut_commit next = cuts_.front();
    try {
      co_await deliver(next);
    } catch (...) {  // check() throws it to the owner
      error_ = std::current_exception();
    }
    if (!error_) {
      cuts_.pop_front();
      written_ = next.sequence;
    }
    progress_.wake_all();
    if (!error_) continue;
    failed_();
    co_return;
  }
}

task<void> delivery::deliver(cut_commit next) {
  co_await env_.wait_durable(next.sequence);
  listener_(next.sequence, next.rows);
  const std::optional<outbox_batch> batch = env_.next_output(next.sequence - 1);
  if (!batch || batch->sequence != next.sequence) co_return;
  const coro::stop_token stop(stop_);
  co_await sink_.write(as_text(batch->output), stop);
}

}  // namespace lentic::tool
