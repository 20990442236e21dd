// SPDX-License-Identifier: Apache-2.0
// What recovery does with a segment: rows of the journal, and the run that the manifest names.
#include "mmap_segment.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace lentic::detail {

void mmap_segment::replay(std::span<const logged_row> rows, log_point point) {
  assert(rows.size() <= replay_group);
  std::array<bytes_view, replay_group> keys;
  std::transform(rows.begin(), rows.end(), keys.begin(), [](const auto& row) { return row.key; });
  young_->prefetch(std::span(keys).first(rows.size()));
  row_changes_ += rows.size();
  for (const logged_row& row : rows) {
    young_record& record = row.value ? young_->put(row.key, *row.value) : young_->entomb(row.key);
    young_->settle(record);
    logged_.remove(record.sequence());
    record.set_sequence(0);
    logged_.add(point.epoch);
    record.set_sequence(point.sequence);
  }
}

void mmap_segment::replay_forget() {
  ++layer_changes_;
  young_ = make_table(young_->layout());
  logged_.clear();
}

void mmap_segment::attach_run(std::shared_ptr<run_reader> run, std::uint64_t generation) {
  ++layer_changes_;
  run_ = std::move(run);
  run_generation_ = generation;
  replay_generation(generation);
  hold_run_memory();
}

void mmap_segment::quarantine(std::string reason, std::uint64_t generation) {
  ++layer_changes_;
  quarantined_ = std::move(reason);
  run_generation_ = generation;
  replay_generation(generation);
}

}  // namespace lentic::detail
