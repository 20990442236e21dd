// SPDX-License-Identifier: Apache-2.0
#pragma once

// young_layout: how a store keeps the rows in memory that were not sealed into a run yet. It is
// chosen when the store is first opened, and belongs to its state from then on. What a store
// answers is the same with either.
//
//                         hashed                               ordered
//   get, put, erase       O(1): 0.2-0.6 us at 1 M rows         O(log n): 0.4-3 us at 1 M rows
//   first block of rows   sorts: O(n log n), kept afterwards   O(log n)
//   a block of rows       O(log n), and O(k log n) and a move  O(log n)
//                         of 4 n bytes when k keys came or
//                         went since the last one
//   memory beyond rows    ~34 bytes a row, ~39 once rows were  ~60 bytes a row
//                         read in order
//
// Times: 28-byte keys in random order, a loaded machine, 2026-11, bench/young_table.
//
// hashed is for what is read by key while it is written, as windows are; ordered for what is
// scanned all the time. Threads: a plain value. Errors: none.

#include <cstdint>

namespace lentic {

// On disk. Never renumber.
enum class young_layout : std::uint8_t {
  hashed = 0,
  ordered = 1,
};

}  // namespace lentic
