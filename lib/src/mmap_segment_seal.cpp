// SPDX-License-Identifier: Apache-2.0
#include "mmap_segment.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

// How the rows of a mmap_segment get into frames and runs, and come back.

namespace lentic::detail {

namespace {

// A seal that failed is tried again after 1, 2, 4, ... commits, up to 2 to the power of this: what
// cannot be written must not keep the journal from being recycled.
constexpr unsigned seal_failures_counted = 10;
// A table with so large a part of its rows in old journal files changes too little to stay young.
constexpr std::uint64_t still_rows_part = 8;

}  // namespace

std::vector<row_layer*> mmap_segment::sealed_view::layers() {
  std::vector<row_layer*> found;
  if (segment_->frozen_) found.push_back(segment_->frozen_.get());
  if (segment_->run_) found.push_back(segment_->run_.get());
  return found;
}

void mmap_segment::cut(payload_writer& to, log_point point) {
  if (clear_pending_) to.clear(store_, id_, generation_);
  clear_pending_ = false;
  log_dirty(to);
  for (young_record* const record : dirty_) {  // all or none: a cut that fails comes again
    record->set_dirty(false);
    record->set_sequence(point.sequence);
  }
  logged_.add(point.epoch, dirty_.size());
  if (!dirty_.empty()) last_change_ = point.sequence;
  dirty_.clear();
  uncommitted_.set(0);
}

// Rows join the digests here, where they are at hand.
void mmap_segment::log_dirty(payload_writer& to) {
  std::size_t done = 0;
  try {
    for (; done < dirty_.size(); ++done) {
      const young_record& record = *dirty_[done];
      if (record.is_tombstone()) {
        to.erase(store_, id_, record.key());
      } else {
        to.put(store_, id_, record.key(), record.value());
      }
      young_->settle(record);
    }
    logged_.make_room();
  } catch (...) {
    while (done != 0) young_->unsettle(*dirty_[--done]);
    throw;
  }
}

bool mmap_segment::relog_before(std::uint64_t sequence, relog_walk& walk) {
  ++row_changes_;
  std::uint64_t wanted = logged_.before(sequence);
  std::vector<young_record*> slice;
  while (wanted != 0 && walk.rows_left != 0 && walk.bytes_left != 0) {
    young_table::slice_place next = walk.from;
    slice.clear();
    const bool has_more = young_->next_slice(next, slice);
    walk.rows_left -= std::min(walk.rows_left, std::max<std::size_t>(slice.size(), 1));
    for (young_record* const record : slice) {
      if (record->is_dirty() || record->sequence() >= sequence) continue;
      if (walk.bytes_left == 0) return false;  // the same slice again: what is dirty is passed over
      const std::uint64_t bytes = record->key().size() + record->value().size();
      relog(*record);
      walk.bytes_left -= std::min(walk.bytes_left, bytes);
      --wanted;
    }
    if (!has_more) return true;
    walk.from = std::move(next);
  }
  return wanted == 0;
}

void mmap_segment::relog(young_record& record) {
  if (record.is_tombstone() && run_generation_ == 0 && !frozen_ && !record.is_touched()) {
    logged_.remove(record.sequence());
    young_->remove(record);  // everything that it hid is in files that go as well
  } else {
    make_room_to_mark();
    if (!record.is_dirty()) young_->unsettle(record);
    mark(record, young_->live_bytes());
  }
}

bool mmap_segment::is_better_sealed(std::uint64_t sequence,
                                    std::uint64_t bytes_min) const noexcept {
  const std::uint64_t bytes = young_->live_bytes();
  return bytes >= bytes_min && !frozen_ && quarantined_.empty() && seal_failures_ == 0
      && logged_.before(sequence) >= young_->count() / still_rows_part
      && (!run_ || run_->row_bytes() <= 2 * bytes);
}

bool mmap_segment::want_seal_now() noexcept {
  want_seal();
  seal_not_before_ = 0;
  return seal_wanted_;
}

void mmap_segment::freeze(payload_writer& to, std::uint64_t generation) {
  assert(!frozen_ && dirty_.empty());
  auto fresh = make_table(young_->layout());
  to.sealed(store_, id_, generation);
  ++layer_changes_;
  frozen_ = std::exchange(young_, std::move(fresh));
  frozen_->count_as(memory_holder::frozen_rows);
  frozen_logged_ = std::exchange(logged_, {});
  generation_ = generation;
  seal_wanted_ = false;
}

cursor mmap_segment::sealed_rows() {
  return make_merge_cursor(sealed_view_, everything(), direction::forward);
}

void mmap_segment::adopt(std::shared_ptr<run_reader> run) noexcept {
  ++layer_changes_;
  run_ = std::move(run);
  run_generation_ = run_ ? generation_ : 0;
  seal_failures_ = 0;
  touched_.keep(std::move(frozen_));
  frozen_logged_.clear();
  hold_run_memory();
}

void mmap_segment::hold_run_memory() noexcept {
  run_memory_.set(run_ ? run_->memory_bytes() : 0);
}

void mmap_segment::thaw(std::uint64_t sequence) {
  if (!frozen_) return;
  ++layer_changes_;
  young_table::slice_place from;
  std::vector<young_record*> slice;
  for (bool has_more = true; has_more;) {
    slice.clear();
    has_more = frozen_->next_slice(from, slice);
    for (young_record* const record : slice) thaw_one(*record);
  }
  frozen_.reset();
  frozen_logged_.clear();
  seal_wanted_ = true;
  seal_not_before_ = sequence + (std::uint64_t{1} << seal_failures_);
  seal_failures_ = std::min(seal_failures_ + 1, seal_failures_counted);
}

// What was put since the freeze is newer.
void mmap_segment::thaw_one(young_record& record) {
  if (young_->find(record.key()) != nullptr) return;
  young_record& back = record.is_tombstone() ? young_->entomb(record.key())
                                             : young_->put(record.key(), record.value());
  touched_.move(record, back);
  young_->settle(back);
  back.set_sequence(record.sequence());
  logged_.add(frozen_logged_.epoch_of(record.sequence()));
}

}  // namespace lentic::detail
