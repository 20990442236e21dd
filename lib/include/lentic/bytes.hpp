// SPDX-License-Identifier: Apache-2.0
#pragma once

// Byte strings: the keys and values of every store. Their order is memcmp order, a proper prefix
// first. Plain values without synchronisation: threads may share them as they share any other.
//
// Not promised: any meaning of the bytes; codecs live beside the layouts that they encode.

#include <compare>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic {

using bytes = std::vector<std::byte>;
using bytes_view = std::span<const std::byte>;

inline bytes_view as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view as_text(bytes_view raw) noexcept {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

inline bytes to_bytes(bytes_view view) {
  return {view.begin(), view.end()};
}
inline bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

// memcmp order. O(shorter length).
inline std::strong_ordering compare(bytes_view left, bytes_view right) noexcept {
  const std::size_t common = left.size() < right.size() ? left.size() : right.size();
  const int order = common == 0 ? 0 : std::memcmp(left.data(), right.data(), common);
  if (order != 0) return order < 0 ? std::strong_ordering::less : std::strong_ordering::greater;
  return left.size() <=> right.size();
}

inline bool equal(bytes_view left, bytes_view right) noexcept {
  return compare(left, right) == 0;
}

// For ordered containers; transparent.
struct bytes_less {
  using is_transparent = void;
  bool operator()(bytes_view left, bytes_view right) const noexcept {
    return compare(left, right) < 0;
  }
};

inline bool starts_with(bytes_view whole, bytes_view prefix) noexcept {
  return whole.size() >= prefix.size() && equal(whole.first(prefix.size()), prefix);
}

// The smallest byte string greater than every string with this prefix: the exclusive end of a
// prefix scan. Empty when there is none (the prefix is empty or all 0xFF).
bytes prefix_end(bytes_view prefix);

// "ab\x00" as 616200. For messages and tests.
std::string to_hex(bytes_view raw);

}  // namespace lentic
