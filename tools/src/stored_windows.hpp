// SPDX-License-Identifier: Apache-2.0
#pragma once

// stored_windows: the state of a run, opened to be read: its topology, totals, clock and windows.
// Errors: std::system_error of the state or the system; not_of_a_run when the
// directory holds an environment of something else. close() must be awaited.
// Threads: the runtime's.

#include "aggregates.hpp"
#include "run_state.hpp"
#include "topology.hpp"

#include <lentic/coro/runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/windows/segmented_window_store.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <memory>
#include <stdexcept>
#include <string>

namespace lentic::tool {

// A state of something else than `lentic run`, or of a run that committed nothing.
class not_of_a_run : public std::runtime_error {
 public:
  not_of_a_run()
      : std::runtime_error("the state is not one of lentic run, or nothing was committed") {}
};

// What a run's environment says of itself.
struct run_facts {
  stored_run run;
  topology shape;
  windows::aggregation_state clock;
  std::unique_ptr<aggregator> values;

  windows::window_store_options window_options() const;
};

// Null when the environment is one of something else. Throws bad_record, and what reading throws.
task<std::unique_ptr<run_facts>> load_facts(environment& env);

class stored_windows {
 public:
  static task<std::unique_ptr<stored_windows>> open(coro::runtime& runtime, std::string path);

  environment& env() noexcept { return *env_; }
  windows::segmented_window_store& windows() noexcept { return *windows_; }
  const topology& shape() const noexcept { return facts_->shape; }
  const stored_run& run() const noexcept { return facts_->run; }
  const windows::aggregation_state& clock() const noexcept { return facts_->clock; }
  const aggregator& values() const noexcept { return *facts_->values; }
  // "windows that start after 2001-03-31T19:48:00Z are retained", as a sentence.
  std::string retained_text() const;
  task<void> close() { return env_->close(); }

 private:
  task<void> load();

  std::unique_ptr<environment> env_;
  std::unique_ptr<windows::segmented_window_store> windows_;
  std::unique_ptr<run_facts> facts_;
};

}  // namespace lentic::tool
