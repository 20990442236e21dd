// SPDX-License-Identifier: Apache-2.0
#pragma once

// cursor: rows of a store in order, handed out in blocks, so that one suspension serves many rows.
//
//   cursor rows = store.range(between(lo, hi));
//   for (;;) {
//     const std::span<const row> block = co_await rows.next();
//     if (block.empty()) break;
//     ...
//   }
//
// Lifetime: the rows of a block stay valid until the next call of next() or the cursor's end,
// whatever is written meanwhile. The store outlives the cursor. A cursor sees each key that stays
// in the store exactly once; a key put or erased while it runs may or may not be seen. Threads: the
// store's. Errors: next() throws what a read of the store throws.
//
// A block is a random access range: pipelines of range-v3 work on it. for_each_row() is for loops
// that want rows and do not care for blocks.

#include <lentic/bytes.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/task.hpp>

#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace lentic {

struct row {
  bytes_view key;
  bytes_view value;
};

enum class direction { forward, backward };

// Keys of [lo, hi) in memcmp order; no bound means unbounded. lo >= hi is empty, not an error.
struct key_range {
  std::optional<bytes_view> lo;
  std::optional<bytes_view> hi;
};

inline key_range between(bytes_view lo, bytes_view hi) noexcept {
  return {lo, hi};
}
inline key_range from(bytes_view lo) noexcept {
  return {lo, std::nullopt};
}
inline key_range everything() noexcept {
  return {};
}

// What a store implements; see cursor for the contract of next().
class cursor_source {
 public:
  virtual ~cursor_source() = default;
  virtual maybe_ready<std::span<const row>> next() = 0;
};

class cursor {
 public:
  explicit cursor(std::unique_ptr<cursor_source> source) noexcept : source_(std::move(source)) {}

  // The next block; empty at the end, and again after it.
  maybe_ready<std::span<const row>> next() { return source_->next(); }

 private:
  std::unique_ptr<cursor_source> source_;
};

// Calls `visit(row)` for each row that is left, in order; a row is valid during its call. What
// `visit` throws ends the walk. One frame for all rows. Cursor and visitor outlive the task.
template <class Visitor>
task<void> for_each_row(cursor& rows, Visitor& visit) {
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) co_return;
    for (const row& each : block) visit(each);
  }
}

}  // namespace lentic

template <>
inline constexpr bool lentic::coro::is_borrowed<lentic::row> = true;
template <>
inline constexpr bool lentic::coro::is_borrowed<lentic::cursor> = true;  // belongs to the owner
