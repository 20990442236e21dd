// SPDX-License-Identifier: Apache-2.0
#pragma once

// touching_store: what a byte_store offers to a cache that keeps no copy of its rows. A put or an
// erase through it changes the row as an ordinary one does, and notes in the cache's touch_log
// which row that was and which value it had before, unless it is noted already: with the same look
// that finds the row. The cache reads the newest value from the row itself when it tells the
// change.
//
// Puts and erases do not suspend here. A row that lies where reading may suspend answers `unread`:
// the caller reads it with get() and comes again with what it found. A store without room for the
// entry answers `full`: the caller waits for make_room(), and comes again with that; what it had
// read before is stale by then. One log at a time over a store.
// Threads: one owner, the store's. Errors: those of byte_store::put and erase, and std::bad_alloc;
// nothing has changed then.

#include <lentic/bytes.hpp>
#include <lentic/cache/record_context.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <optional>

namespace lentic {

class touch_log;  // of the cache; opaque to who passes it on

struct touch_call {
  touch_log* log = nullptr;
  const record_context* context = nullptr;  // null: nobody asks for one
  bytes_view prefix;                        // stands before the store's key in the cache's keys
  bool was_read = false;                    // old_value is what get() has answered
  bool has_room = false;                    // make_room() has returned
  std::optional<bytes_view> old_value;
};

struct touch_answer {
  bool unread = false;       // nothing was done: the row has to be read
  bool full = false;         // nothing was done: there is no room
  bool was_touched = false;  // the row was in the log
  bool existed = false;      // before an erase
};

class touching_store {
 public:
  // O(1) or O(log n), as the store's put.
  virtual touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) = 0;
  virtual touch_answer erase_touching(bytes_view key, const touch_call& call) = 0;
  // After `full`, for the same entry. Errors: those of a put that waits for room. `key` outlives
  // the task.
  virtual task<void> make_room(bytes_view key, std::uint64_t value_bytes) = 0;

 protected:
  ~touching_store() = default;
};

}  // namespace lentic
