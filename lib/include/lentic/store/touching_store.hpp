// SPDX-License-Identifier: Apache-2.0
#pragma once

// touching_store: what a byte_store offers to a cache that keeps no copy of its rows. A put or an
// erase through it changes the row as an ordinary one does, and notes in the cache's touch_log
// which row that was and which value it had before, unless it is noted already: with the same look
// that finds the row. The cache reads the newest value from the row itself when it tells the
// change.
//
// Nothing here suspends. A row that lies where reading may suspend answers `unread`: the caller
// reads it with get() and comes again with what it found. One log at a time over a store.
// Threads: one owner, the store's. Errors: those of byte_store::put and erase, and std::bad_alloc;
// nothing has changed then.

#include <lentic/bytes.hpp>
#include <lentic/cache/record_context.hpp>

#include <optional>

namespace lentic {

class touch_log;  // of the cache; opaque to who passes it on

struct touch_call {
  touch_log* log = nullptr;
  const record_context* context = nullptr;  // null: nobody asks for one
  bytes_view prefix;                        // stands before the store's key in the cache's keys
  bool was_read = false;                    // old_value is what get() has answered
  std::optional<bytes_view> old_value;
};

struct touch_answer {
  bool unread = false;       // nothing was done
  bool was_touched = false;  // the row was in the log
  bool existed = false;      // before an erase
};

class touching_store {
 public:
  // O(1) or O(log n), as the store's put.
  virtual touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) = 0;
  virtual touch_answer erase_touching(bytes_view key, const touch_call& call) = 0;

 protected:
  ~touching_store() = default;
};

}  // namespace lentic
