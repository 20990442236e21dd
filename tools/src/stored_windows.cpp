// SPDX-License-Identifier: Apache-2.0
#include "stored_windows.hpp"

#include "time_text.hpp"

#include <lentic/errc.hpp>

namespace lentic::tool {

task<std::unique_ptr<stored_windows>> stored_windows::open(coro::runtime& runtime,
                                                           std::string path) {
  auto opened = std::make_unique<stored_windows>();
  environment_options chosen;
  chosen.directory = path;
  chosen.mode = open_mode::read_only;
  opened->env_ = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  try {
    co_await opened->load();
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  if (!error) co_return opened;
  co_await opened->close();
  std::rethrow_exception(error);
}

task<void> stored_windows::load() {
  const std::vector<std::string> names = env_->store_names();
  std::optional<stored_run> found;
  if (std::find(names.begin(), names.end(), "run") != names.end())
    found = co_await load_run(env_->open_byte_store("run"));
  if (!found) fail(lentic::errc::not_a_state_directory, "no run was committed here");
  run_ = std::move(*found);
  shape_ = decode_topology(run_.topology).value();
  clock_ = lentic::windows::aggregation_state::decode(run_.aggregation).value();
  values_ = std::make_unique<aggregator>(shape_.aggregates);
  values_->restore_types(run_.types).value();
  lentic::windows::window_store_options chosen;
  chosen.window_size_ms = shape_.window.size_ms;
  chosen.advance_ms = shape_.window.advance_ms;
  chosen.retention_ms = shape_.retention_ms;
  windows_ = std::make_unique<lentic::windows::segmented_window_store>(
      env_->open_segmented_store("windows"), chosen);
  windows_->restore(clock_.store);
}

std::string stored_windows::retained_text() const {
  const std::int64_t observed = clock_.store.observed_stream_time_ms;
  const std::int64_t oldest = std::max<std::int64_t>(0, observed - shape_.retention_ms + 1);
  std::string text = "retained: windows that start at or after ";
  append_time(text, oldest, shape_.times);
  text += " (--retention " + duration_text(shape_.retention_ms) + ")";
  return text;
}

}  // namespace lentic::tool
