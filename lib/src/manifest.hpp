// SPDX-License-Identifier: Apache-2.0
#pragma once

// MANIFEST-n: what an environment consists of. Written whole into a new file each time; the highest
// readable n counts, and older ones go once it is durable.
//
//   0      4        6      8           12           16
//   +------+--------+------+-----------+------------+-------------+
//   | LMAN | format | zero | body bytes| CRC-32C of | body ...    |
//   |      |        |      |           | all else   |             |
//   +------+--------+------+-----------+------------+-------------+
//
//   body  environment 8 B, then varints (v) and strings (s):
//         v:n, as in the name
//         v:last durable sequence  v:first journal file  v:first sequence in it  v:acknowledged
//         v:stores  then for each  v:id s:name v:layout v:drop floor
//                   v:runs  then for each  v:segment v:generation
//
// A manifest names its own number: after a crash, a file that was being written may hold what a
// deleted one held, and an older manifest would be taken for the newest.
//
// Threads: plain values. Errors: decoding answers a code.

#include <lentic/bytes.hpp>
#include <lentic/store/young_layout.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lentic::detail {

inline constexpr std::uint16_t manifest_format = 0;

struct manifest_store {
  std::uint64_t id = 0;
  std::string name;
  young_layout layout = young_layout::hashed;
  std::uint64_t drop_floor = 0;
  std::map<std::uint64_t, std::uint64_t> runs;  // segment -> generation
};

struct manifest {
  std::uint64_t environment = 0;
  std::uint64_t number = 0;  // n
  std::uint64_t last_durable = 0;
  std::uint64_t first_journal_file = 1;
  std::uint64_t first_journal_sequence = 1;
  std::uint64_t acknowledged = 0;
  std::vector<manifest_store> stores;
};

bytes encode_manifest(const manifest& content);
// errc::newer_format, or errc::manifest_damaged.
result<manifest> decode_manifest(bytes_view raw);

}  // namespace lentic::detail
