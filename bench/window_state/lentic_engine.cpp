// SPDX-License-Identifier: Apache-2.0
#include "drive.hpp"
#include "engines.hpp"

#include <lentic/cache/thread_cache.hpp>
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/runtime.hpp>
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
  chosen.start_alignment_ms = window_ms;
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

struct counted_run {
  environment& env;
  windows::window_store& store;
  windows::caching_window_store* cache;  // in front of it, or null
  lentic_commit mode;
};

// How many events are counted between two turns of the loop, in which writes that ended are reaped
// and segments sealed; a program that reads its records from a socket turns as often.
constexpr std::uint64_t events_per_turn = 256;

// A commit is a flush and one durable frame.
task<void> count_events(counted_run run, const workload& work, run_meter& meter) {
  counted_value counted;
  commit_sequence under_way = 0;
  for (std::uint64_t event = 0; event < work.events(); ++event) {
    const bool sampled = run_meter::samples(event);
    const stopwatch counting(sampled);
    co_await count(run.store, work, event, counted);
    if (sampled) meter.event_took(counting.seconds());
    if (work.ends_window(event)) run.store.closed_below((work.open_window(event) + 1) * window_ms);
    if (event % events_per_turn == 0) co_await coro::yield(run.env.runtime());
    if (!work.commits_after(event)) continue;
    const stopwatch committing;
    if (run.cache != nullptr) co_await run.cache->flush();
    commit_sequence cut = run.env.cut();
    if (run.mode == lentic_commit::overlapped) std::swap(under_way, cut);
    co_await run.env.wait_durable(cut);
    meter.commit_took(committing.seconds());
    const stopwatch dropping;
    co_await run.store.expire();
    meter.expiry_took(dropping.seconds());
  }
  co_await run.env.wait_durable(under_way);
  meter.end_of_events(work);
}

task<void> fetch_all(windows::window_store& store, const workload& work, run_meter& meter) {
  windows::time_range starts;
  starts.to_ms = work.last_window() * window_ms;
  starts.from_ms = std::max<std::int64_t>(0, starts.to_ms - (windows_retained - 1) * window_ms);
  for (std::uint64_t i = 0; i < work.options().fetches; ++i) {
    const stopwatch fetching;
    std::uint64_t count = 0;
    windows::window_cursor rows = store.fetch_rows(work.key(work.fetched_id(i)), starts);
    for (;;) {
      const std::span<const windows::window_row> block = co_await rows.next();
      if (block.empty()) break;
      count += block.size();
    }
    meter.fetch_took(fetching.seconds(), count);
  }
}

template <class Visit>
task<void> scan(segmented_store& segments, Visit& visit) {
  const std::vector<segment_id> ids = segments.segments(0, ~segment_id{0});
  for (const segment_id id : ids) {
    cursor rows = segments.segment(id).scan();
    for (;;) {
      const std::span<const row> block = co_await rows.next();
      if (block.empty()) break;
      for (const row& each : block) visit(each.key, each.value);
    }
  }
}

struct digest_rows {
  row_digest& digest;
  void operator()(bytes_view key, bytes_view value) noexcept { digest.add(key, value); }
};

task<run_figures> drive(counted_run run, segmented_store& segments, const workload& work,
                        std::string directory) {
  run_meter meter(std::move(directory));
  co_await count_events(run, work, meter);
  co_await fetch_all(run.store, work, meter);
  row_touch touch;
  const stopwatch scanning;
  co_await scan(segments, touch);
  meter.scan_took(scanning.seconds(), touch.rows());
  row_digest digest;
  digest_rows add{digest};
  co_await scan(segments, add);
  meter.end_of_run(digest);
  co_return meter.figures();
}

task<run_figures> drive(environment& env, const workload& work, lentic_cache cached,
                        lentic_commit mode, std::string directory) {
  segmented_store& segments = env.open_segmented_store(store_name);
  windows::segmented_window_store stored(segments, store_options());
  counted_run run{env, stored, nullptr, mode};
  if (cached == lentic_cache::none) co_return co_await drive(run, segments, work, directory);
  counting_listener changes;
  thread_cache budget(env.runtime().queue(), cache_bytes_max);
  caching_options chosen;
  chosen.listener = &changes;
  const caching how = cached == lentic_cache::kafka ? caching::kafka : caching::fused;
  windows::caching_window_store cache(how, stored, budget, store_name, chosen);
  counted_run through{env, cache, &cache, mode};
  run_figures figures = co_await drive(through, segments, work, directory);
  figures.changes = changes.count();
  co_return figures;
}

task<run_figures> run(coro::runtime& runtime, const workload& work, std::string directory,
                      lentic_cache cached, lentic_commit mode) {
  environment_options chosen;
  chosen.directory = directory;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  const run_figures figures = co_await drive(*env, work, cached, mode, directory);
  co_await env->close();
  co_return figures;
}

}  // namespace

run_figures run_lentic(const workload& work, const std::string& directory, lentic_cache cache,
                       lentic_commit commit) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  return sync_wait(runtime, run(runtime, work, directory, cache, commit));
}

}  // namespace lentic::bench
