// SPDX-License-Identifier: Apache-2.0
#pragma once

// cache_life: one process of a cache_story. What survives it is in cache_world: the sink, and what
// the model has to know. Errors: what breaks a promise is text in cache_world::failure.
// Threads: one.

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_random.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace lentic::crash {

using window_rows = std::map<std::pair<std::string, std::int64_t>, std::string>;

struct window_record {
  std::string key;
  std::int64_t start_ms = 0;
  std::optional<std::string> value;  // none: erase
};

// Record `number` of the story; the same at every replay.
window_record record_at(std::uint64_t seed, std::uint64_t number);
windows::window_store_options cache_life_windows();

// What is below the cache: a window store whose writes fail, which hides its tables, or one whose
// young tables a fused cache lives in.
enum class window_rows_in { failing_store, young_tables };

struct cache_world {
  std::uint64_t seed = 0;
  caching mode = caching::kafka;
  window_rows_in rows = window_rows_in::failing_store;
  std::uint64_t budget = 0;
  environment_options options;
  std::map<commit_sequence, std::uint64_t> cuts{{0, 0}};  // position of each that may be recovered
  commit_sequence promised = 0;
  std::map<commit_sequence, std::string> sink;
  std::string failure;
  std::uint64_t changes = 0;

  void broken(const std::string& what) {
    if (failure.empty()) failure = what;
  }
};

// A window store below the cache whose writes fail now and then, with no effect.
class failing_windows final : public windows::window_store {
 public:
  failing_windows(segmented_store& segments, coro::sim_random& random)
      : inner_(segments, cache_life_windows()), random_(random) {}

  using window_store::fetch;
  maybe_ready<bool> put(bytes_view key, std::int64_t start_ms, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key, std::int64_t start_ms) override;
  maybe_ready<std::optional<value_view>> fetch(bytes_view key, std::int64_t start_ms) override {
    return inner_.fetch(key, start_ms);
  }
  maybe_ready<std::optional<value_view>> fetch_expiring(bytes_view key,
                                                        std::int64_t start_ms) override {
    return inner_.fetch_expiring(key, start_ms);
  }
  windows::window_cursor scan(windows::key_selection keys, windows::time_range starts,
                              direction order) override {
    return inner_.scan(std::move(keys), starts, order);
  }
  void closed_below(std::int64_t start_ms) override { inner_.closed_below(start_ms); }
  maybe_ready<void> expire() override { return inner_.expire(); }
  std::int64_t window_size_ms() const noexcept override { return inner_.window_size_ms(); }
  std::int64_t retention_ms() const noexcept override { return inner_.retention_ms(); }
  std::int64_t segment_interval_ms() const noexcept override {
    return inner_.segment_interval_ms();
  }
  std::int64_t start_alignment_ms() const noexcept override { return inner_.start_alignment_ms(); }
  std::int64_t observed_stream_time_ms() const noexcept override {
    return inner_.observed_stream_time_ms();
  }
  std::uint64_t expired_dropped() const noexcept override { return inner_.expired_dropped(); }
  windows::window_store_state state() const noexcept override { return inner_.state(); }
  void restore(const windows::window_store_state& state) noexcept override {
    inner_.restore(state);
  }

 private:
  void strike();

  windows::segmented_window_store inner_;
  coro::sim_random& random_;
};

class cache_life final : public change_listener {
 public:
  cache_life(coro::sim_runtime& runtime, cache_world& world, std::uint64_t seed)
      : runtime_(runtime),
        world_(world),
        random_(seed),
        budget_(runtime.queue(), world.budget),
        delivery_(runtime.queue()) {}

  // Lives for so many steps, or until the engine is off. The last life only looks.
  void run(std::uint64_t steps);
  maybe_ready<void> on_change(const change& told) override;

 private:
  task<void> live(std::uint64_t steps);
  task<void> open();
  task<void> take_record();
  task<void> commit();
  task<void> flush_all();
  task<void> deliver();
  task<void> append_slowly(std::string line);
  task<void> check();
  void check_chain(const window_rows& expected);
  bool alive() const { return world_.failure.empty() && !runtime_.engine().is_off(); }
  void close();

  coro::sim_runtime& runtime_;
  cache_world& world_;
  coro::sim_random random_;
  thread_cache budget_;
  std::unique_ptr<environment> env_;
  std::unique_ptr<windows::window_store> below_;
  std::unique_ptr<windows::caching_window_store> store_;
  std::uint64_t position_ = 0;
  coro::stop_source* stop_ = nullptr;  // of the flush under way
  coro::scope delivery_;               // beside the records, one batch at a time
};

}  // namespace lentic::crash
