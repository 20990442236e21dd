// SPDX-License-Identifier: Apache-2.0
#pragma once

// time_windows: tumbling and hopping windows [start, start + size) with grace, after Kafka's
// TimeWindows. Starts are the multiples of `advance` from 0 on; a timestamp belongs to every window
// that contains it. Ends that leave int64 are held at its maximum.
//
// A window is closed once end <= stream time - grace (Kafka's KStreamWindowAggregate; sliding and
// session windows close one millisecond later).
// Plain values; any thread. Not promised: windows before 1970; a negative timestamp has none.

#include <lentic/errc.hpp>
#include <lentic/task.hpp>
#include <lentic/windows/time_range.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

namespace lentic::windows {

struct time_windows_options {
  std::int64_t size_ms = 0;
  std::optional<std::int64_t> advance_ms;  // none: tumbling, advance = size
  std::int64_t grace_ms = 0;
};

// Window starts in ascending order, computed as they are read.
class window_starts {
 public:
  class iterator {
   public:
    using value_type = std::int64_t;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    iterator() = default;
    iterator(const window_starts& starts, std::size_t index) noexcept
        : first_(starts.first_), advance_(starts.advance_), index_(index) {}
    std::int64_t operator*() const noexcept {
      return first_ + advance_ * static_cast<std::int64_t>(index_);
    }
    iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    iterator operator++(int) noexcept {
      const iterator before = *this;
      ++index_;
      return before;
    }
    bool operator==(const iterator& other) const noexcept { return index_ == other.index_; }

   private:
    std::int64_t first_ = 0;
    std::int64_t advance_ = 0;
    std::size_t index_ = 0;
  };

  window_starts() = default;

  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  // Precondition: index < size().
  std::int64_t operator[](std::size_t index) const noexcept {
    assert(index < count_);
    return *iterator(*this, index);
  }
  iterator begin() const noexcept { return iterator(*this, 0); }
  iterator end() const noexcept { return iterator(*this, count_); }

  // Without the first `count` starts. Precondition: count <= size().
  window_starts without_first(std::size_t count) const noexcept {
    assert(count <= count_);
    window_starts rest = *this;
    rest.count_ -= count;
    if (rest.count_ != 0) rest.first_ = *iterator(*this, count);
    return rest;
  }

 private:
  friend class time_windows;

  std::int64_t first_ = 0;
  std::int64_t advance_ = 1;
  std::size_t count_ = 0;
};

class time_windows {
 public:
  // errc::invalid_argument unless 0 < advance <= size and grace >= 0.
  static result<time_windows> make(const time_windows_options& options) noexcept {
    const std::int64_t advance_ms = options.advance_ms.value_or(options.size_ms);
    if (advance_ms <= 0 || advance_ms > options.size_ms || options.grace_ms < 0)
      return make_error_code(errc::invalid_argument);
    return time_windows(options.size_ms, advance_ms, options.grace_ms);
  }

  std::int64_t size_ms() const noexcept { return size_ms_; }
  std::int64_t advance_ms() const noexcept { return advance_ms_; }
  std::int64_t grace_ms() const noexcept { return grace_ms_; }

  // The exclusive end of the window that starts at `start_ms`.
  std::int64_t end_ms(std::int64_t start_ms) const noexcept {
    return saturating_add(start_ms, size_ms_);
  }

  // The starts of the windows that contain `timestamp_ms`: none for a negative one. O(1).
  window_starts starts_of(std::int64_t timestamp_ms) const noexcept {
    window_starts starts;
    if (timestamp_ms < 0) return starts;
    const std::int64_t earliest = std::max<std::int64_t>(0, timestamp_ms - size_ms_ + advance_ms_);
    starts.first_ = earliest / advance_ms_ * advance_ms_;
    starts.advance_ = advance_ms_;
    starts.count_ = static_cast<std::size_t>((timestamp_ms - starts.first_) / advance_ms_) + 1;
    return starts;
  }

  // Windows that end at or before this time are closed.
  std::int64_t close_ms(std::int64_t stream_time_ms) const noexcept {
    return saturating_sub(stream_time_ms, grace_ms_);
  }
  bool closed_at(std::int64_t start_ms, std::int64_t close_ms) const noexcept {
    return end_ms(start_ms) <= close_ms;
  }
  bool closed(std::int64_t start_ms, std::int64_t stream_time_ms) const noexcept {
    return closed_at(start_ms, close_ms(stream_time_ms));
  }

  // How many of `starts`, which ascend, are closed: they are the first ones. O(1).
  std::size_t closed_count(const window_starts& starts, std::int64_t close_ms) const noexcept {
    if (close_ms == time_max) return starts.size();  // ends are held at time_max: all are reached
    const std::int64_t last_closed = saturating_sub(close_ms, size_ms_);
    if (starts.empty() || last_closed < starts[0]) return 0;
    const auto count = static_cast<std::size_t>((last_closed - starts[0]) / advance_ms_) + 1;
    return std::min(count, starts.size());
  }

 private:
  time_windows(std::int64_t size_ms, std::int64_t advance_ms, std::int64_t grace_ms) noexcept
      : size_ms_(size_ms), advance_ms_(advance_ms), grace_ms_(grace_ms) {}

  std::int64_t size_ms_;
  std::int64_t advance_ms_;
  std::int64_t grace_ms_;
};

}  // namespace lentic::windows
