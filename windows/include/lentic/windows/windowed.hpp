// SPDX-License-Identifier: Apache-2.0
#pragma once

// windowed<K>: the key of a windowed table: a key and the window [start, end) it stands for.
// window_definition: which windows, for how long they take late records and how long they stay:
//
//   tumbling(1min).grace(10s).retention(24h)          hopping(1h, 10min)
//
// Plain values; any thread. Errors: windowed_by() throws errc::invalid_argument for a definition
// that cannot be (see time_windows and window_store_options).

#include <lentic/errc.hpp>
#include <lentic/windows/time_windows.hpp>
#include <lentic/windows/window_store.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace lentic::windows {

template <class K>
struct windowed {
  using key_type = K;

  K key{};
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;  // exclusive

  windowed() = default;
  windowed(K k, std::int64_t start, std::int64_t end)
      : key(std::move(k)), start_ms(start), end_ms(end) {}
  bool operator==(const windowed&) const = default;
};

class window_definition {
 public:
  using duration = std::chrono::milliseconds;

  window_definition(duration size, duration advance)
      : size_ms_(size.count()), advance_ms_(advance.count()) {}

  // How long after its end a window takes late records, in stream time.
  window_definition grace(duration chosen) const noexcept {
    window_definition next = *this;
    next.grace_ms_ = chosen.count();
    return next;
  }
  // How long a window can be read, counted from its start; at least size + grace, the default.
  window_definition retention(duration chosen) const noexcept {
    window_definition next = *this;
    next.retention_ms_ = chosen.count();
    return next;
  }
  // Window starts that share a segment; see window_store_options.
  window_definition segment_interval(duration chosen) const noexcept {
    window_definition next = *this;
    next.segment_interval_ms_ = chosen.count();
    return next;
  }

  // Throws errc::invalid_argument.
  time_windows windows() const {
    time_windows_options chosen;
    chosen.size_ms = size_ms_;
    chosen.advance_ms = advance_ms_;
    chosen.grace_ms = grace_ms_;
    const result<time_windows> made = time_windows::make(chosen);
    if (!made) fail(errc::invalid_argument, "windows need 0 < advance <= size and grace >= 0");
    return *made;
  }
  window_store_options store_options() const noexcept {
    const std::int64_t needed_ms = saturating_add(size_ms_, grace_ms_);
    window_store_options chosen;
    chosen.window_size_ms = size_ms_;
    chosen.advance_ms = advance_ms_;
    chosen.retention_ms = retention_ms_ == 0 ? needed_ms : retention_ms_;
    chosen.segment_interval_ms = segment_interval_ms_;
    chosen.start_alignment_ms = advance_ms_;
    return chosen;
  }
  void check() const {
    const time_windows made = windows();
    if (store_options().retention_ms < saturating_add(made.size_ms(), made.grace_ms()))
      fail(errc::invalid_argument, "the retention is smaller than window size + grace");
    if (segment_interval_ms_ < 0)
      fail(errc::invalid_argument, "the segment interval must not be negative");
  }

 private:
  std::int64_t size_ms_;
  std::int64_t advance_ms_;
  std::int64_t grace_ms_ = 0;
  std::int64_t retention_ms_ = 0;  // 0: size + grace
  std::int64_t segment_interval_ms_ = 0;
};

inline window_definition tumbling(window_definition::duration size) {
  return {size, size};
}
inline window_definition hopping(window_definition::duration size,
                                 window_definition::duration advance) {
  return {size, advance};
}

}  // namespace lentic::windows
