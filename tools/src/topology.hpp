// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a state directory belongs to: the options that must be the same on every run over it. Stored
// as text beside the state; get and scan learn from it what the bytes mean.
// Threads: pure functions.

#include "options.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace lentic::tool {

struct topology {
  std::string key_field;
  std::string ts_field;
  window_spec window;
  std::int64_t grace_ms = 0;
  std::int64_t retention_ms = 0;
  aggregate_list aggregates;
  emit_kind emit = emit_kind::close;
  output_format output = output_format::csv;
  time_format times = time_format::rfc3339;
};

topology topology_of(const run_options& run);

// Bytes that are equal exactly for equal topologies.
std::string encode_topology(const topology& value);
// Error: bad_record, for any bytes that encode_topology() does not write.
result<topology> decode_topology(std::string_view record);

// The first option that differs, for a message: `--grace is 2h in the state, now 1h`.
std::optional<std::string> topology_difference(const topology& stored, const topology& now);

}  // namespace lentic::tool
