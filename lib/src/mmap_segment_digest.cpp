// SPDX-License-Identifier: Apache-2.0
#include "mmap_segment.hpp"

#include <algorithm>
#include <utility>

// The digest of a mmap_segment: the sums of its layers, less the rows that a layer above hides. The
// run's sums, and rows of it that are not in memory, are left to whoever finishes the job.

namespace lentic::detail {

digest_job mmap_segment::begin_digest() {
  check_readable();
  digest_job job;
  job.found.segment = id_;
  job.run = run_;
  add_rows(*young_, job.found);
  if (frozen_) add_rows(*frozen_, job.found);
  if (frozen_ || run_) subtract_hidden(*young_, job);
  if (frozen_ && run_) subtract_hidden(*frozen_, job);
  std::sort(job.hiding.begin(), job.hiding.end(),
            [](const auto& left, const auto& right) { return left.block < right.block; });
  return job;
}

namespace {

void add_live(std::span<young_record* const> records, segment_digest& to) {
  for (const young_record* const record : records)
    if (!record->is_tombstone()) to.add(record->key(), record->value());
}

}  // namespace

void mmap_segment::add_rows(const young_table& table, segment_digest& to) const {
  if (table.digests() != nullptr) {  // of settled rows
    for (std::size_t i = 0; i < digest_part_count; ++i) to.parts[i] += table.digests()->parts[i];
    const std::uint64_t rows = to.rows + table.live_count();
    if (&table == young_.get()) add_live(dirty_, to);
    to.rows = rows;
    return;
  }
  young_table::slice_place from;
  std::vector<young_record*> slice;
  for (bool has_more = true; has_more;) {
    slice.clear();
    has_more = table.next_slice(from, slice);
    add_live(slice, to);
  }
}

// Live rows and tombstones hide alike.
void mmap_segment::subtract_hidden(young_table& table, digest_job& job) {
  const bool is_young = &table == young_.get();
  young_table::slice_place from;
  std::vector<young_record*> slice;
  for (bool has_more = true; has_more;) {
    slice.clear();
    has_more = table.next_slice(from, slice);
    for (const young_record* const record : slice) {
      const young_record* const below =
          is_young && frozen_ ? frozen_->find(record->key()) : nullptr;
      if (below == nullptr) {
        subtract_below(record->key(), job);
      } else if (!below->is_tombstone()) {
        job.found.subtract(below->key(), below->value());
      }
    }
  }
}

// Of the run.
void mmap_segment::subtract_below(bytes_view key, digest_job& job) {
  if (!run_) return;
  const run_answer found = run_->look(key);
  if (found.value) job.found.subtract(key, *found.value);
  if (found.cold_block) job.hiding.push_back({*found.cold_block, to_bytes(key)});
}

}  // namespace lentic::detail
