// SPDX-License-Identifier: Apache-2.0
#pragma once

// write_through_store: what both stores of caching::fused share: rows lie in the inner store at
// once, reads go straight to it, and only what is still to be told is kept beside. Past the budget
// all of that is told.
//
// A put that suspends between its look at the old value and its landing is under way: units of a
// flush, and clear(), wait for such puts. Threads: one owner.

#include "flushing_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace lentic::detail {

class write_through_store : public flushing_store {
 public:
  maybe_ready<std::optional<value_view>> get(bytes_view key) override { return inner_.get(key); }
  cursor range(const key_range& range, direction order) override {
    return inner_.range(range, order);
  }
  // The inner store first: when that fails, nothing is forgotten.
  maybe_ready<void> clear() override;
  std::uint64_t approximate_count() const override { return inner_.approximate_count(); }
  std::uint64_t size_bytes() const override { return inner_.size_bytes(); }
  cursor merged(std::unique_ptr<scan_plan> plan) override { return plan->below(std::nullopt); }

  std::uint64_t dirty_bytes() const noexcept override { return account_.bytes(); }
  caching_statistics statistics() const noexcept override { return figures_; }

 protected:
  write_through_store(byte_store& inner, thread_cache& cache, std::string_view name,
                      const caching_options& options, memory_donor* donor = nullptr,
                      entry_memory entries = entry_memory::own)
      : flushing_store(inner, cache, options),
        account_(cache, name, donor, entries),
        puts_done_(cache.queue()) {}

  // What is to be told, with what is kept for it.
  virtual void forget_entries() noexcept = 0;

  void begin_put() noexcept { ++puts_under_way_; }
  void end_put() noexcept {
    if (--puts_under_way_ == 0) puts_done_.wake_all();
  }
  bool puts_under_way() const noexcept { return puts_under_way_ != 0; }
  task<void> wait_for_puts();

  // After each put. With a budget of 0 everything is told after each, also after one of nothing.
  maybe_ready<void> settle() {
    const thread_cache& budget = account_.owner();
    if (!budget.over_budget() && budget.bytes_max() != 0) [[likely]]
      return {};
    return tell_all();
  }
  // The answer of an erase, settled.
  maybe_ready<bool> settled(bool existed);

  cache_account account_;
  caching_statistics figures_;

 private:
  void unpick() noexcept override {}
  void forget_below(bytes_view) override {}

  maybe_ready<void> tell_all();
  task<void> tell_all_cold(maybe_ready<std::uint64_t> pending);
  task<bool> settled_cold(bool existed, maybe_ready<void> pending);
  task<void> clear_later();
  task<void> clear_cold(maybe_ready<void> pending);
  task<void> quiet();
  void forget_all() noexcept;

  std::uint64_t puts_under_way_ = 0;
  coro::event puts_done_;
};

}  // namespace lentic::detail
