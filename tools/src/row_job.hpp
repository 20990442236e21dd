// SPDX-License-Identifier: Apache-2.0
#pragma once

// row_job: what happens to one row: its columns are read and checked, its windows updated, and the
// rows of windows that it closes are written into a buffer. No input, no output, no commit.
//
// A bad row changes nothing and is answered with its reason and field. Threads: the store's owner.
// Lifetime: the window store outlives it. Errors: what the store throws.

#include "aggregates.hpp"
#include "options.hpp"
#include "row_parser.hpp"
#include "row_writer.hpp"

#include <lentic/windows/window_store.hpp>
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
  row_job(windows::window_store& store, const run_options& options);

  // One field for each of columns_of(). None when the row was good.
  task<std::optional<row_fault>> process(std::span<const std::string_view> fields);
  // Appends the windows that are open to output(), in (start, key) order; they stay open.
  task<void> print_open();

  // Rows of closed windows so far; the caller takes them.
  std::string& output() noexcept { return output_; }
  std::uint64_t rows_printed() const noexcept { return rows_printed_; }
  std::string header() const;

  windows::windowed_aggregation& aggregation() noexcept { return aggregation_; }
  aggregator& values() noexcept { return aggregator_; }

 private:
  void print(const windows::window_result& window);

  const run_options& options_;
  aggregator aggregator_;
  windows::windowed_aggregation aggregation_;
  row_writer writer_;
  row_parser parser_;
  std::vector<std::string> texts_;
  std::string output_;
  std::uint64_t rows_printed_ = 0;
};

}  // namespace lentic::tool
