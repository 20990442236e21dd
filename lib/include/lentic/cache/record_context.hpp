// SPDX-License-Identifier: Apache-2.0
#pragma once

// record_context: which record a change comes from: its time, its place in a topic, its headers.
// A cache keeps one with each entry, so that a change that is forwarded later still says what
// caused it (Kafka's ProcessorRecordContext).
//
// Threads: plain values. Lifetime: `topic` is a view; the text lives as long as the topology, or
// whoever else owns the cache. Copies without headers do not allocate.
// Not promised: that a context names a record; a default one names none.

#include <lentic/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lentic {

struct header {
  std::string key;
  bytes value;

  bool operator==(const header&) const = default;
};

struct record_origin {
  std::string_view topic;
  std::int32_t partition = -1;
  std::int64_t offset = -1;

  bool operator==(const record_origin&) const = default;
};

struct record_context {
  std::int64_t timestamp_ms = 0;
  record_origin origin;
  std::vector<header> headers;

  bool operator==(const record_context&) const = default;
};

// Bytes that Kafka counts for a context: time 8, offset 8, partition 4, topic, headers
// (ProcessorRecordContext.residentMemorySizeEstimate). O(headers).
inline std::size_t accounted_bytes(const record_context& context) noexcept {
  std::size_t sum = 8 + 8 + 4 + context.origin.topic.size();
  for (const header& each : context.headers) sum += each.key.size() + each.value.size();
  return sum;
}

}  // namespace lentic
