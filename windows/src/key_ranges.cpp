// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/windows/key_ranges.hpp>

#include <algorithm>
#include <utility>

namespace lentic::windows {

namespace {

void append_suffix(bytes& to, std::int64_t start_ms, std::int32_t seqnum) {
  append_be(to, std::max<std::int64_t>(start_ms, 0));
  append_be(to, seqnum);
}

bytes with_suffix(bytes_view key, std::int64_t start_ms, std::int32_t seqnum) {
  bytes bound = to_bytes(key);
  append_suffix(bound, start_ms, seqnum);
  return bound;
}

// Whether key[0, longer) || suffix sorts after key[0, shorter) || suffix; shorter < longer.
bool sorts_after(bytes_view key, std::size_t longer, std::size_t shorter, bytes_view suffix) {
  for (std::size_t i = 0; i < suffix.size(); ++i) {
    const std::size_t at = shorter + i;
    const std::byte other = at < longer ? key[at] : suffix[at - longer];
    if (other != suffix[i]) return other > suffix[i];
  }
  return true;
}

// The greatest bytes that a key <= `hi` makes with a start <= to_ms. It is `hi` or one of its
// prefixes: a shorter key is followed by its time, which may be greater than the bytes of `hi`
// there. Kafka's OrderedBytes.upperRange looks at the first byte of the time only and so misses
// rows of shorter keys when that byte is 0 or equals the key's; this bound equals Kafka's wherever
// Kafka's is one. Kafka has no empty keys; here they count when the range includes them.
bytes upper_of_range(bytes_view hi, std::int64_t to_ms, bool with_empty_key) {
  bytes suffix;
  append_suffix(suffix, to_ms, seqnum_max);
  std::size_t best = with_empty_key ? 0 : std::min<std::size_t>(hi.size(), 1);
  for (std::size_t length = best + 1; length <= hi.size(); ++length)
    if (sorts_after(hi, length, best, suffix)) best = length;
  bytes bound = to_bytes(hi.first(best));
  bound.insert(bound.end(), suffix.begin(), suffix.end());
  return bound;
}

bytes time_prefix(std::int64_t start_ms) {
  bytes bound{std::byte{0x00}};
  append_be(bound, std::max<std::int64_t>(start_ms, 0));
  return bound;
}

std::optional<bytes_view> view_of(const std::optional<bytes>& owned) noexcept {
  if (!owned) return std::nullopt;
  return bytes_view(*owned);
}

std::optional<bytes> copy_of(std::optional<bytes_view> view) {
  if (!view) return std::nullopt;
  return to_bytes(*view);
}

}  // namespace

key_selection key_selection::one(bytes_view key) {
  key_selection keys = within(key, key);
  keys.kind_ = kind::one;
  return keys;
}

key_selection key_selection::within(std::optional<bytes_view> lo, std::optional<bytes_view> hi) {
  key_selection keys;
  keys.lo_ = copy_of(lo);
  keys.hi_ = copy_of(hi);
  return keys;
}

key_selection key_selection::prefix(bytes_view prefix) {
  key_selection keys;
  keys.kind_ = kind::prefix;
  keys.lo_ = to_bytes(prefix);
  return keys;
}

std::optional<bytes_view> key_selection::lo() const noexcept {
  return view_of(lo_);
}
std::optional<bytes_view> key_selection::hi() const noexcept {
  return view_of(hi_);
}

bool key_selection::contains(bytes_view key) const noexcept {
  if (kind_ == kind::prefix) return starts_with(key, *lo_);
  return (!lo_ || compare(*lo_, key) <= 0) && (!hi_ || compare(key, *hi_) <= 0);
}

// Bounds of the range from 0a 0b 0c to 0a 0b 0c, starts up to max:
//   lower 0a 0b 0c | 00 x 12
//   upper 0a | 7f ff ff ff ff ff ff ff | 7f ff ff ff      (what the key 0a makes)
scan_bounds store_key_bounds(const key_selection& keys, time_range starts) {
  scan_bounds bounds;
  const std::optional<bytes_view> lo = keys.lo();
  const std::optional<bytes_view> hi = keys.hi();
  if (keys.is_one_key()) {
    bounds.lower = with_suffix(*lo, starts.from_ms, 0);
    bounds.upper = with_suffix(*hi, starts.to_ms, seqnum_max);
    return bounds;
  }
  if (keys.is_prefix()) {
    // Every key with the prefix starts with it, suffix or no suffix; so do some shorter keys.
    bounds.lower = to_bytes(*lo);
    bytes end = prefix_end(*lo);
    if (!end.empty()) bounds.upper = std::move(end);
    return bounds;
  }
  if (lo) {
    bounds.lower = to_bytes(*lo);
    bounds.lower->resize(lo->size() + window_key_suffix_bytes);
  }
  if (hi) bounds.upper = upper_of_range(*hi, starts.to_ms, !lo || lo->empty());
  return bounds;
}

// Keys up to "k1", starts of [1, 2]:
//   lower 00 | 00 00 00 00 00 00 00 01
//   upper 00 | 00 00 00 00 00 00 00 02 | ff ff | 7f ff ff ff
scan_bounds time_first_bounds(const key_selection& keys, time_range starts) {
  scan_bounds bounds;
  bounds.lower = time_prefix(starts.from_ms);
  if (const auto lo = keys.lo()) bounds.lower->insert(bounds.lower->end(), lo->begin(), lo->end());
  const auto hi = keys.hi();
  if (!hi) {
    bounds.upper = bytes{std::byte{0x01}};
    return bounds;
  }
  bounds.upper = time_prefix(starts.to_ms);
  bounds.upper->insert(bounds.upper->end(), hi->size(), std::byte{0xff});
  append_be(*bounds.upper, seqnum_max);
  return bounds;
}

}  // namespace lentic::windows
