// SPDX-License-Identifier: Apache-2.0
#pragma once

// The workload of window_state_bench: a windowed count. An event is get, count + 1, put.
//
//   stored key = 16 B key || window start 8 B BE || seqnum 4 B BE, as Kafka's window stores
//   value      = count 8 B BE, padded to a length of 8 to 64 bytes that is fixed for each key
//
// Tumbling windows of one minute; every window has the same number of events; segments of five
// windows are dropped whole once ten windows lie behind them. A late event belongs to one of the
// three windows before the open one.

#include <lentic/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lentic::bench {

inline constexpr std::int64_t window_ms = 60'000;
inline constexpr std::int64_t windows_per_segment = 5;
inline constexpr std::int64_t windows_retained = 10;

using key_bytes = std::array<std::byte, 16>;
using stored_key = std::array<std::byte, 28>;

struct workload_options {
  std::uint32_t keys = 1'000'000;
  bool skewed = false;             // Zipf 0.99 in place of uniform
  std::uint32_t late_percent = 0;  // of the events; they belong to one of the three windows before
  std::uint64_t events = 2'000'000;
  std::uint64_t windows = 20;
  std::uint64_t commit_events = 10'000;
  std::uint64_t fetches = 20'000;
};

class workload {
 public:
  explicit workload(const workload_options& options);

  const workload_options& options() const noexcept { return options_; }
  std::uint64_t events() const noexcept { return ids_.size(); }
  std::uint32_t id(std::uint64_t event) const noexcept { return ids_[event]; }
  const key_bytes& key(std::uint32_t id) const noexcept { return keys_[id]; }
  std::size_t value_bytes(std::uint32_t id) const noexcept { return value_bytes_[id]; }
  // The window that is open at the event; its stream time.
  std::int64_t open_window(std::uint64_t event) const noexcept {
    return static_cast<std::int64_t>(event / events_per_window_);
  }
  // The window that the event belongs to.
  std::int64_t window(std::uint64_t event) const noexcept;
  std::int64_t last_window() const noexcept { return open_window(ids_.size() - 1); }
  // The key of the n-th fetch.
  std::uint32_t fetched_id(std::uint64_t fetch) const noexcept;
  std::uint64_t put_bytes() const noexcept { return put_bytes_; }
  bool ends_window(std::uint64_t event) const noexcept {
    return (event + 1) % events_per_window_ == 0;
  }
  bool commits_after(std::uint64_t event) const noexcept {
    return (event + 1) % options_.commit_events == 0 || event + 1 == ids_.size();
  }

 private:
  workload_options options_;
  std::uint64_t events_per_window_;
  std::uint64_t put_bytes_ = 0;
  std::vector<std::uint32_t> ids_;
  std::vector<key_bytes> keys_;
  std::vector<std::uint8_t> value_bytes_;
};

// splitmix64, Steele, Lea and Flood 2014.
std::uint64_t mixed(std::uint64_t x) noexcept;

stored_key encode(const key_bytes& key, std::int64_t window) noexcept;

// A value under construction: the padded count.
class counted_value {
 public:
  // `old` is empty for a key's first event in its window.
  bytes_view next(bytes_view old, std::size_t value_bytes) noexcept;

 private:
  std::array<std::byte, 64> raw_{};
};

}  // namespace lentic::bench
