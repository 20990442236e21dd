// SPDX-License-Identifier: Apache-2.0
#pragma once

// window_cursor: rows of a window_store in blocks, as cursor hands out rows of a byte_store.
//
//   window_cursor rows = store.fetch_rows(key, starts);
//   for (;;) {
//     const std::span<const window_row> block = co_await rows.next();
//     if (block.empty()) break;
//     ...
//   }
//
// Lifetime: rows stay valid until the next call of next() or the cursor's end. The window_store
// outlives the cursor, and drops no segment while one is open: keep them short. Threads: the
// store's. Errors: next() throws errc::damaged for a stored key that is no window key, and what a
// read throws. Cancellation: no effect. What is visible is fixed when the cursor is made.

#include <lentic/bytes.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/task.hpp>
#include <lentic/windows/key_ranges.hpp>
#include <lentic/windows/time_range.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lentic::windows {

class window_store;

struct window_row {
  bytes_view key;
  std::int64_t start_ms = 0;
  bytes_view value;
};

// A row that owns its bytes.
struct window_entry {
  bytes key;
  std::int64_t start_ms = 0;
  bytes value;

  window_entry() = default;
  explicit window_entry(const window_row& row)
      : key(to_bytes(row.key)), start_ms(row.start_ms), value(to_bytes(row.value)) {}
};

class window_cursor {
 public:
  window_cursor(window_cursor&& other) noexcept;
  window_cursor& operator=(window_cursor&&) = delete;
  ~window_cursor();

  // The next block; empty at the end, and again after it.
  maybe_ready<std::span<const window_row>> next();

 private:
  friend class window_store;
  // `starts` is what the store lets a reader see.
  window_cursor(window_store& store, key_selection keys, time_range starts, direction order);

  bool open_segment();
  bool take_block(std::span<const row> block);
  task<std::span<const window_row>> next_cold(maybe_ready<std::span<const row>> pending);

  window_store* store_;  // null in a cursor that was moved from
  key_selection keys_;
  time_range starts_;
  direction order_;
  scan_bounds bounds_;
  std::vector<segment_id> ids_;  // still to be read; the next one at the back
  std::optional<cursor> rows_;   // of the segment being read
  std::vector<window_row> block_;
};

// All rows that are left, owned.
task<std::vector<window_entry>> collect(window_cursor rows);

}  // namespace lentic::windows
