// SPDX-License-Identifier: Apache-2.0
#pragma once

// segmented_store: byte stores side by side, one a segment, that are dropped whole. The id is a
// number; that it means time is known only to windows/. A key lives in the segment that its owner
// derives for it and is never stored with the id, except over a plain byte store (see
// prefixed_segments).
//
// Threads, views, suspension and errors are those of byte_store. Live segments should stay around
// 64 or fewer.

#include <lentic/store/byte_store.hpp>

#include <cstdint>
#include <vector>

namespace lentic {

using segment_id = std::uint64_t;

class segmented_store {
 public:
  segmented_store() = default;
  segmented_store(const segmented_store&) = delete;
  segmented_store& operator=(const segmented_store&) = delete;
  virtual ~segmented_store() = default;

  // The segment; made at its first use. The reference stays valid until the segment is dropped.
  // Throws errc::invalid_argument when `id` is below drop_floor(). O(log segments).
  virtual byte_store& segment(segment_id id) = 0;
  // The segment, or null when nothing was ever put into it or it was dropped. O(log segments).
  virtual byte_store* find_segment(segment_id id) = 0;
  // Ids of the live segments in [lo, hi), ascending. O(log segments + result).
  virtual std::vector<segment_id> segments(segment_id lo, segment_id hi) const = 0;

  // A hint that few puts will come: the segment may be written out as one run after the next
  // commit. Later puts stay correct until it is dropped.
  virtual void seal_hint(segment_id id) = 0;
  // Drops every segment with an id below `id`, and refuses such ids from now on. References to them
  // die. O(dropped segments), not O(rows). Durable with the next commit.
  virtual maybe_ready<void> drop_below(segment_id id) = 0;
  virtual segment_id drop_floor() const = 0;
  // Whether every segment offers byte_store::touching().
  virtual bool segments_touch() const noexcept { return false; }
};

}  // namespace lentic
