// SPDX-License-Identifier: Apache-2.0
#pragma once

// row_job: what happens to one row: its columns are read and checked, its windows updated, and the
// rows of windows that it closes, or of changes that the cache lets go, are written into a buffer.
// No input, no output, no commit.
//
// A bad row changes nothing and is answered with its reason and field. Threads: the store's owner.
// Lifetime: the window store outlives it. Errors: what the store throws.

#include "aggregates.hpp"
#include "change_rows.hpp"
#include "options.hpp"
#include "row_parser.hpp"
#include "row_writer.hpp"

#include <lentic/cache/thread_cache.hpp>
#include <lentic/coro/run_queue.hpp>
#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace lentic::tool {

struct row_fault {
  std::error_code reason;
  std::size_t field = 0;
};

class row_job {
 public:
  // `queue` is the runtime's.
  row_job(windows::window_store& store, coro::run_queue& queue, const run_options& options);

  // One field for each of columns_of(). None when the row was good.
  task<std::optional<row_fault>> process(std::span<const std::string_view> fields);
  // With --emit close: appends the windows that are open to output(), in (start, key) order; they
  // stay open.
  task<void> print_open();
  // With --emit changes: appends what is dirty. Before each commit.
  task<void> flush();
  // Windows that still take rows. O(rows of the segments that can hold them) with --emit changes.
  task<std::uint64_t> count_open();

  // Rows so far; the caller takes them.
  std::string& output() noexcept { return output_; }
  // Rows in all attempts, and distinct windows among them that have closed or, with --emit changes,
  // changed; restore_printed() goes on behind an earlier attempt.
  std::uint64_t rows_printed() const noexcept;
  std::uint64_t windows_printed() const noexcept;
  void restore_printed(std::uint64_t rows, std::uint64_t windows) noexcept;
  std::string header() const;

  windows::windowed_aggregation& aggregation() noexcept { return aggregation_; }
  aggregator& values() noexcept { return aggregator_; }

 private:
  void print(const windows::window_result& window);

  const run_options& options_;
  bool tells_changes() const noexcept { return options_.emit == emit_kind::changes; }
  windows::window_store& front(windows::window_store& store);
  task<void> look_after_time();

  aggregator aggregator_;
  row_writer writer_;
  std::string output_;
  change_rows changes_;
  thread_cache budget_;
  std::optional<windows::caching_window_store> cache_;  // with --emit changes
  windows::window_store& store_;
  windows::windowed_aggregation aggregation_;
  std::int64_t next_look_ms_ = 0;  // stream time at which segments may have expired
  row_parser parser_;
  std::vector<std::string> texts_;
  std::uint64_t rows_printed_ = 0;
};

}  // namespace lentic::tool
