// SPDX-License-Identifier: Apache-2.0
#pragma once

// The keys of windows and sessions as bytes: Kafka Streams' layouts, byte for byte
// (WindowKeySchema, SessionKeySchema, PrefixedWindowKeySchemas, PrefixedSessionKeySchemas,
// SegmentedCacheFunction). The layouts are drawn in key_schema.cpp.
//
// Times are milliseconds and big endian. A negative time is errc::invalid_argument: its sign bit
// would sort after every positive one. A decoder checks every length and answers errc::damaged; the
// key that it hands out is a view into its input.
// Pure functions; any thread. Not promised: that bytes of one layout are refused by another; a
// reader has to know which layout it reads.

#include <lentic/bytes.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/task.hpp>
#include <lentic/windows/time_range.hpp>

#include <cstddef>
#include <cstdint>

namespace lentic::windows {

inline constexpr std::int32_t seqnum_max = 0x7fffffff;
inline constexpr std::size_t window_key_suffix_bytes = 12;

// A key in one window. Stores that keep no duplicates always write seqnum 0.
struct window_key {
  bytes_view key;
  std::int64_t start_ms = 0;
  std::int32_t seqnum = 0;
};

// A key in one session; both times included.
struct session_key {
  bytes_view key;
  std::int64_t end_ms = 0;
  std::int64_t start_ms = 0;
};

// The inner key of a segment, and the segment; see append(bytes&, const cache_key&).
struct cache_key {
  segment_id segment = 0;
  bytes_view store_key;
};

enum class window_layout {
  store,       // key || start || seqnum: window stores and their changelogs
  pipe,        // key || start: topics; the window size is not in it
  time_first,  // 00 || start || key || seqnum: the base rows of a time-ordered store
  key_first,   // 01 || key || start || seqnum: the index rows of a time-ordered store
};

enum class session_layout {
  store,       // key || end || start
  time_first,  // 00 || end || start || key
  key_first,   // 01 || key || end || start
};

// Appends the key to `to`, which keeps its capacity: a caller that clears and reuses one buffer
// does not allocate. errc::invalid_argument, with `to` unchanged, for a negative time or seqnum, or
// a session that ends before it starts. O(key bytes).
result<void> append(bytes& to, const window_key& key, window_layout layout = window_layout::store);
result<void> append(bytes& to, const session_key& key,
                    session_layout layout = session_layout::store);
void append(bytes& to, const cache_key& key);

// The same as a new byte string.
result<bytes> encode(const window_key& key, window_layout layout = window_layout::store);
result<bytes> encode(const session_key& key, session_layout layout = session_layout::store);
bytes encode(const cache_key& key);

// The key in `raw`, as a view into it; errc::damaged when `raw` is too short, starts with the wrong
// prefix, or holds a negative time or seqnum, or a session that ends before it starts.
result<window_key> decode_window_key(bytes_view raw, window_layout layout = window_layout::store);
result<session_key> decode_session_key(bytes_view raw,
                                       session_layout layout = session_layout::store);
result<cache_key> decode_cache_key(bytes_view raw);

// The segment of a window start: start / interval, rounded towards zero as in Kafka, so that times
// before 0 share segment 0. Precondition: interval_ms > 0.
constexpr segment_id segment_of(std::int64_t start_ms, std::int64_t interval_ms) noexcept {
  return start_ms <= 0 ? 0 : static_cast<segment_id>(start_ms / interval_ms);
}

// The same without a division where the segment is that of the start before, as it mostly is.
class segment_finder {
 public:
  constexpr explicit segment_finder(std::int64_t interval_ms) noexcept
      : interval_ms_(interval_ms) {}
  constexpr segment_id operator()(std::int64_t start_ms) noexcept {
    const auto behind = static_cast<std::uint64_t>(start_ms) - static_cast<std::uint64_t>(first_);
    if (behind < static_cast<std::uint64_t>(interval_ms_)) return last_;
    const segment_id found = segment_of(start_ms, interval_ms_);
    if (start_ms < 0) return found;
    last_ = found;
    first_ = static_cast<std::int64_t>(found) * interval_ms_;
    return found;
  }

 private:
  std::int64_t interval_ms_;
  std::int64_t first_ = 0;  // start of last_
  segment_id last_ = 0;
};

}  // namespace lentic::windows
