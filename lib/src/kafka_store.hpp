// SPDX-License-Identifier: Apache-2.0
#pragma once

// kafka_store: caching::kafka, Kafka's CachingKeyValueStore over a named_cache. The inner store is
// untouched until a flush. What is being flushed stays in the cache, and is read from there, until
// it has landed; so no reader falls through to an older value below. Threads: one owner.

#include "flushing_store.hpp"
#include "handed_views.hpp"

#include <lentic/cache/named_cache.hpp>

#include <string_view>

namespace lentic::detail {

class kafka_store final : public flushing_store {
 public:
  kafka_store(byte_store& inner, thread_cache& cache, std::string_view name,
              const caching_options& options)
      : flushing_store(inner, cache, options), cache_(cache, name) {}

  maybe_ready<std::optional<value_view>> get(bytes_view key) override;
  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;
  cursor range(const key_range& range, direction order) override;
  maybe_ready<void> clear() override;
  // Dirty rows count beside those that they will replace.
  std::uint64_t approximate_count() const override;
  std::uint64_t size_bytes() const override { return inner_.size_bytes() + cache_.dirty_bytes(); }
  cursor merged(std::unique_ptr<scan_plan> plan) override;

  std::uint64_t dirty_bytes() const noexcept override { return cache_.dirty_bytes(); }
  caching_statistics statistics() const noexcept override;

 private:
  class merged_rows;
  friend class merged_rows;
  // The context of the call, for what goes on after a suspension.
  struct cause {
    explicit cause(const record_context& from) : context(from) {}
    record_context context;
  };

  bool pick() override;
  maybe_ready<bool> land() override;
  void unpick() noexcept override { cache_.failed(flight_.key); }
  void begin_run() noexcept override {
    views_.expire();
    cache_.begin_flush();
  }
  void end_run() noexcept override {
    cache_.end_flush();
    evicting_ = false;
    walking_ = false;
  }
  std::uint64_t unlanded_count() const noexcept override { return cache_.dirty_count(); }
  void forget_below(bytes_view end) override;

  std::optional<cached_entry> next_below();
  void landed() noexcept;
  maybe_ready<bool> write();
  task<bool> read_cold(maybe_ready<std::optional<value_view>> pending);
  task<bool> put_cold(maybe_ready<void> pending);
  task<bool> erase_below_cold(maybe_ready<bool> pending);

  maybe_ready<std::optional<value_view>> find(bytes_view key);
  task<std::optional<value_view>> handed_cold(maybe_ready<std::optional<value_view>> pending);
  maybe_ready<void> shed();
  void drop_clean();
  task<void> shed_cold(maybe_ready<std::uint64_t> pending);
  std::optional<value_view> answer(std::optional<bytes_view> found);
  task<std::optional<value_view>> get_cold(bytes_view key, std::uint64_t writes_before,
                                           maybe_ready<std::optional<value_view>> pending);
  task<std::optional<value_view>> answer_cold(bytes found, maybe_ready<void> shedding);
  maybe_ready<bool> entomb(bytes_view key, bool existed, const record_context& context);
  task<bool> entomb_cold(bool existed, maybe_ready<void> shedding);
  task<bool> erase_cold(bytes_view key, cause of, maybe_ready<std::optional<value_view>> pending);
  task<void> clear_later();
  task<void> clear_cold(maybe_ready<void> pending);
  void forget_all() noexcept;

  named_cache cache_;
  bytes answer_;  // of the last get that missed
  handed_views views_;
  std::uint64_t writes_below_ = 0;  // to the inner store: what was read before is older
  bool evicting_ = false;           // the run takes the least recent entry first
  bool walking_ = false;            // a run below the bound stands behind flight_.key
};

}  // namespace lentic::detail
