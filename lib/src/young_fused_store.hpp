// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_fused_store: caching::fused over a store whose young tables are the cache: what is dirty is
// noted with the row itself (touch_log), so that a put looks once, and a flush walks the entries in
// the order of first touch and looks nothing up. Over any other store, see fused_store.
//
// A put that waits for a cold row stands between the read of the old value and the put: a unit of a
// flush could tell another value meanwhile. No unit waits for a put that waits for room: the room
// may be what the flush makes. Where the store below finds
// nothing that could go, everything is told first: for lack of memory alone no segment with untold
// rows is sealed, and tables with such rows are kept.
// Threads: one owner.

#include "touch_log.hpp"
#include "write_through_store.hpp"

#include <lentic/store/touching_store.hpp>

#include <string_view>

namespace lentic::detail {

class young_fused_store final : public write_through_store, private memory_donor {
 public:
  // `rows` is what `inner` offers.
  young_fused_store(byte_store& inner, touching_store& rows, thread_cache& cache,
                    std::string_view name, const caching_options& options);

  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;

 private:
  // A put or erase that suspends.
  class waiting_put {
   public:
    explicit waiting_put(young_fused_store& store)
        : store_(&store), context_(store.current()), call_(store.call()) {}
    waiting_put(waiting_put&& other) noexcept
        : store_(other.store_),
          reads_(std::exchange(other.reads_, false)),
          context_(std::move(other.context_)),
          call_(other.call_) {}
    waiting_put& operator=(waiting_put&&) = delete;
    ~waiting_put() { end_read(); }

    // From here on it is under way, until end_read().
    void begin_read() noexcept;
    void end_read() noexcept;
    const touch_call& read(std::optional<bytes_view> old_value) noexcept;
    // It has waited for room; what was read before is stale.
    const touch_call& admitted() noexcept;

   private:
    const touch_call& call() noexcept;

    young_fused_store* store_;
    bool reads_ = false;
    record_context context_;  // of the call: by the landing another record may be current
    touch_call call_;
  };

  std::uint64_t give_up(std::uint64_t wanted) noexcept override;
  bool pick() override;
  maybe_ready<bool> land() override;
  void begin_run() noexcept override;
  void end_run() noexcept override { flush_limit_ = 0; }
  std::uint64_t unlanded_count() const noexcept override { return log_.count(); }
  void forget_entries() noexcept override;

  touch_call call() noexcept;
  void landed(const touch_answer& done) noexcept;
  void settle_account() noexcept;
  bool finish_unit();
  task<bool> land_later();
  maybe_ready<void> put_unread(bytes_view key, bytes_view value);
  task<void> put_cold(waiting_put given, bytes_view key, bytes_view value,
                      maybe_ready<std::optional<value_view>> pending);
  task<void> put_full(waiting_put given, bytes_view key, bytes_view value);
  task<void> find_room(bytes_view key, std::uint64_t value_bytes);
  maybe_ready<bool> erase_unread(bytes_view key);
  task<bool> erase_cold(waiting_put given, bytes_view key,
                        maybe_ready<std::optional<value_view>> pending);
  task<bool> erase_full(waiting_put given, bytes_view key);
  maybe_ready<bool> erased(const touch_answer& done);

  touching_store& rows_;
  touch_log log_;
  touch_log::place picked_ = touch_log::nowhere;
  touch_log::place flush_limit_ = 0;
};

}  // namespace lentic::detail
