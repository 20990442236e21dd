// SPDX-License-Identifier: Apache-2.0
#pragma once

// caching_window_store: a write-back cache in front of a window_store that tells what changed, in
// either mode of caching_store. The key of a change is the store key (key || start || seqnum): see
// decode_window_key().
//
// Its own stream time is raised by every put; it decides what is expired and visible here. In kafka
// mode the store below learns of puts, and of time, at the flush. expire() first flushes the dirty
// windows of the segments that are about to go, and only those: each gives its one change and the
// others stay in the cache.
//
// Threads: one owner, the inner store's. Lifetime: inner store, thread_cache, listener and current
// context outlive it; nobody else writes to the inner store. Views, suspension, errors:
// window_store's and caching_store's. Cancellation: a flush stops between entries.
// Durability: the inner store's; state() is right in a commit that follows a flush without a put
// in between. Not promised: a cursor that is open keeps expire() from doing anything.

#include <lentic/cache/caching_store.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/window_store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace lentic::windows {

class caching_window_store final : public window_store {
 public:
  // `name` is that of the cache in `cache`: errc::invalid_argument when it is taken.
  caching_window_store(caching mode, window_store& inner, thread_cache& cache,
                       std::string_view name, const caching_options& options = {});
  ~caching_window_store() override;

  // As those of caching_store.
  maybe_ready<std::uint64_t> flush(coro::stop_token stop = {});
  task<std::vector<owned_change>> flush_with_old(coro::stop_token stop = {});
  std::uint64_t dirty_count() const noexcept;
  std::uint64_t dirty_bytes() const noexcept;
  caching_statistics statistics() const noexcept;

  using window_store::fetch;
  maybe_ready<bool> put(bytes_view key, std::int64_t start_ms, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key, std::int64_t start_ms) override;
  maybe_ready<std::optional<value_view>> fetch(bytes_view key, std::int64_t start_ms) override;
  maybe_ready<std::optional<value_view>> fetch_expiring(bytes_view key,
                                                        std::int64_t start_ms) override;
  window_cursor scan(key_selection keys, time_range starts,
                     direction order = direction::forward) override;

  // Passed on once nothing is dirty: a segment that is written out too early is written twice.
  void closed_below(std::int64_t first_open_start_ms) override;
  maybe_ready<void> expire() override;

  std::int64_t window_size_ms() const noexcept override { return inner_.window_size_ms(); }
  std::int64_t retention_ms() const noexcept override { return inner_.retention_ms(); }
  std::int64_t segment_interval_ms() const noexcept override {
    return inner_.segment_interval_ms();
  }
  std::int64_t start_alignment_ms() const noexcept override { return inner_.start_alignment_ms(); }
  std::int64_t observed_stream_time_ms() const noexcept override {
    return state_.observed_stream_time_ms;
  }
  std::uint64_t expired_dropped() const noexcept override { return state_.expired_dropped; }
  window_store_state state() const noexcept override { return state_; }
  // Restores the inner store with the same state.
  void restore(const window_store_state& state) noexcept override;

 private:
  class below;
  class listener_of_windows;
  class direct_source;
  class scan_source;
  class rows_plan;

  segment_id segment_of(std::int64_t start_ms) const noexcept;
  segment_id live_floor() const noexcept;
  std::int64_t oldest_visible_ms() const noexcept;
  void encode_key(bytes_view key, std::int64_t start_ms);
  void check_limits(bytes_view value) const;
  bool admit(std::int64_t start_ms);
  void pass_closed();
  task<std::uint64_t> flush_cold(maybe_ready<std::uint64_t> pending);
  task<void> expire_cold(bytes end, segment_id floor, maybe_ready<std::uint64_t> pending);
  maybe_ready<void> drop_below(segment_id floor);

  caching mode_;
  window_store& inner_;
  std::unique_ptr<listener_of_windows> listener_;  // null: changes are pulled
  std::unique_ptr<below> below_;
  std::unique_ptr<caching_store> cache_;
  window_store_state state_;
  mutable segment_finder segment_of_start_;
  mutable segment_finder segment_of_floor_;
  segment_id dropped_below_ = 0;
  std::int64_t closed_below_ms_ = 0;
  std::vector<owned_change> pulled_;  // and not handed out yet
  bytes key_;  // of the operation under way; moves into its task when that suspends
  std::size_t open_cursors_ = 0;
};

}  // namespace lentic::windows
