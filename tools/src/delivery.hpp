// SPDX-License-Identifier: Apache-2.0
#pragma once

// delivery: commits and their output, in order, with bounds. Frame N's rows are written once it is
// durable; that they were written travels in frame N+1 or N+2; and frame N+2 is not cut before they
// are. So a blocked reader stops the input, and after a crash at most two outboxes come again.
//
// room() waits where the rule says so, while the background loop writes.
// Errors: the first one, of a commit or of the sink, is thrown by every later call.
// Threads: the runtime's. Lifetime: environment and sink outlive it; finish() or abandon() must be
// awaited before it is destroyed.

#include "output_sink.hpp"

#include <lentic/coro/event.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/environment.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>

namespace lentic::tool {

class delivery {
 public:
  // Told after each durable commit: its sequence and the rows read by then.
  using commit_listener = std::function<void(commit_sequence sequence, std::uint64_t rows)>;

  // Told once, when the background loop ends with an error.
  using failure_listener = std::function<void()>;

  delivery(coro::runtime& runtime, environment& env, output_sink& sink, commit_listener listener,
           failure_listener failed);

  // Writes what an earlier attempt made durable and did not see acknowledged. Before start().
  task<void> deliver_recovered();
  void start();

  // Waits until the rule lets another frame be cut.
  task<void> room();
  // Everything in the environment so far becomes one commit. Precondition: room() has just
  // returned.
  void cut(std::uint64_t rows);
  // Waits until all is durable and written, and records that in a last frame.
  task<void> finish(std::uint64_t rows);
  // Stops without waiting for the reader of the output.
  task<void> abandon();
  // Throws why the loop ended early; returns while all is well.
  void check() const;

 private:
  struct cut_commit {
    commit_sequence sequence = 0;
    std::uint64_t rows = 0;
  };

  task<void> loop();
  task<void> deliver(cut_commit next);
  task<void> wait_written(commit_sequence sequence);

  environment& env_;
  output_sink& sink_;
  commit_listener listener_;
  failure_listener failed_;
  std::deque<cut_commit> cuts_;  // not delivered yet, at most two
  commit_sequence last_cut_ = 0;
  commit_sequence before_last_cut_ = 0;
  commit_sequence written_ = 0;  // outboxes up to it are written
  bool stopping_ = false;
  coro::stop_source stop_;  // of a write that waits for its reader
  std::exception_ptr error_;
  coro::event work_;
  coro::event progress_;
  coro::scope background_;
};

}  // namespace lentic::tool
