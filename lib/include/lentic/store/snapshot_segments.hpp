// SPDX-License-Identifier: Apache-2.0
#pragma once

// snapshot_segments: a segmented_store in front of another whose snapshots show all its segments at
// one moment. What snapshot_store says holds here; a window store over a segments_snapshot reads
// the windows as they were:
//
//   auto segments = make_snapshot_segments(env->open_segmented_store("w"), runtime);
//   segmented_window_store windows(*segments, options);
//   ...
//   const std::unique_ptr<segments_snapshot> then = co_await segments->open_snapshot();
//   segmented_window_store before(*then, options);
//   before.restore(windows.state());
//
// drop_below() drops the segments and what snapshots keep of them: reads of those segments throw
// errc::snapshot_expired, and so does segments() where its answer would leave one out. Other
// segments of the same snapshot stay readable. clear() of one segment ends every snapshot.
// Threads, lifetime, errors: see snapshot_store.

#include <lentic/store/segmented_store.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <memory>

namespace lentic {

// Read-only. Its segments live as long as it does.
class segments_snapshot : public segmented_store {
 public:
  virtual std::uint64_t bytes() const noexcept = 0;
  virtual bool expired() const noexcept = 0;
  // Segments below this were dropped since it was opened; 0: none was.
  virtual segment_id lost_below() const noexcept = 0;
};

class snapshot_segments : public segmented_store {
 public:
  virtual maybe_ready<std::unique_ptr<segments_snapshot>> open_snapshot(
      const snapshot_limits& limits = {}) = 0;
};

std::unique_ptr<snapshot_segments> make_snapshot_segments(
    segmented_store& inner, coro::runtime& runtime,
    std::shared_ptr<memory_account> memory = nullptr);

}  // namespace lentic
