// SPDX-License-Identifier: Apache-2.0
#include "topology.hpp"

#include <array>
#include <cstddef>

namespace lentic::tool {

namespace {

constexpr std::array<std::string_view, 9> option_names{"--key",   "--ts",        "--window",
                                                       "--grace", "--retention", "--agg",
                                                       "--emit",  "--output",    "--time-format"};

// On disk. Never rename.
constexpr std::array<std::string_view, 2> emit_names{"close", "changes"};
constexpr std::array<std::string_view, 3> output_names{"table", "csv", "ndjson"};
constexpr std::array<std::string_view, 2> time_names{"rfc3339", "ms"};

using values = std::array<std::string, option_names.size()>;

values values_of(const topology& value) {
  return {value.key_field,
          value.ts_field,
          window_text(value.window),
          duration_text(value.grace_ms),
          duration_text(value.retention_ms),
          aggregates_text(value.aggregates),
          std::string(emit_names.at(static_cast<std::size_t>(value.emit))),
          std::string(output_names.at(static_cast<std::size_t>(value.output))),
          std::string(time_names.at(static_cast<std::size_t>(value.times)))};
}

template <class Value, std::size_t count>
bool read_name(const std::string& text, const std::array<std::string_view, count>& names,
               Value& value) {
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] != text) continue;
    value = static_cast<Value>(i);
    return true;
  }
  return false;
}

// The values apart; false unless there are nine, each with its terminator.
bool split(std::string_view record, values& parts) {
  for (std::string& part : parts) {
    const std::size_t end = record.find('\0');
    if (end == record.npos) return false;
    part = record.substr(0, end);
    record.remove_prefix(end + 1);
  }
  return record.empty();
}

bool read_values(const values& parts, topology& value) {
  value.key_field = parts[0];
  value.ts_field = parts[1];
  const result<window_spec> window = parse_window(parts[2]);
  const result<std::int64_t> grace = parse_duration(parts[3]);
  const result<std::int64_t> retention = parse_duration(parts[4]);
  if (!window || !grace || !retention) return false;
  value.window = *window;
  value.grace_ms = *grace;
  value.retention_ms = *retention;
  try {
    value.aggregates = parse_aggregates(parts[5]);
  } catch (const usage_error&) {
    return false;
  }
  return read_name(parts[6], emit_names, value.emit)
      && read_name(parts[7], output_names, value.output)
      && read_name(parts[8], time_names, value.times);
}

}  // namespace

topology topology_of(const run_options& run) {
  return {run.key_field,  run.ts_field, run.window, run.grace_ms, run.retention_ms,
          run.aggregates, run.emit,     run.output, run.times};
}

// Topology record: nine texts, each ended by a zero byte (no argument can hold one), in this order:
// key, ts, window, grace, retention, aggregates, emit, output, time format.
//
//   origin 0 scheduled 0 tumbling:1h 0 2h 0 3h 0 count,sum:delay 0 close 0 csv 0 rfc3339 0
std::string encode_topology(const topology& value) {
  std::string record;
  for (const std::string& part : values_of(value)) record.append(part).push_back('\0');
  return record;
}

result<topology> decode_topology(std::string_view record) {
  values parts;
  topology value;
  if (!split(record, parts) || !read_values(parts, value) || encode_topology(value) != record) {
    return make_error_code(errc::bad_record);
  }
  return value;
}

std::optional<std::string> topology_difference(const topology& stored, const topology& now) {
  const values before = values_of(stored);
  const values after = values_of(now);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    return std::string(option_names[i]) + " is " + before[i] + " in the state, now " + after[i];
  }
  return std::nullopt;
}

}  // namespace lentic::tool
