// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a run keeps beside its windows, in the byte store "run" of its environment: the topology,
// the column types, the aggregation's clock, and the totals over all attempts. Together with the
// source position it is part of every commit.
//
// Threads: the environment's. Errors: bad_record for bytes that do not decode.

#include "errors.hpp"

#include <lentic/environment.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lentic::tool {

// The stores of a run.
inline constexpr std::string_view run_store_name = "run";
inline constexpr std::string_view window_store_name = "windows";

// Over all attempts on one state.
struct run_totals {
  std::uint64_t rows_in = 0;  // good rows
  std::uint64_t rows_bad = 0;
  std::uint64_t rows_printed = 0;     // given to the outbox
  std::uint64_t windows_printed = 0;  // distinct ones among them
  bool complete = false;              // the end of the input was reached, and open windows printed

  static constexpr std::size_t encoded_bytes = 34;

  bytes encode() const;
  static result<run_totals> decode(bytes_view raw) noexcept;
};

struct stored_run {
  std::string topology;
  std::string types;
  run_totals totals;
};

// None when the state is new. Throws bad_record.
task<std::optional<stored_run>> load_run(byte_store& store);
// Into the commit that is being made.
task<void> save_run(byte_store& store, const stored_run& run);

}  // namespace lentic::tool
