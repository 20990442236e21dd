// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of caches run in: an inner store that suspends or fails when it is told to, a
// listener that does the same, and a caching_store between them. One thread.

#include "store_shell.hpp"

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/store/touching_store.hpp>

#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::test {

enum class pace { ready, suspends };
// Whether the inner store offers a cache to be one with its young table.
enum class offer { none, touching };

// Suspends once.
class yield : coro::ready_node {
 public:
  explicit yield(coro::run_queue& queue) noexcept : queue_(&queue) {}
  yield(const yield&) = delete;
  yield& operator=(const yield&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    waiter = handle;
    queue_->push(*this);
  }
  void await_resume() const noexcept {}

 private:
  coro::run_queue* queue_;
};

// Fails at the call it is told to, counted from 1; 0 is never. A failure has no effect.
class faults {
 public:
  void fail_at(std::uint64_t call) noexcept { at_ = calls_ + call; }
  void never() noexcept { at_ = 0; }
  void strike() {
    if (++calls_ == at_) throw std::system_error(std::make_error_code(std::errc::io_error));
  }
  std::uint64_t calls() const noexcept { return calls_; }

 private:
  std::uint64_t calls_ = 0;
  std::uint64_t at_ = 0;
};

class slow_store final : public byte_store, public touching_store {
 public:
  slow_store(coro::run_queue& queue, pace how, offer offered = offer::none) noexcept
      : queue_(queue), how_(how), offered_(offered) {}

  touching_store* touching() noexcept override {
    return offered_ == offer::touching ? this : nullptr;
  }
  // Where reading suspends, no row is known before it was read.
  touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) override {
    if (how_ == pace::suspends && !call.was_read) return {.unread = true};
    trouble.strike();
    return rows.touching()->put_touching(key, value, call);
  }
  touch_answer erase_touching(bytes_view key, const touch_call& call) override {
    if (how_ == pace::suspends && !call.was_read) return {.unread = true};
    trouble.strike();
    return rows.touching()->erase_touching(key, call);
  }

  task<void> make_room(bytes_view, std::uint64_t) override { co_return; }

  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    if (how_ == pace::suspends) return slow_get(key);
    trouble.strike();
    return rows.get(key);
  }
  maybe_ready<void> put(bytes_view key, bytes_view value) override {
    if (how_ == pace::suspends) return slow_put(key, value);
    trouble.strike();
    return rows.put(key, value);
  }
  maybe_ready<bool> erase(bytes_view key) override {
    if (how_ == pace::suspends) return slow_erase(key);
    trouble.strike();
    return rows.erase(key);
  }
  cursor range(const key_range& range, direction order) override {
    return cursor(std::make_unique<slow_cursor>(*this, rows.range(range, order)));
  }
  maybe_ready<void> clear() override {
    if (how_ == pace::suspends) return slow_clear();
    trouble.strike();
    return rows.clear();
  }
  std::uint64_t approximate_count() const override { return rows.approximate_count(); }
  std::uint64_t size_bytes() const override { return rows.size_bytes(); }

  memory_store rows;
  faults trouble;

 private:
  class slow_cursor final : public cursor_source {
   public:
    slow_cursor(slow_store& store, cursor inner) : store_(store), inner_(std::move(inner)) {}
    maybe_ready<std::span<const row>> next() override {
      if (store_.how_ == pace::suspends) return slow_next();
      return inner_.next();
    }

   private:
    task<std::span<const row>> slow_next() {
      co_await yield(store_.queue_);
      const std::span<const row> block = co_await inner_.next();
      co_await yield(store_.queue_);
      co_return block;
    }
    slow_store& store_;
    cursor inner_;
  };

  // Before and behind the effect: what others do meanwhile may fall on either side of it.
  task<std::optional<value_view>> slow_get(bytes_view key) {
    co_await yield(queue_);
    trouble.strike();
    const std::optional<bytes> found = co_await rows.get_copy(key);
    co_await yield(queue_);
    if (!found) co_return std::nullopt;
    answer_ = *found;
    co_return value_view(answer_);
  }
  task<void> slow_put(bytes_view key, bytes_view value) {
    co_await yield(queue_);
    trouble.strike();
    co_await rows.put(key, value);
    co_await yield(queue_);
  }
  task<void> slow_clear() {
    co_await yield(queue_);
    trouble.strike();
    co_await rows.clear();
    co_await yield(queue_);
  }
  task<bool> slow_erase(bytes_view key) {
    co_await yield(queue_);
    trouble.strike();
    const bool existed = co_await rows.erase(key);
    co_await yield(queue_);
    co_return existed;
  }

  coro::run_queue& queue_;
  pace how_;
  offer offered_;
  bytes answer_;
};

// "k: old > new", with - for none.
inline std::string line_of(bytes_view key, std::optional<bytes_view> before,
                           std::optional<bytes_view> after) {
  std::string line(as_text(key));
  line += ": ";
  line += before ? as_text(*before) : "-";
  line += " > ";
  line += after ? as_text(*after) : "-";
  return line;
}

inline std::vector<std::string> lines_of(const std::vector<owned_change>& changes) {
  std::vector<std::string> lines;
  for (const owned_change& each : changes) {
    const auto view = [](const std::optional<bytes>& value) {
      return value ? std::optional<bytes_view>(*value) : std::nullopt;
    };
    lines.push_back(line_of(each.key, view(each.old_value), view(each.new_value)));
  }
  return lines;
}

// Records what it was told. Views are read again behind a suspension: they must still live.
class recorder final : public change_listener {
 public:
  recorder(coro::run_queue& queue, pace how) noexcept : queue_(queue), how_(how) {}

  maybe_ready<void> on_change(const change& told) override {
    if (how_ == pace::suspends) return take_slowly(told);
    trouble.strike();
    take(told);
    return {};
  }
  // What was told since the last call.
  std::vector<std::string> lines() { return std::exchange(lines_, {}); }
  void be_slow() noexcept { how_ = pace::suspends; }

  faults trouble;
  std::vector<record_context> contexts;
  std::function<void()> meanwhile;               // in each change, before it is taken
  std::function<task<void>()> meanwhile_slowly;  // the same, where it may suspend

 private:
  void take(const change& told) {
    if (meanwhile) meanwhile();
    lines_.push_back(line_of(told.key, told.old_value, told.new_value));
    contexts.push_back(*told.context);
  }
  task<void> take_slowly(const change& told) {
    co_await yield(queue_);
    if (meanwhile_slowly) {
      task<void> more = meanwhile_slowly();
      co_await std::move(more);
    }
    trouble.strike();
    take(told);
  }

  coro::run_queue& queue_;
  pace how_;
  std::vector<std::string> lines_;
};

struct cache_setting {
  caching mode = caching::kafka;
  pace how = pace::ready;
  offer below = offer::none;
};

inline std::string name_of(const cache_setting& setting) {
  std::string name = setting.mode == caching::kafka ? "Kafka" : "Fused";
  if (setting.below == offer::touching) name += "Young";
  name += setting.how == pace::ready ? "Ready" : "Suspending";
  return name;
}

class cache_rig {
 public:
  explicit cache_rig(cache_setting setting, std::uint64_t budget = 1 << 20,
                     bool send_old_values = true, bool listens = true)
      : inner(life_.queue(), setting.how, setting.below),
        listener(life_.queue(), setting.how),
        budget_(life_.queue(), budget) {
    caching_options options;
    options.listener = listens ? &listener : nullptr;
    options.current = &current;
    options.send_old_values = send_old_values;
    store = make_caching_store(setting.mode, inner, budget_, "cache", options);
  }

  template <class Awaitable>
  auto wait(Awaitable work) {
    return sync_wait(life_, std::move(work));
  }
  void put(std::string_view key, std::string_view value) { shell().put(key, value); }
  bool erase(std::string_view key) { return shell().erase(key); }
  std::optional<std::string> get(std::string_view key) { return shell().get(key); }
  std::uint64_t flush() { return wait(store->flush()); }
  store_shell shell() { return store_shell(life_, *store); }
  // Below the cache.
  text_rows stored() { return store_shell(life_, inner.rows).scan(); }
  coro::sim_runtime& runtime() noexcept { return life_; }
  thread_cache& budget() noexcept { return budget_; }

 private:
  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};

 public:
  slow_store inner;
  recorder listener;
  record_context current;

 private:
  thread_cache budget_;

 public:
  std::unique_ptr<caching_store> store;
};

}  // namespace lentic::test
