// SPDX-License-Identifier: Apache-2.0
#pragma once

// A windowed_aggregation over segments, with accumulators that show their history ("0+1+2") as
// Kafka's test aggregators do. One thread.

#include "run_now.hpp"

#include <lentic/errc.hpp>
#include <lentic/windows/segmented_window_store.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lentic::windows::testing {

// old + "+" + value; fails, if asked to, at one of its calls.
struct concatenate {
  std::string_view value;
  int calls = 0;
  int fail_at = -1;

  explicit concatenate(std::string_view text) : value(text) {}
  result<void> operator()(std::optional<bytes_view> old, bytes& out) {
    if (calls++ == fail_at) return std::make_error_code(std::errc::value_too_large);
    if (old) {
      out.insert(out.end(), old->begin(), old->end());
      out.push_back(std::byte{'+'});
    }
    const bytes_view added = as_bytes(value);
    out.insert(out.end(), added.begin(), added.end());
    return {};
  }
};

// What a window shows: "A [0,10) 1+2 @5".
struct print_rows {
  std::vector<std::string>* lines;

  void operator()(const window_result& row) const {
    lines->push_back(std::string(as_text(row.key)) + " [" + std::to_string(row.start_ms) + ","
                     + std::to_string(row.end_ms) + ") " + std::string(as_text(row.value)) + " @"
                     + std::to_string(row.timestamp_ms));
  }
};

struct rig_options {
  std::int64_t size_ms = 10;
  std::int64_t advance_ms = 10;
  std::int64_t grace_ms = 0;
  std::int64_t extra_retention_ms = 0;
  std::int64_t segment_interval_ms = 20;
};

inline time_windows windows_of(const rig_options& options) {
  time_windows_options windows;
  windows.size_ms = options.size_ms;
  windows.advance_ms = options.advance_ms;
  windows.grace_ms = options.grace_ms;
  return time_windows::make(windows).value();
}

inline window_store_options store_options_of(const rig_options& options) {
  window_store_options store;
  store.window_size_ms = options.size_ms;
  store.advance_ms = options.advance_ms;
  store.retention_ms =
      saturating_add(saturating_add(options.size_ms, options.grace_ms), options.extra_retention_ms);
  store.segment_interval_ms = options.segment_interval_ms;
  return store;
}

class aggregation_rig {
 public:
  aggregation_rig(segmented_store& segments, const rig_options& options)
      : store(segments, store_options_of(options)), aggregation(store, windows_of(options)) {}

  // One record, then what it closes; the closed windows go to `closed`.
  aggregation_outcome add(std::string_view key, std::int64_t timestamp_ms, std::string_view value) {
    concatenate update(value);
    const auto done = run_now(aggregation.process(as_bytes(key), timestamp_ms, update));
    EXPECT_TRUE(done.has_value()) << done.error().message();
    emit();
    return done.has_value() ? *done : aggregation_outcome();
  }
  void emit() {
    print_rows print{&closed};
    run_now(aggregation.for_each_closed(print));
    run_now(aggregation.expire());
  }
  std::vector<std::string> open() {
    std::vector<std::string> lines;
    print_rows print{&lines};
    run_now(aggregation.for_each_open(print));
    return lines;
  }

  segmented_window_store store;
  windowed_aggregation aggregation;
  std::vector<std::string> closed;
};

}  // namespace lentic::windows::testing
