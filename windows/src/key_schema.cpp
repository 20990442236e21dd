// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/windows/key_schema.hpp>

#include <cstring>

namespace lentic::windows {

namespace {

constexpr std::byte time_first_prefix{0x00};
constexpr std::byte key_first_prefix{0x01};
constexpr std::size_t prefix_bytes = 1;
constexpr std::size_t time_bytes = sizeof(std::int64_t);
constexpr std::size_t seqnum_bytes = sizeof(std::int32_t);

void append_key(bytes& to, bytes_view key) {
  to.insert(to.end(), key.begin(), key.end());
}

// Reads a byte string from both ends. Whoever takes has checked the whole length before.
class taker {
 public:
  explicit taker(bytes_view raw) noexcept : raw_(raw) {}

  std::byte front_byte() noexcept {
    const std::byte first = raw_.front();
    raw_ = raw_.subspan(prefix_bytes);
    return first;
  }
  template <class Integer>
  Integer front() noexcept {
    const auto value = load_be<Integer>(raw_.data());
    raw_ = raw_.subspan(sizeof(Integer));
    return value;
  }
  template <class Integer>
  Integer back() noexcept {
    const auto value = load_be<Integer>(raw_.data() + raw_.size() - sizeof(Integer));
    raw_ = raw_.first(raw_.size() - sizeof(Integer));
    return value;
  }
  bytes_view rest() const noexcept { return raw_; }

 private:
  bytes_view raw_;
};

bool valid(const window_key& key) noexcept {
  return key.start_ms >= 0 && key.seqnum >= 0;
}

bool valid(const session_key& key) noexcept {
  return key.start_ms >= 0 && key.end_ms >= key.start_ms;
}

std::size_t bytes_min(window_layout layout) noexcept {
  switch (layout) {
    case window_layout::store:
      return time_bytes + seqnum_bytes;
    case window_layout::pipe:
      return time_bytes;
    case window_layout::time_first:
    case window_layout::key_first:
      return prefix_bytes + time_bytes + seqnum_bytes;
  }
  return 0;
}

template <class Key>
result<Key> checked(const Key& key, bool right_prefix = true) noexcept {
  if (!right_prefix || !valid(key)) return make_error_code(errc::damaged);
  return key;
}

}  // namespace

// Store key, n + 12 bytes. memcmp order equals (key, start, seqnum) order for keys of equal length.
//
//   0            n              n+8         n+12
//   +------------+---------------+-----------+
//   | key        | start_ms  BE  | seqnum BE |
//   +------------+---------------+-----------+
//
// ("k1", 1700000000000, 0) -> 6b 31 | 00 00 01 8b cf e5 68 00 | 00 00 00 00
//
// Pipe key: the same without seqnum, n + 8 bytes.
//
// Time first, n + 13 bytes: memcmp order is (start, key) order, whatever the lengths of the keys.
//
//   0    1               9       n+9         n+13
//   +----+---------------+-------+-----------+
//   | 00 | start_ms  BE  | key   | seqnum BE |
//   +----+---------------+-------+-----------+
//
// ("k1", 1700000000000, 0) -> 00 | 00 00 01 8b cf e5 68 00 | 6b 31 | 00 00 00 00
//
// Key first, n + 13 bytes: 01, then the store key.
//
// ("k1", 1700000000000, 0) -> 01 | 6b 31 | 00 00 01 8b cf e5 68 00 | 00 00 00 00
result<void> append(bytes& to, const window_key& key, window_layout layout) {
  if (!valid(key)) return make_error_code(errc::invalid_argument);
  if (layout == window_layout::time_first) {
    to.push_back(time_first_prefix);
    append_be(to, key.start_ms);
    append_key(to, key.key);
    append_be(to, key.seqnum);
    return {};
  }
  if (layout == window_layout::store) {  // once or twice for each record: written in one go
    const std::size_t before = to.size();
    to.resize(before + key.key.size() + window_key_suffix_bytes);
    std::byte* next = to.data() + before;
    if (!key.key.empty()) std::memcpy(next, key.key.data(), key.key.size());
    next += key.key.size();
    store_be(key.start_ms, next);
    store_be(key.seqnum, next + time_bytes);
    return {};
  }
  if (layout == window_layout::key_first) to.push_back(key_first_prefix);
  append_key(to, key.key);
  append_be(to, key.start_ms);
  if (layout != window_layout::pipe) append_be(to, key.seqnum);
  return {};
}

// Session key, n + 16 bytes. The end comes first, so that a scan can start at an earliest end.
//
//   0            n             n+8            n+16
//   +------------+-------------+--------------+
//   | key        | end_ms  BE  | start_ms  BE |
//   +------------+-------------+--------------+
//
// ("k1", end 25, start 10) -> 6b 31 | 00 00 00 00 00 00 00 19 | 00 00 00 00 00 00 00 0a
//
// Time first: 00 || end || start || key. Key first: 01 || session key. Both n + 17 bytes.
result<void> append(bytes& to, const session_key& key, session_layout layout) {
  if (!valid(key)) return make_error_code(errc::invalid_argument);
  if (layout == session_layout::time_first) {
    to.push_back(time_first_prefix);
    append_be(to, key.end_ms);
    append_be(to, key.start_ms);
    append_key(to, key.key);
    return {};
  }
  if (layout == session_layout::key_first) to.push_back(key_first_prefix);
  append_key(to, key.key);
  append_be(to, key.end_ms);
  append_be(to, key.start_ms);
  return {};
}

// Segmented cache key, n + 8 bytes: the key of a row where one plain store holds all segments.
//
//   0                8
//   +----------------+-----------+
//   | segment id  BE | store key |
//   +----------------+-----------+
//
// (28333333, store key of ("k1", 1700000000000, 0)), which is that key's segment at an interval of
// 60000 -> 00 00 00 00 01 b0 55 15 | 6b 31 | 00 00 01 8b cf e5 68 00 | 00 00 00 00
void append(bytes& to, const cache_key& key) {
  append_be(to, key.segment);
  append_key(to, key.store_key);
}

result<bytes> encode(const window_key& key, window_layout layout) {
  bytes raw;
  raw.reserve(key.key.size() + bytes_min(layout));
  const result<void> done = append(raw, key, layout);
  if (!done) return done.error();
  return raw;
}

result<bytes> encode(const session_key& key, session_layout layout) {
  bytes raw;
  raw.reserve(prefix_bytes + key.key.size() + 2 * time_bytes);
  const result<void> done = append(raw, key, layout);
  if (!done) return done.error();
  return raw;
}

bytes encode(const cache_key& key) {
  bytes raw;
  raw.reserve(sizeof(segment_id) + key.store_key.size());
  append(raw, key);
  return raw;
}

result<window_key> decode_window_key(bytes_view raw, window_layout layout) {
  if (raw.size() < bytes_min(layout)) return make_error_code(errc::damaged);
  taker from(raw);
  window_key key;
  bool right_prefix = true;
  if (layout == window_layout::time_first) right_prefix = from.front_byte() == time_first_prefix;
  if (layout == window_layout::key_first) right_prefix = from.front_byte() == key_first_prefix;
  if (layout != window_layout::pipe) key.seqnum = from.back<std::int32_t>();
  if (layout == window_layout::time_first)
    key.start_ms = from.front<std::int64_t>();
  else
    key.start_ms = from.back<std::int64_t>();
  key.key = from.rest();
  return checked(key, right_prefix);
}

result<session_key> decode_session_key(bytes_view raw, session_layout layout) {
  const std::size_t prefix = layout == session_layout::store ? 0 : prefix_bytes;
  if (raw.size() < prefix + 2 * time_bytes) return make_error_code(errc::damaged);
  taker from(raw);
  session_key key;
  if (layout == session_layout::time_first) {
    const bool right_prefix = from.front_byte() == time_first_prefix;
    key.end_ms = from.front<std::int64_t>();
    key.start_ms = from.front<std::int64_t>();
    key.key = from.rest();
    return checked(key, right_prefix);
  }
  const bool right_prefix =
      layout == session_layout::store || from.front_byte() == key_first_prefix;
  key.start_ms = from.back<std::int64_t>();
  key.end_ms = from.back<std::int64_t>();
  key.key = from.rest();
  return checked(key, right_prefix);
}

result<cache_key> decode_cache_key(bytes_view raw) {
  if (raw.size() < sizeof(segment_id)) return make_error_code(errc::damaged);
  return cache_key{load_be<segment_id>(raw.data()), raw.subspan(sizeof(segment_id))};
}

}  // namespace lentic::windows
