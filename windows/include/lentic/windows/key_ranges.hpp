// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which stored keys to read for "these keys, these window starts": bounds for a scan, and the test
// that every scanned row must still pass. Keys of different lengths interleave in a store (there is
// no terminator), so bounds alone answer too much, as in Kafka (WindowKeySchema, OrderedBytes,
// hasNextCondition).
//
// Key bounds and times include both ends. Plain values and pure functions; any thread.
// Not promised: tight bounds for a range of keys; the time narrows only single keys.

#include <lentic/bytes.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/time_range.hpp>

#include <optional>

namespace lentic::windows {

// A set of keys: all, one, [lo, hi] with either end open, or those with a prefix. Owns its bytes.
class key_selection {
 public:
  static key_selection all() { return {}; }
  static key_selection one(bytes_view key);
  // lo > hi is empty, not an error.
  static key_selection within(std::optional<bytes_view> lo, std::optional<bytes_view> hi);
  static key_selection prefix(bytes_view prefix);

  bool contains(bytes_view key) const noexcept;
  bool is_one_key() const noexcept { return kind_ == kind::one; }
  bool is_prefix() const noexcept { return kind_ == kind::prefix; }
  // The smallest and greatest key, as far as they are known. A prefix has no greatest key.
  std::optional<bytes_view> lo() const noexcept;
  std::optional<bytes_view> hi() const noexcept;

 private:
  enum class kind { range, one, prefix };

  kind kind_ = kind::range;
  std::optional<bytes> lo_;
  std::optional<bytes> hi_;
};

// Bounds of a scan, both included; none means unbounded.
struct scan_bounds {
  std::optional<bytes> lower;
  std::optional<bytes> upper;
};

// Bounds over store keys (window_layout::store). `starts` below 0 clamp to 0.
//   one key:  (key, from, 0) to (key, to, max): tight but for longer keys that interleave
//   a range:  lo || 12 zero bytes (the time is not used) to the greatest bytes that a key <= hi
//             makes with a start <= to. O(bytes of hi)
//   a prefix: all byte strings with the prefix
scan_bounds store_key_bounds(const key_selection& keys, time_range starts);

// Bounds over base rows (window_layout::time_first). A scan may stop at the first start > to.
scan_bounds time_first_bounds(const key_selection& keys, time_range starts);

// What bounds leave open: does this decoded key belong to the answer?
inline bool selected(const window_key& key, const key_selection& keys, time_range starts) noexcept {
  return starts.contains(key.start_ms) && keys.contains(key.key);
}

}  // namespace lentic::windows
