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
#include <lentic/task.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace lentic::windows {

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

// What a window_store implements; see window_cursor for the contract of next().
class window_cursor_source {
 public:
  virtual ~window_cursor_source() = default;
  virtual maybe_ready<std::span<const window_row>> next() = 0;
};

class window_cursor {
 public:
  explicit window_cursor(std::unique_ptr<window_cursor_source> source) noexcept
      : source_(std::move(source)) {}

  // The next block; empty at the end, and again after it.
  maybe_ready<std::span<const window_row>> next() { return source_->next(); }

 private:
  std::unique_ptr<window_cursor_source> source_;
};

// All rows that are left, owned.
task<std::vector<window_entry>> collect(window_cursor rows);

}  // namespace lentic::windows
