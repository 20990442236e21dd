// SPDX-License-Identifier: Apache-2.0
#pragma once

// row_layer: one ordered layer of a segment (a young table or a run), walked from a bound in either
// direction. Several layers, newest first, make up what a reader sees.
//
// Lifetime: a walk is valid until its layer changes; merge_cursor makes new ones for each block.
// Threads: one owner. Errors: a walk over a run throws errc::damaged.

#include <lentic/bytes.hpp>
#include <lentic/store/cursor.hpp>

#include <memory>
#include <vector>

namespace lentic::detail {

struct layer_row {
  bytes_view key;
  bytes_view value;
  bool tombstone = false;
};

class layer_walk {
 public:
  virtual ~layer_walk() = default;
  // The row that the walk stands on; null at its end.
  virtual const layer_row* current() const = 0;
  virtual void advance() = 0;
};

// Where a walk starts: forward at the first key >= (or >, when exclusive) the key; backward at the
// last key < the key. No key: at the very end of that side.
struct walk_start {
  std::optional<bytes_view> key;
  bool exclusive = false;
  direction order = direction::forward;
};

class row_layer {
 public:
  virtual ~row_layer() = default;
  virtual std::unique_ptr<layer_walk> walk(const walk_start& start) = 0;
};

// What has layers: asked again for each block, because they change under a cursor.
class layered {
 public:
  // Newest first.
  virtual std::vector<row_layer*> layers() = 0;

 protected:
  ~layered() = default;
};

// The rows of all layers in order; of equal keys the newest layer's; tombstones hide.
cursor make_merge_cursor(layered& owner, const key_range& range, direction order);

}  // namespace lentic::detail
