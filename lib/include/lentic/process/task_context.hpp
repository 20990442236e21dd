// SPDX-License-Identifier: Apache-2.0
#pragma once

// task_context: what the nodes of a running topology see of their task: the environment, stores by
// name, stream time, the context of the record under way, and the stop token. task_metadata: where
// they keep what a restart needs, in a byte store of the environment, as part of every commit.
//
// Threads: one, the task's. Lifetime: the task's; the environment outlives it. Errors: what the
// environment throws; errc::store_mismatch for a store of another kind, errc::invalid_argument for
// one that does not exist.

#include <lentic/cache/caching_store.hpp>
#include <lentic/cache/record_context.hpp>
#include <lentic/cache/thread_cache.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>
#include <lentic/process/graph.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/task.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lentic::process {

class task_metadata {
 public:
  explicit task_metadata(byte_store& rows) noexcept : rows_(&rows) {}

  // None when nothing was saved under that name.
  task<std::optional<bytes>> load(std::string name);
  // An unchanged value is not written again.
  task<void> save(std::string name, bytes value);

 private:
  byte_store* rows_;
};

namespace detail {
class told_context;
}

class task_context {
 public:
  task_context(environment& env, const graph& topology) noexcept
      : env_(&env), topology_(&topology) {}
  task_context(const task_context&) = delete;
  task_context& operator=(const task_context&) = delete;

  environment& env() noexcept { return *env_; }
  task_metadata metadata() { return task_metadata(*metadata_rows_); }

  // The greatest timestamp taken for processing; -1 before the first record.
  std::int64_t stream_time_ms() const noexcept { return stream_time_ms_; }
  // Of the record under way; while a cache is flushed, of the entry that goes downstream.
  const record_context& current() const noexcept { return current_; }
  void set_current(record_context context) noexcept { current_ = std::move(context); }
  coro::stop_token stop() const noexcept { return stop_; }
  // The mode of caches in front of the stores of aggregates, none for none, and their budget.
  std::optional<caching> cache_mode() const noexcept { return cache_mode_; }
  thread_cache& cache() noexcept { return *cache_; }
  // Called before a record changes something that cannot be taken back: see record_rejected.
  void will_change() noexcept { changed_ = true; }

  // What the store of that name offers: store<byte_store>("totals").
  template <class T>
  T& store(std::string_view name) {
    auto* const offer = dynamic_cast<offers<T>*>(&find(name));
    if (offer == nullptr) fail(errc::store_mismatch, std::string(name) + " is of another kind");
    return offer->offered();
  }

 private:
  friend class stream_task;
  friend class detail::told_context;

  state_store& find(std::string_view name);

  environment* env_;
  const graph* topology_;
  byte_store* metadata_rows_ = nullptr;
  std::int64_t stream_time_ms_ = -1;
  record_context current_;
  coro::stop_token stop_;
  std::optional<caching> cache_mode_;
  thread_cache* cache_ = nullptr;
  bool changed_ = false;
};

namespace detail {

// The context of a change that a cache tells, for as long as it goes downstream: what comes after
// belongs to the record under way again. That record did not cause the change: once it has arrived,
// the record may still be rejected. A change that did not arrive counts as the record's.
class told_context {
 public:
  told_context(task_context& owner, const record_context& cause)
      : told_context(owner, cause, owner.changed_) {}
  // For the rest of a change that waits: as it was when the change began.
  told_context(task_context& owner, const record_context& cause, bool changed_before)
      : owner_(&owner), before_(owner.current()), changed_before_(changed_before) {
    owner.set_current(cause);
    owner.will_change();
  }
  told_context(const told_context&) = delete;
  told_context& operator=(const told_context&) = delete;
  ~told_context() { owner_->set_current(std::move(before_)); }

  bool changed_before() const noexcept { return changed_before_; }
  void arrived() noexcept { owner_->changed_ = changed_before_; }

 private:
  task_context* owner_;
  record_context before_;
  bool changed_before_;
};

// Throws what stream_task::stage() takes for a clean stop when a flush ended before its end.
void check_flushed(std::uint64_t dirty, const std::string& store);

}  // namespace detail

}  // namespace lentic::process
