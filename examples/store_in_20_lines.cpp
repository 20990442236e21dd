// SPDX-License-Identifier: Apache-2.0
// Counts by airport and hour that outlive the process: put, commit, close; then reopen and fetch.
// The state goes into ./departures.state; delete the directory to start again.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <iostream>

// README: from here
using namespace lentic;
constexpr std::int64_t hour = 3'600'000;  // ms
const windows::window_store_options hourly{.window_size_ms = hour, .retention_ms = 24 * hour};

task<> save(coro::runtime& runtime, environment_options options) {
  const auto env = co_await environment::open(runtime, options);
  windows::segmented_window_store store(env->open_segmented_store("departures"), hourly);
  co_await store.put(as_bytes("ORD"), 9 * hour, as_bytes("41"));
  co_await store.put(as_bytes("ORD"), 10 * hour, as_bytes("46"));
  co_await env->commit();  // one frame, one fdatasync: from here on it survives a power cut
  co_await env->close();
}

task<> load(coro::runtime& runtime, environment_options options) {
  const auto env = co_await environment::open(runtime, options);
  windows::segmented_window_store store(env->open_segmented_store("departures"), hourly);
  const auto found = co_await store.fetch(as_bytes("ORD"), 0, 24 * hour);  // one key over time
  for (const auto& [key, start_ms, value] : found)
    std::cout << as_text(key) << ' ' << start_ms / hour << "h " << as_text(value) << '\n';
  co_await env->close();
}
// README: to here

int main() {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  environment_options options;
  options.directory = "departures.state";
  sync_wait(runtime, save(runtime, options));
  sync_wait(runtime, load(runtime, options));
}
