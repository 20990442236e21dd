// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values that carry their record time: Kafka's ValueAndTimestampSerializer, byte for byte.
//
//   0                  8
//   +------------------+-------+
//   | timestamp_ms  BE | value |
//   +------------------+-------+
//
// (5, 00 00 00 00 00 00 00 2a) -> 00 00 00 00 00 00 00 05 | 00 00 00 00 00 00 00 2a
//
// Pure functions; any thread. Not promised: any meaning of the value, or a timestamp >= 0.

#include <lentic/bytes.hpp>
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>

namespace lentic {

struct timestamped_value {
  std::int64_t timestamp_ms = 0;
  bytes_view value;
};

inline constexpr std::size_t timestamp_bytes = sizeof(std::int64_t);

inline void append(bytes& to, const timestamped_value& from) {
  append_be(to, from.timestamp_ms);
  to.insert(to.end(), from.value.begin(), from.value.end());
}

inline bytes encode(const timestamped_value& from) {
  bytes raw;
  raw.reserve(timestamp_bytes + from.value.size());
  append(raw, from);
  return raw;
}

// The value is a view into `raw`. errc::damaged when `raw` is shorter than a timestamp.
inline result<timestamped_value> decode_timestamped_value(bytes_view raw) noexcept {
  if (raw.size() < timestamp_bytes) return make_error_code(errc::damaged);
  return timestamped_value{load_be<std::int64_t>(raw.data()), raw.subspan(timestamp_bytes)};
}

}  // namespace lentic
