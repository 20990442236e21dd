// SPDX-License-Identifier: Apache-2.0
#include "mmap_segment.hpp"

#include "limits.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace lentic::detail {

namespace {

// A seal that failed is tried again after 1, 2, 4, ... commits, up to 2 to the power of this: what
// cannot be written must not keep the journal from being recycled.
constexpr unsigned seal_failures_counted = 10;
// What a tombstone counts for in the journal: its key is not counted anywhere.
constexpr std::uint64_t tombstone_bytes = 64;
// A table with so large a part of its rows in old journal files changes too little to stay young.
constexpr std::uint64_t still_rows_part = 8;

}  // namespace

// The layers that a seal reads: without the young rows, which change meanwhile.
class mmap_segment::sealed_view final : public layered {
 public:
  explicit sealed_view(mmap_segment& segment) noexcept : segment_(&segment) {}
  std::vector<row_layer*> layers() override {
    std::vector<row_layer*> found;
    if (segment_->frozen_) found.push_back(segment_->frozen_.get());
    if (segment_->run_) found.push_back(segment_->run_.get());
    return found;
  }

 private:
  mmap_segment* segment_;
};

mmap_segment::mmap_segment(segment_host& host, std::uint64_t store, std::uint64_t id)
    : host_(&host), store_(store), id_(id), young_(std::make_unique<young_table>()) {}

mmap_segment::~mmap_segment() = default;

maybe_ready<std::optional<value_view>> mmap_segment::get(bytes_view key) {
  const young_table::entry* found = young_->find(key);
  if (found == nullptr && frozen_) found = frozen_->find(key);
  if (found != nullptr) {
    if (found->second.tombstone) return std::optional<value_view>();
    return std::optional<value_view>(found->second.view());
  }
  if (!quarantined_.empty()) check_readable();
  if (!run_) return std::optional<value_view>();
  const std::optional<bytes_view> old = run_->find(key);
  if (!old) return std::optional<value_view>();
  return std::optional<value_view>(*old);
}

maybe_ready<void> mmap_segment::put(bytes_view key, bytes_view value) {
  host_->check_writable();
  check_limits(key, value);
  make_room_to_mark();
  mark(young_->put(key, value));
  return {};
}

// Below the young rows, only a tombstone can hide what is there.
maybe_ready<bool> mmap_segment::erase(bytes_view key) {
  host_->check_writable();
  check_readable();
  young_table::entry* const found = young_->find(key);
  const bool existed = found != nullptr ? !found->second.tombstone : exists_below(key);
  if (!existed) return false;
  if (host_->is_durable()) {
    make_room_to_mark();
    mark(young_->entomb(key));
  } else {
    young_->remove(key);
  }
  return true;
}

cursor mmap_segment::range(const key_range& range, direction order) {
  check_readable();
  return make_merge_cursor(*this, range, order);
}

maybe_ready<void> mmap_segment::clear() {
  host_->check_writable();
  give_up_everything();
  clear_pending_ = host_->is_durable();
  return {};
}

void mmap_segment::drop() {
  give_up_everything();
  dropped_ = true;
}

void mmap_segment::give_up_everything() {
  auto fresh = std::make_unique<young_table>();
  if (run_generation_ != 0)
    host_->retire_run(store_, id_, run_generation_, run_ ? run_->file() : bytes_view());
  young_ = std::move(fresh);
  frozen_.reset();
  run_.reset();
  run_generation_ = 0;
  quarantined_.clear();
  dirty_.clear();
  logged_.clear();
  frozen_logged_.clear();
  seal_wanted_ = false;
  ++epoch_;
}

std::uint64_t mmap_segment::approximate_count() const {
  return young_->live_count() + (frozen_ ? frozen_->live_count() : 0) + (run_ ? run_->rows() : 0);
}

std::uint64_t mmap_segment::size_bytes() const {
  return young_->live_bytes() + (frozen_ ? frozen_->live_bytes() : 0)
       + (run_ ? run_->row_bytes() : 0);
}

std::vector<row_layer*> mmap_segment::layers() {
  check_readable();
  std::vector<row_layer*> found{young_.get()};
  if (frozen_) found.push_back(frozen_.get());
  if (run_) found.push_back(run_.get());
  return found;
}

void mmap_segment::check_readable() const {
  if (!quarantined_.empty()) fail(errc::damaged, quarantined_);
}

// Before a row changes, so that a change that was made is always marked: the next cut would miss it
// otherwise.
void mmap_segment::make_room_to_mark() {
  constexpr std::size_t room_min = 16;
  if (dirty_.size() == dirty_.capacity() && host_->is_durable())
    dirty_.reserve(std::max(room_min, 2 * dirty_.capacity()));
}

void mmap_segment::mark(young_table::entry& entry) {
  if (entry.second.dirty || !host_->is_durable()) return;
  dirty_.push_back(&entry);
  entry.second.dirty = true;
  logged_.remove(entry.second.sequence);
}

bool mmap_segment::exists_below(bytes_view key) {
  const young_table::entry* const found = frozen_ ? frozen_->find(key) : nullptr;
  if (found != nullptr) return !found->second.tombstone;
  return run_ != nullptr && run_->find(key).has_value();
}

void mmap_segment::cut(payload_writer& to, log_point point) {
  if (clear_pending_) to.clear(store_, id_, generation_);
  clear_pending_ = false;
  for (young_table::entry* const entry : dirty_) {
    const young_record& record = entry->second;
    if (record.tombstone) {
      to.erase(store_, id_, entry->first);
    } else {
      to.put(store_, id_, entry->first, record.view());
    }
  }
  logged_.make_room();
  for (young_table::entry* const entry : dirty_) {  // all or none: a cut that fails comes again
    entry->second.dirty = false;
    entry->second.sequence = point.sequence;
  }
  logged_.add(point.epoch, dirty_.size());
  dirty_.clear();
}

bool mmap_segment::relog_before(std::uint64_t sequence, relog_walk& walk) {
  auto& entries = young_->entries();
  std::uint64_t wanted = logged_.before(sequence);
  auto at = entries.lower_bound(walk.from);
  while (wanted != 0 && at != entries.end() && walk.rows_left != 0 && walk.bytes_left != 0) {
    young_table::entry& entry = *at++;  // the entry may go
    --walk.rows_left;
    if (entry.second.dirty || entry.second.sequence >= sequence) continue;
    const std::uint64_t bytes = entry.first.size() + entry.second.value_bytes;
    relog(entry);
    walk.bytes_left -= std::min(walk.bytes_left, bytes);
    --wanted;
  }
  if (wanted == 0 || at == entries.end()) return true;
  walk.from = to_bytes(at->first);
  return false;
}

void mmap_segment::relog(young_table::entry& entry) {
  if (entry.second.tombstone && run_generation_ == 0 && !frozen_) {
    logged_.remove(entry.second.sequence);
    young_->remove(entry.first);  // everything that it hid is in files that go as well
  } else {
    make_room_to_mark();
    mark(entry);
  }
}

bool mmap_segment::is_better_sealed(std::uint64_t sequence,
                                    std::uint64_t bytes_min) const noexcept {
  const std::uint64_t bytes = young_->live_bytes();
  return bytes >= bytes_min && !frozen_ && quarantined_.empty() && seal_failures_ == 0
      && logged_.before(sequence) >= young_->entries().size() / still_rows_part
      && (!run_ || run_->row_bytes() <= 2 * bytes);
}

std::uint64_t mmap_segment::journal_bytes() const noexcept {
  const auto bytes_of = [](young_table& table) {
    const std::uint64_t tombstones = table.entries().size() - table.live_count();
    return table.live_bytes() + tombstones * tombstone_bytes;
  };
  return bytes_of(*young_) + (frozen_ ? bytes_of(*frozen_) : 0);
}

void mmap_segment::freeze(payload_writer& to, std::uint64_t generation) {
  assert(!frozen_ && dirty_.empty());
  auto fresh = std::make_unique<young_table>();
  to.sealed(store_, id_, generation);
  frozen_ = std::exchange(young_, std::move(fresh));
  frozen_logged_ = std::exchange(logged_, {});
  generation_ = generation;
  seal_wanted_ = false;
}

cursor mmap_segment::sealed_rows() {
  if (!sealed_view_) sealed_view_ = std::make_unique<sealed_view>(*this);
  return make_merge_cursor(*sealed_view_, everything(), direction::forward);
}

bytes_view mmap_segment::adopt(std::unique_ptr<run_reader> run) {
  const bytes_view old = run_ ? run_->file() : bytes_view();
  run_ = std::move(run);
  run_generation_ = run_ ? generation_ : 0;
  seal_failures_ = 0;
  frozen_.reset();
  frozen_logged_.clear();
  return old;
}

void mmap_segment::thaw(std::uint64_t sequence) {
  if (!frozen_) return;
  for (auto& [key, record] : frozen_->entries()) {
    if (young_->find(key) != nullptr) continue;
    young_table::entry& back =
        record.tombstone ? young_->entomb(key) : young_->put(key, record.view());
    back.second.sequence = record.sequence;
    logged_.add(frozen_logged_.epoch_of(record.sequence));
  }
  frozen_.reset();
  frozen_logged_.clear();
  seal_wanted_ = true;
  seal_not_before_ = sequence + (std::uint64_t{1} << seal_failures_);
  seal_failures_ = std::min(seal_failures_ + 1, seal_failures_counted);
}

void mmap_segment::replay_put(bytes_view key, bytes_view value, log_point point) {
  replay(young_->put(key, value), point);
}

void mmap_segment::replay_erase(bytes_view key, log_point point) {
  replay(young_->entomb(key), point);
}

void mmap_segment::replay(young_table::entry& entry, log_point point) {
  logged_.remove(entry.second.sequence);
  entry.second.sequence = 0;
  logged_.add(point.epoch);
  entry.second.sequence = point.sequence;
}

void mmap_segment::replay_forget() {
  young_ = std::make_unique<young_table>();
  logged_.clear();
}

void mmap_segment::attach_run(std::unique_ptr<run_reader> run, std::uint64_t generation) {
  run_ = std::move(run);
  generation_ = run_generation_ = generation;
}

void mmap_segment::quarantine(std::string reason, std::uint64_t generation) {
  quarantined_ = std::move(reason);
  generation_ = run_generation_ = generation;
}

}  // namespace lentic::detail
