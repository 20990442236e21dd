// SPDX-License-Identifier: Apache-2.0
#pragma once

// fused_store: caching::fused. The inner store is the cache; beside it stands an index of what is
// dirty: the value that was last told, copied at the first touch, and the context of the latest
// put.
//
// A put that waits for the inner store stands between its capture and its landing: units of a flush
// could tell a value that is being overwritten and take the entry away from under it. Threads: one
// owner.

#include "entry_order.hpp"
#include "entry_table.hpp"
#include "write_through_store.hpp"

namespace lentic::detail {

class fused_store final : public write_through_store {
 public:
  fused_store(byte_store& inner, thread_cache& cache, std::string_view name,
              const caching_options& options);

  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;

 private:
  // A put or erase from its capture to its landing. What was prepared is given back unless landed.
  class capture {
   public:
    explicit capture(fused_store& store) : store_(&store), context_(store.current()) {
      store.begin_put();
    }
    capture(capture&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)),
          context_(std::move(other.context_)),
          known_(other.known_),
          fresh_(std::exchange(other.fresh_, no_entry)) {}
    capture& operator=(capture&&) = delete;
    ~capture() { leave(); }

    bool knows(bytes_view key);
    // Keeps `old_value` for `key`, unless the key is dirty already.
    void take(bytes_view key, std::optional<bytes_view> old_value);
    void land(bytes_view key, std::uint64_t new_bytes) noexcept;

   private:
    void leave() noexcept;

    fused_store* store_;
    record_context context_;        // of the call: by the landing another record may be current
    entry_index known_ = no_entry;  // found at the start; units do not take it away meanwhile
    entry_index fresh_ = no_entry;
  };

  bool pick() override;
  maybe_ready<bool> land() override;
  void begin_run() noexcept override;
  void end_run() noexcept override { flush_limit_ = 0; }
  std::uint64_t unlanded_count() const noexcept override { return table_.size(); }
  void forget_entries() noexcept override;

  bool finish_unit(std::optional<bytes_view> now);
  task<bool> land_cold(maybe_ready<std::optional<value_view>> pending);
  task<bool> land_later();
  task<void> put_cold(capture given, bytes_view key, bytes_view value,
                      maybe_ready<std::optional<value_view>> pending);
  task<void> put_landing(capture given, bytes_view key, std::uint64_t new_bytes,
                         maybe_ready<void> pending);
  task<bool> erase_cold(capture given, bytes_view key,
                        maybe_ready<std::optional<value_view>> pending);
  task<bool> erase_landing(capture given, bytes_view key, maybe_ready<bool> pending);

  entry_table table_;
  entry_order order_{table_};
  index_list touched_;  // in the order of first touch
  std::uint64_t places_ = 0;
  std::uint64_t flush_limit_ = 0;
};

}  // namespace lentic::detail
