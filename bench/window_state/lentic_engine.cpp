// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include <lentic/cache/thread_cache.hpp>
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <asio/io_context.hpp>

namespace lentic::bench {

namespace {

constexpr const char* store_name = "windows";
constexpr std::uint64_t cache_bytes_max = std::uint64_t{16} << 20;

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

// What a processor downstream would get; here they are counted.
class counting_listener final : public change_listener {
 public:
  maybe_ready<void> on_change(const change&) override {
    ++count_;
    return {};
  }
  std::uint64_t count() const noexcept { return count_; }

 private:
  std::uint64_t count_ = 0;
};

// The workload over a window store; `cache` is in front of it, or null. A commit is flush and one
// durable frame.
task<run_figures> drive(environment& env, windows::window_store& store,
                        windows::caching_window_store* cache, const workload& work) {
  run_figures figures;
  commit_times commits;
  counted_value counted;
  const double start = now_seconds();
  for (std::uint64_t event = 0; event < work.events(); ++event) {
    co_await count(store, work, event, counted);
    if (!work.commits_after(event)) continue;
    const double begin = now_seconds();
    if (cache != nullptr) co_await cache->flush();
    co_await env.commit();
    commits.add(now_seconds() - begin);
    co_await store.expire();
  }
  figures.seconds = now_seconds() - start;
  commits.store(figures);
  co_return figures;
}

task<run_figures> drive(environment& env, const workload& work, lentic_cache mode) {
  windows::segmented_window_store stored(env.open_segmented_store(store_name), store_options());
  if (mode == lentic_cache::none) co_return co_await drive(env, stored, nullptr, work);
  counting_listener changes;
  thread_cache budget(env.runtime().queue(), cache_bytes_max);
  caching_options chosen;
  chosen.listener = &changes;
  windows::caching_window_store cache(mode == lentic_cache::kafka ? caching::kafka : caching::fused,
                                      stored, budget, store_name, chosen);
  run_figures figures = co_await drive(env, cache, &cache, work);
  figures.changes = changes.count();
  co_return figures;
}

task<void> add_rows(segmented_store& segments, row_digest& digest) {
  const std::vector<segment_id> ids = segments.segments(0, ~segment_id{0});
  for (const segment_id id : ids) {
    cursor rows = segments.segment(id).scan();
    for (;;) {
      const std::span<const row> block = co_await rows.next();
      if (block.empty()) break;
      for (const row& each : block) digest.add(each.key, each.value);
    }
  }
}

task<run_figures> run(coro::runtime& runtime, const workload& work, std::string directory,
                      lentic_cache mode) {
  environment_options chosen;
  chosen.directory = directory;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  run_figures figures = co_await drive(*env, work, mode);
  row_digest digest;
  co_await add_rows(env->open_segmented_store(store_name), digest);
  digest.store(figures);
  co_await env->close();
  co_return figures;
}

}  // namespace

run_figures run_lentic(const workload& work, const std::string& directory, lentic_cache cache) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  return sync_wait(runtime, run(runtime, work, directory, cache));
}

}  // namespace lentic::bench
