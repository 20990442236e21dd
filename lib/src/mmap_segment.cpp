// SPDX-License-Identifier: Apache-2.0
#include "mmap_segment.hpp"

#include "limits.hpp"

#include <lentic/coro/when_all.hpp>
#include <lentic/errc.hpp>

#include <algorithm>
#include <array>
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
// Keys that are looked up together.
constexpr std::size_t look_group = 32;

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
      young_(std::make_unique<young_table>(layout)),
      touched_(young_, host.is_durable() ? tombstones::kept : tombstones::removed, &row_changes_) {}

mmap_segment::~mmap_segment() {
  let_go_of_tables();
}

std::unique_ptr<young_table> mmap_segment::fresh_table() const {
  return std::make_unique<young_table>(young_->layout());
}

namespace {

std::optional<value_view> view_of(const run_answer& found) {
  if (!found.value) return std::nullopt;
  return value_view(*found.value);
}

}  // namespace

maybe_ready<std::optional<value_view>> mmap_segment::get(bytes_view key) {
  const run_answer found = look(key);
  if (found.cold_block) return get_slowly(shared_from_this(), to_bytes(key), *found.cold_block);
  return view_of(found);
}

task<std::optional<value_view>> mmap_segment::get_slowly(std::shared_ptr<mmap_segment> self,
                                                         bytes key, std::size_t cold_block) {
  const run_answer found = co_await self->look_slowly(key, cold_block);
  co_return view_of(found);
}

// Rows in memory first, all of them; then what is left, below.
void mmap_segment::look_many(std::span<const bytes_view> keys, std::span<run_answer> found) {
  std::array<young_record*, look_group> young;
  for (std::size_t from = 0; from < keys.size(); from += look_group) {
    const auto group = keys.subspan(from, std::min(look_group, keys.size() - from));
    young_->find_many(group, std::span(young).first(group.size()));
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (young[i] == nullptr) {
        found[from + i] = look_below(group[i]);
      } else if (!young[i]->is_tombstone()) {
        found[from + i].value = young[i]->value();
      }
    }
  }
}

// All reads side by side; throws the first error, once all have ended.
task<void> mmap_segment::load_for(std::span<const bytes_view> keys,
                                  std::span<const run_answer> found) {
  std::vector<task<void>> loads;
  std::vector<std::size_t> blocks;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i].cold_block) blocks.push_back(*found[i].cold_block);
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  loads.reserve(blocks.size());
  for (const std::size_t block : blocks)
    loads.push_back(run_reader::load(run_, run_reader::only(block)));
  co_await coro::when_all(std::move(loads));
}

// What is still not in memory after the reads, because the run is another one now or memory is very
// short, is read one by one.
task<std::vector<std::optional<bytes>>> mmap_segment::multi_get(std::span<const bytes_view> keys) {
  const std::shared_ptr<mmap_segment> self = shared_from_this();
  std::vector<std::optional<bytes>> values(keys.size());
  std::vector<run_answer> found(keys.size());
  look_many(keys, found);
  const auto is_cold = [](const run_answer& each) { return each.cold_block.has_value(); };
  const bool has_cold = std::any_of(found.begin(), found.end(), is_cold);
  if (has_cold) {
    co_await load_for(keys, found);
    std::fill(found.begin(), found.end(), run_answer());
    look_many(keys, found);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i].value) values[i] = to_bytes(*found[i].value);
  }
  for (std::size_t i = 0; has_cold && i < keys.size(); ++i) {
    if (!found[i].cold_block) continue;
    const run_answer late = co_await look_slowly(keys[i], *found[i].cold_block);
    if (late.value) values[i] = to_bytes(*late.value);
  }
  co_return values;
}

void mmap_segment::prefetch(std::span<const bytes_view> keys) {
  if (!run_) return;
  for (const bytes_view key : keys) {
    if (young_->find(key) != nullptr || (frozen_ && frozen_->find(key) != nullptr)) continue;
    if (!run_->may_hold(key)) continue;
    run_->load_soon(run_reader::only(run_->block_of(key)));
  }
}

maybe_ready<std::optional<pinned_value>> mmap_segment::pin(bytes_view key) {
  const run_answer found = look(key);
  if (found.cold_block) return pin_slowly(shared_from_this(), to_bytes(key), *found.cold_block);
  return pinned(found);
}

task<std::optional<pinned_value>> mmap_segment::pin_slowly(std::shared_ptr<mmap_segment> self,
                                                           bytes key, std::size_t cold_block) {
  const run_answer found = co_await self->look_slowly(key, cold_block);
  co_return self->pinned(found);
}

std::optional<pinned_value> mmap_segment::pinned(const run_answer& found) const {
  if (!found.value) return std::nullopt;
  if (!found.is_of_run) return std::optional<pinned_value>(std::in_place, *found.value);
  return std::optional<pinned_value>(std::in_place, *found.value, run_);
}

run_answer mmap_segment::look(bytes_view key) {
  const young_record* const found = young_->find(key);
  if (found == nullptr) return look_below(key);
  if (found->is_tombstone()) return {};
  return {found->value(), std::nullopt, false};
}

run_answer mmap_segment::look_below(bytes_view key) {
  const young_record* const found = frozen_ ? frozen_->find(key) : nullptr;
  if (found != nullptr && found->is_tombstone()) return {};
  if (found != nullptr) return {found->value(), std::nullopt, false};
  if (!quarantined_.empty()) check_readable();
  if (!run_) return {};
  return run_->look(key);
}

// look() once the block is in memory. A block that was forgotten between its read and its reader's
// turn is touched all the same; otherwise this goes on only where another run has come.
task<run_answer> mmap_segment::look_slowly(bytes_view key, std::size_t cold_block) {
  for (;;) {
    const std::shared_ptr<run_reader> run = run_;
    co_await run_reader::load(run, run_reader::only(cold_block));
    run_answer found = look(key);
    if (!found.cold_block) co_return found;
    if (run_ == run && *found.cold_block == cold_block)
      co_return run_answer(run->find(key), std::nullopt, true);
    cold_block = *found.cold_block;
  }
}

maybe_ready<void> mmap_segment::put(bytes_view key, bytes_view value) {
  host_->check_writable();
  check_limits(key, value);
  make_room_to_mark();
  ++row_changes_;
  mark(young_->put(key, value));
  return {};
}

// Below the young rows, only a tombstone can hide what is there.
maybe_ready<bool> mmap_segment::erase(bytes_view key) {
  host_->check_writable();
  check_readable();
  if (young_->find(key) != nullptr) return erase_known(key, false);
  const run_answer below = look_below(key);
  if (below.cold_block) return erase_slowly(shared_from_this(), to_bytes(key), *below.cold_block);
  return erase_known(key, below.value.has_value());
}

task<bool> mmap_segment::erase_slowly(std::shared_ptr<mmap_segment> self, bytes key,
                                      std::size_t cold_block) {
  const run_answer found = co_await self->look_slowly(key, cold_block);
  self->host_->check_writable();
  co_return self->erase_known(key, found.value.has_value());
}

bool mmap_segment::erase_known(bytes_view key, bool exists_below) {
  young_record* const found = young_->find(key);
  const bool existed = found != nullptr ? !found->is_tombstone() : exists_below;
  if (!existed) return false;
  ++row_changes_;
  if (host_->is_durable() || found->is_touched()) {
    make_room_to_mark();
    mark(young_->entomb(key));
  } else {
    young_->remove(*found);  // nothing is below
  }
  return true;
}

young_record* mmap_segment::newest_of(const young_table::look& seen, bytes_view key) noexcept {
  if (seen.record != nullptr || !frozen_) return seen.record;
  return frozen_->find(key);
}

touch_answer mmap_segment::put_touching(bytes_view key, bytes_view value, const touch_call& call) {
  host_->check_writable();
  check_limits(key, value);
  const young_table::look seen = young_->look_for(key);
  touch_source::change change(touched_, call);
  if (!change.prepare(change.find(newest_of(seen, key), key), is_all_young()))
    return {.unread = true};
  make_room_to_mark();
  ++row_changes_;
  young_record& record = young_->put(seen, key, value);
  mark(record);
  change.land(record);
  return {.was_touched = change.was_touched()};
}

// A tombstone stands in for the row until it is told, also where nothing is below.
touch_answer mmap_segment::erase_touching(bytes_view key, const touch_call& call) {
  host_->check_writable();
  check_readable();
  const young_table::look seen = young_->look_for(key);
  touch_source::change change(touched_, call);
  young_record* const newest = change.find(newest_of(seen, key), key);
  if (newest == nullptr && !call.was_read && !is_all_young()) return {.unread = true};
  const bool existed = newest != nullptr ? !newest->is_tombstone() : call.old_value.has_value();
  if (!existed && (newest == nullptr || !newest->is_touched())) return {};
  change.prepare(newest, true);
  if (existed) {
    make_room_to_mark();
    ++row_changes_;
    young_record& record = young_->entomb(seen, key);
    mark(record);
    change.land(record);
  } else {
    change.land_nothing();
  }
  return {.was_touched = change.was_touched(), .existed = existed};
}

cursor mmap_segment::range(const key_range& range, direction order) {
  check_readable();
  return make_merge_cursor(*this, range, order, shared_from_this());
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
  if (run_generation_ != 0) host_->retire_run(store_, id_, run_generation_);
  let_go_of_tables();
  young_ = std::move(fresh);
  run_.reset();
  run_generation_ = 0;
  quarantined_.clear();
  dirty_.clear();
  logged_.clear();
  frozen_logged_.clear();
  seal_wanted_ = false;
  ++epoch_;
}

void mmap_segment::let_go_of_tables() noexcept {
  touched_.drop_rows();
  touched_.keep(std::move(young_));
  touched_.keep(std::move(frozen_));
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
  record.set_dirty(true);
  logged_.remove(record.sequence());
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
  dirty_.clear();
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

bool mmap_segment::want_seal_now() noexcept {
  want_seal();
  seal_not_before_ = 0;
  return seal_wanted_;
}

segment_figures mmap_segment::figures() const {
  segment_figures now;
  now.segment = id_;
  now.journal_rows = journal_rows();
  now.journal_erased =
      now.journal_rows - young_->live_count() - (frozen_ ? frozen_->live_count() : 0);
  now.journal_bytes = journal_bytes();
  if (run_) {
    now.run_rows = run_->rows();
    now.run_bytes = run_->file().size();
  }
  now.quarantined = !quarantined_.empty();
  return now;
}

void mmap_segment::freeze(payload_writer& to, std::uint64_t generation) {
  assert(!frozen_ && dirty_.empty());
  auto fresh = fresh_table();
  to.sealed(store_, id_, generation);
  ++layer_changes_;
  frozen_ = std::exchange(young_, std::move(fresh));
  frozen_logged_ = std::exchange(logged_, {});
  generation_ = generation;
  seal_wanted_ = false;
}

cursor mmap_segment::sealed_rows() {
  if (!sealed_view_) sealed_view_ = std::make_unique<sealed_view>(*this);
  return make_merge_cursor(*sealed_view_, everything(), direction::forward);
}

void mmap_segment::adopt(std::shared_ptr<run_reader> run) noexcept {
  ++layer_changes_;
  run_ = std::move(run);
  run_generation_ = run_ ? generation_ : 0;
  seal_failures_ = 0;
  touched_.keep(std::move(frozen_));
  frozen_logged_.clear();
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
  back.set_sequence(record.sequence());
  logged_.add(frozen_logged_.epoch_of(record.sequence()));
}

}  // namespace lentic::detail
