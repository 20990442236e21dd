// SPDX-License-Identifier: Apache-2.0
#pragma once

// row_layer: one ordered layer of a segment (a young table or a run), walked from a bound in either
// direction. Several layers, newest first, make up what a reader sees.
//
// Lifetime: a walk is valid until its layer changes, which layered::version() tells; after that it
// may only be destroyed, also when its layer is gone.
// Threads: one owner. Errors: a walk over a run throws errc::damaged.

#include "block_rows.hpp"

#include <lentic/bytes.hpp>
#include <lentic/store/cursor.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <memory>
#include <optional>
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
  // It stands before rows that are not in memory. Until go_on() it has no current row, take()
  // takes none, and neither means the end.
  bool is_waiting() const noexcept { return is_waiting_; }
  // Brings the rows into memory that it waits for; the task does not need the walk.
  virtual task<void> load() { co_return; }
  // After that. Throws what reading the rows throws; then the walk is of no more use.
  virtual void go_on() {}
  // The row that the walk stands on; null at its end.
  virtual const layer_row* current() const = 0;
  virtual void advance() = 0;
  // In bulk, where the layer has rows without tombstones in blocks: replaces the rows of `to` by
  // the rows from the current one to the end of its block, in order, and moves past them; none at
  // the end. After the first call only this one may be called, with the same `to`. False: not in
  // bulk.
  virtual bool take(block_rows& to) {
    static_cast<void>(to);
    return false;
  }

 protected:
  bool is_waiting_ = false;
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

// What has layers, which change under a cursor: asked again when the version has changed, and for
// each block where none is told.
class layered {
 public:
  // Newest first.
  virtual std::vector<row_layer*> layers() = 0;
  // Another one after each change of a layer or of which layers there are; walks that were made at
  // the version told now are valid. No answer: changes are not counted.
  virtual std::optional<std::uint64_t> version() const { return std::nullopt; }

 protected:
  ~layered() = default;
};

// The rows of all layers in order; of equal keys the newest layer's; tombstones hide. The cursor
// holds `life`, in which the owner lives.
cursor make_merge_cursor(layered& owner, const key_range& range, direction order,
                         std::shared_ptr<const void> life = nullptr);

}  // namespace lentic::detail
