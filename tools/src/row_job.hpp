// SPDX-License-Identifier: Apache-2.0
#pragma once

// row_job: the topology of a run, at work: a row's columns are read and checked and become a record
// of the topology; what it prints goes to the outbox of the environment. No input, no output, no
// commit.
//
// A bad row changes nothing and is answered with its reason and field. Threads: the environment's
// owner. Lifetime: the environment outlives it. Errors: what the environment throws; after one the
// job is not usable any more.

#include "aggregates.hpp"
#include "options.hpp"
#include "result_rows.hpp"
#include "row_parser.hpp"
#include "row_topology.hpp"

#include <lentic/environment.hpp>
#include <lentic/process/stream_task.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace lentic::tool {

struct row_fault {
  std::error_code reason;
  std::size_t field = 0;
};

class row_job {
 public:
  row_job(environment& env, const run_options& options);
  row_job(const row_job&) = delete;
  row_job& operator=(const row_job&) = delete;

  // Opens the stores at their last commit. Before the first row.
  task<void> open();
  // One field for each of columns_of(). None when the row was good.
  task<std::optional<row_fault>> process(std::span<const std::string_view> fields);
  // With --emit close: prints the windows that are open, in (start, key) order; they stay open.
  task<void> print_open();
  // Puts what is held back, and the clock, into the commit that is being made.
  task<void> stage() { return task_.stage(); }
  task<void> close() { return task_.close(); }
  // Windows that still take rows. O(rows that are retained) with --emit changes.
  task<std::uint64_t> count_open();

  std::string header() const { return results_.header(); }
  const result_rows& results() const noexcept { return results_; }
  void restore_printed(std::uint64_t rows, std::uint64_t windows) noexcept {
    results_.restore(rows, windows);
  }
  // Distinct windows that have closed or, with --emit changes, changed.
  std::uint64_t windows_printed();
  const windows::windowed_aggregation& aggregation() {
    return task_.store<windows::windowed_aggregation>(window_store_name);
  }
  aggregator& values() noexcept { return aggregator_; }

 private:
  process::topology declare();
  process::stream_task_options task_options() const;
  bool tells_changes() const noexcept { return options_.emit == emit_kind::changes; }

  environment& env_;
  const run_options& options_;
  aggregator aggregator_;
  result_rows results_;
  row_parser parser_;
  process::stream_task task_;
  row_source* rows_ = nullptr;  // of task_, once it is open
  row_record record_;           // under way
};

}  // namespace lentic::tool
