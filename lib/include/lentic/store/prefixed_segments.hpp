// SPDX-License-Identifier: Apache-2.0
#pragma once

// prefixed_segments: a segmented_store over any plain byte_store, which it then owns alone. The
// stored key is the key of Kafka's segmented caches:
//
//   0               8
//   +---------------+-----------+
//   | segment id BE | store key |
//   +---------------+-----------+
//
// (segment 1, "ab") -> 00 00 00 00 00 00 00 01 | 61 62
//
// Threads, views and suspension are those of the store below. Lifetime: the store outlives this
// object; nobody else writes to it. Errors: its own; keys are limited to key_bytes_max - 8.
// Not promised: drop_below() in O(1): it erases row by row. seal_hint() does nothing. drop_floor()
// is not stored: after open() it is 0 until the next drop_below(). A cursor or a task of a segment
// does not outlive it.

#include <lentic/store/byte_store.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/task.hpp>

#include <map>
#include <memory>
#include <vector>

namespace lentic {

class prefixed_segments final : public segmented_store {
 public:
  // Finds the segments that have rows, by one seek for each. O(segments * log n).
  static task<std::unique_ptr<prefixed_segments>> open(byte_store& rows);
  ~prefixed_segments() override;

  byte_store& segment(segment_id id) override;
  byte_store* find_segment(segment_id id) override;
  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override;
  void seal_hint(segment_id id) override;
  // O(rows dropped * log n).
  maybe_ready<void> drop_below(segment_id id) override;
  segment_id drop_floor() const override { return floor_; }

 private:
  class one;

  explicit prefixed_segments(byte_store& rows);
  static task<void> find_all(prefixed_segments& target);
  one& make(segment_id id);

  byte_store* rows_;
  std::map<segment_id, std::unique_ptr<one>> segments_;
  segment_id floor_ = 0;
};

}  // namespace lentic
