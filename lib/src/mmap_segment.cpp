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
// What an item of a frame takes beside its row, and the pointer to a dirty one.
constexpr std::uint64_t item_bytes = 24;
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
  std::optional<std::uint64_t> version() const override { return segment_->layer_changes_; }

 private:
  mmap_segment* segment_;
};

mmap_segment::mmap_segment(segment_host& host, std::uint64_t store, std::uint64_t id,
                           young_layout layout)
    : host_(&host),
      store_(store),
      id_(id),
      young_(std::make_unique<young_table>(layout, host.memory.get())),
      uncommitted_(host.memory.get(), memory_holder::uncommitted),
      run_memory_(host.memory.get(), memory_holder::runs) {}

mmap_segment::~mmap_segment() = default;

std::unique_ptr<young_table> mmap_segment::fresh_table() const {
  return std::make_unique<young_table>(young_->layout(), host_->memory.get());
}

maybe_ready<std::optional<value_view>> mmap_segment::get(bytes_view key) {
  const young_record* found = young_->find(key);
  if (found == nullptr && frozen_) found = frozen_->find(key);
  if (found != nullptr) {
    if (found->is_tombstone()) return std::optional<value_view>();
    return std::optional<value_view>(found->value());
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
  if (!host_->memory->admits(key.size() + value.size())) [[unlikely]]
    return put_later(key, value);
  put_now(key, value);
  return {};
}

// Waits for room. The segment may be dropped meanwhile, or the environment closed.
task<void> mmap_segment::put_later(bytes_view key, bytes_view value) {
  const std::shared_ptr<mmap_segment> mine = shared_from_this();
  co_await host_->make_room(key.size() + value.size());
  check_kept();
  put_now(key, value);
}

void mmap_segment::put_now(bytes_view key, bytes_view value) {
  make_room_to_mark();
  ++row_changes_;
  const std::uint64_t before = young_->live_bytes();
  young_record& record = young_->put(key, value);
  if (record.is_dirty()) uncommitted_.add(young_->live_bytes() - before);
  mark(record);
}

void mmap_segment::check_kept() const {
  if (dropped_) fail(errc::invalid_argument, "segment " + std::to_string(id_) + " was dropped");
}

// Below the young rows, only a tombstone can hide what is there.
maybe_ready<bool> mmap_segment::erase(bytes_view key) {
  host_->check_writable();
  check_readable();
  if (host_->is_durable() && !host_->memory->admits(key.size())) [[unlikely]]
    return erase_later(key);
  return erase_now(key);
}

task<bool> mmap_segment::erase_later(bytes_view key) {
  const std::shared_ptr<mmap_segment> mine = shared_from_this();
  co_await host_->make_room(key.size());
  check_kept();
  check_readable();
  co_return erase_now(key);
}

bool mmap_segment::erase_now(bytes_view key) {
  young_record* const found = young_->find(key);
  const bool existed = found != nullptr ? !found->is_tombstone() : exists_below(key);
  if (!existed) return false;
  ++row_changes_;
  if (host_->is_durable()) {
    make_room_to_mark();
    const std::uint64_t before = young_->live_bytes();
    young_record& record = young_->entomb(key);
    if (record.is_dirty()) uncommitted_.add(young_->live_bytes() - before);
    mark(record);
  } else {
    young_->remove(*found);  // nothing is below
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
  auto fresh = fresh_table();
  ++layer_changes_;
  if (run_generation_ != 0)
    host_->retire_run(store_, id_, run_generation_, run_ ? run_->file() : bytes_view());
  young_ = std::move(fresh);
  frozen_.reset();
  run_.reset();
  run_generation_ = 0;
  quarantined_.clear();
  dirty_.clear();
  uncommitted_.set(0);
  run_memory_.set(0);
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

void mmap_segment::mark(young_record& record) {
  if (record.is_dirty() || !host_->is_durable()) return;
  dirty_.push_back(&record);
  uncommitted_.add(item_bytes
                   + (record.is_tombstone() ? 0 : record.key().size() + record.value().size()));
  record.set_dirty(true);
  logged_.remove(record.sequence());
}

bool mmap_segment::exists_below(bytes_view key) {
  const young_record* const found = frozen_ ? frozen_->find(key) : nullptr;
  if (found != nullptr) return !found->is_tombstone();
  return run_ != nullptr && run_->find(key).has_value();
}

void mmap_segment::cut(payload_writer& to, log_point point) {
  if (clear_pending_) to.clear(store_, id_, generation_);
  clear_pending_ = false;
  for (const young_record* const record : dirty_) {
    if (record->is_tombstone()) {
      to.erase(store_, id_, record->key());
    } else {
      to.put(store_, id_, record->key(), record->value());
    }
  }
  logged_.make_room();
  for (young_record* const record : dirty_) {  // all or none: a cut that fails comes again
    record->set_dirty(false);
    record->set_sequence(point.sequence);
  }
  logged_.add(point.epoch, dirty_.size());
  if (!dirty_.empty()) last_change_ = point.sequence;
  dirty_.clear();
  uncommitted_.set(0);
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
  if (record.is_tombstone() && run_generation_ == 0 && !frozen_) {
    logged_.remove(record.sequence());
    young_->remove(record);  // everything that it hid is in files that go as well
  } else {
    make_room_to_mark();
    mark(record);
  }
}

bool mmap_segment::is_better_sealed(std::uint64_t sequence,
                                    std::uint64_t bytes_min) const noexcept {
  const std::uint64_t bytes = young_->live_bytes();
  return bytes >= bytes_min && !frozen_ && quarantined_.empty() && seal_failures_ == 0
      && logged_.before(sequence) >= young_->count() / still_rows_part
      && (!run_ || run_->row_bytes() <= 2 * bytes);
}

std::uint64_t mmap_segment::journal_bytes() const noexcept {
  const auto bytes_of = [](const young_table& table) {
    return table.live_bytes() + (table.count() - table.live_count()) * tombstone_bytes;
  };
  return bytes_of(*young_) + (frozen_ ? bytes_of(*frozen_) : 0);
}

void mmap_segment::freeze(payload_writer& to, std::uint64_t generation) {
  assert(!frozen_ && dirty_.empty());
  auto fresh = fresh_table();
  to.sealed(store_, id_, generation);
  ++layer_changes_;
  frozen_ = std::exchange(young_, std::move(fresh));
  frozen_->count_as(memory_holder::frozen_rows);
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
  ++layer_changes_;
  run_ = std::move(run);
  run_generation_ = run_ ? generation_ : 0;
  seal_failures_ = 0;
  frozen_.reset();
  frozen_logged_.clear();
  hold_run_memory();
  return old;
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
    for (const young_record* const record : slice) thaw_one(*record);
  }
  frozen_.reset();
  frozen_logged_.clear();
  seal_wanted_ = true;
  seal_not_before_ = sequence + (std::uint64_t{1} << seal_failures_);
  seal_failures_ = std::min(seal_failures_ + 1, seal_failures_counted);
}

// What was put since the freeze is newer.
void mmap_segment::thaw_one(const young_record& record) {
  if (young_->find(record.key()) != nullptr) return;
  young_record& back = record.is_tombstone() ? young_->entomb(record.key())
                                             : young_->put(record.key(), record.value());
  back.set_sequence(record.sequence());
  logged_.add(frozen_logged_.epoch_of(record.sequence()));
}

void mmap_segment::replay_put(bytes_view key, bytes_view value, log_point point) {
  replay(young_->put(key, value), point);
}

void mmap_segment::replay_erase(bytes_view key, log_point point) {
  replay(young_->entomb(key), point);
}

void mmap_segment::replay(young_record& record, log_point point) {
  ++row_changes_;
  logged_.remove(record.sequence());
  record.set_sequence(0);
  logged_.add(point.epoch);
  record.set_sequence(point.sequence);
}

void mmap_segment::replay_forget() {
  ++layer_changes_;
  young_ = fresh_table();
  logged_.clear();
}

void mmap_segment::attach_run(std::unique_ptr<run_reader> run, std::uint64_t generation) {
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
