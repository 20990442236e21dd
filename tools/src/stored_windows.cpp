// SPDX-License-Identifier: Apache-2.0
#include "stored_windows.hpp"

#include "row_topology.hpp"
#include "time_text.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <utility>

namespace lentic::tool {

windows::window_store_options run_facts::window_options() const {
  return definition_of(shape.window, shape.grace_ms, shape.retention_ms).store_options();
}

namespace {

// The clock of the run's topology, which is opened for that alone.
task<windows::aggregation_state> load_clock(environment& env, const topology& shape) {
  const auto never = [](std::optional<bytes_view>, const row_record&, bytes&) {
    return result<void>(make_error_code(errc::bad_record));
  };
  process::topology declared;
  const std::string store(window_store_name);
  windowed_rows(declared, definition_of(shape.window, shape.grace_ms, shape.retention_ms))
      | windows::aggregate_bytes(store, never);
  const std::vector<std::string> names = env.store_names();
  const std::string clocks = process::stream_task_options().metadata_store;
  if (std::find(names.begin(), names.end(), clocks) == names.end())
    throw std::system_error(make_error_code(errc::bad_record), "store " + clocks + " is missing");
  process::stream_task reader(env, std::move(declared));
  co_await reader.open();
  const auto clock = reader.store<windows::windowed_aggregation>(window_store_name).state();
  co_await reader.close();
  co_return clock;
}

}  // namespace

task<std::unique_ptr<run_facts>> load_facts(environment& env) {
  const std::vector<std::string> names = env.store_names();
  if (std::find(names.begin(), names.end(), run_store_name) == names.end()) co_return nullptr;
  std::optional<stored_run> found = co_await load_run(env.open_byte_store(run_store_name));
  if (!found) co_return nullptr;
  auto facts = std::make_unique<run_facts>();
  facts->run = std::move(*found);
  facts->shape = decode_topology(facts->run.topology).value();
  facts->clock = co_await load_clock(env, facts->shape);
  facts->values = std::make_unique<aggregator>(facts->shape.aggregates);
  facts->values->restore_types(facts->run.types).value();
  co_return facts;
}

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
  facts_ = co_await load_facts(*env_);
  if (!facts_) throw not_of_a_run();
  segmented_store& segments = env_->open_segmented_store(window_store_name);
  windows_ =
      std::make_unique<lentic::windows::segmented_window_store>(segments, facts_->window_options());
  windows_->restore(clock().store);
}

std::string stored_windows::retained_text() const {
  const std::int64_t observed = clock().store.observed_stream_time_ms;
  const std::int64_t oldest = std::max<std::int64_t>(0, observed - shape().retention_ms + 1);
  std::string text = "retained: windows that start at or after ";
  append_time(text, oldest, shape().times);
  text += " (--retention " + duration_text(shape().retention_ms) + ")";
  return text;
}

}  // namespace lentic::tool
