// SPDX-License-Identifier: Apache-2.0
#pragma once

// surviving_rows: a scan of a store that goes on behind blocks that are damaged.
//
// Errors: next() throws the system's errors. What our own code refuses is damage: it is answered.
// Threads: the store's. Lifetime: the store outlives it.

#include <lentic/store/byte_store.hpp>
#include <lentic/task.hpp>

#include <optional>
#include <span>
#include <string>
#include <utility>

namespace lentic::tool {

class surviving_rows {
 public:
  explicit surviving_rows(byte_store& store) : store_(&store) {}

  // The next block in key order, as of cursor::next(). Empty: see take_damage(); without one that
  // was the last.
  task<std::span<const row>> next();
  // What the last next() met: told once.
  std::optional<std::string> take_damage() noexcept { return std::exchange(damage_, std::nullopt); }

 private:
  byte_store* store_;
  std::optional<cursor> rows_;
  bytes from_;  // where to begin when there is no cursor
  bool ended_ = false;
  std::optional<std::string> damage_;
};

}  // namespace lentic::tool
