// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include <lentic/coro/asio_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <asio/io_context.hpp>

namespace lentic::bench {

namespace {

windows::window_store_options store_options() {
  windows::window_store_options chosen;
  chosen.window_size_ms = window_ms;
  chosen.retention_ms = windows_retained * window_ms;
  chosen.segment_interval_ms = windows_per_segment * window_ms;
  return chosen;
}

task<> count(windows::window_store& store, const workload& work, std::uint64_t event,
             counted_value& counted) {
  const std::uint32_t id = work.id(event);
  const std::int64_t start_ms = work.window(event) * window_ms;
  const std::optional<value_view> old = co_await store.fetch(work.key(id), start_ms);
  const bytes_view before = old ? bytes_view(*old) : bytes_view();
  const bytes_view after = counted.next(before, work.value_bytes(id));
  co_await store.put(work.key(id), start_ms, after);
}

task<run_figures> drive(environment& env, const workload& work) {
  run_figures figures;
  commit_times commits;
  counted_value counted;
  windows::segmented_window_store store(env.open_segmented_store("windows"), store_options());
  const double start = now_seconds();
  for (std::uint64_t event = 0; event < work.events(); ++event) {
    co_await count(store, work, event, counted);
    if (!work.commits_after(event)) continue;
    const double begin = now_seconds();
    co_await env.commit();
    commits.add(now_seconds() - begin);
    co_await store.expire();
  }
  figures.seconds = now_seconds() - start;
  commits.store(figures);
  row_digest digest;
  segmented_store& segments = env.open_segmented_store("windows");
  const std::vector<segment_id> ids = segments.segments(0, ~segment_id{0});
  for (const segment_id id : ids) {
    cursor rows = segments.segment(id).scan();
    for (;;) {
      const std::span<const row> block = co_await rows.next();
      if (block.empty()) break;
      for (const row& each : block) digest.add(each.key, each.value);
    }
  }
  digest.store(figures);
  co_return figures;
}

task<run_figures> run(coro::runtime& runtime, const workload& work, const std::string& directory) {
  environment_options chosen;
  chosen.directory = directory;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  const run_figures figures = co_await drive(*env, work);
  co_await env->close();
  co_return figures;
}

}  // namespace

run_figures run_lentic(const workload& work, const std::string& directory, lentic_cache) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  return sync_wait(runtime, run(runtime, work, directory));
}

}  // namespace lentic::bench
