// SPDX-License-Identifier: Apache-2.0
#include "mmap_segment.hpp"

#include "limits.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <utility>

namespace lentic::detail {

namespace {

// What an item of a frame takes beside its row, and the pointer to a dirty one.
constexpr std::uint64_t item_bytes = 24;
// What a tombstone counts for in the journal: its key is not counted anywhere.
constexpr std::uint64_t tombstone_bytes = 64;

}  // namespace

mmap_segment::mmap_segment(segment_host& host, std::uint64_t store, std::uint64_t id,
                           young_layout layout)
    : host_(&host),
      store_(store),
      id_(id),
      young_(make_table(layout)),
      touched_(young_, host.is_durable() ? tombstones::kept : tombstones::removed, &row_changes_),
      uncommitted_(host.memory.get(), memory_holder::uncommitted),
      run_memory_(host.memory.get(), memory_holder::runs) {}

mmap_segment::~mmap_segment() {
  let_go_of_tables();
}

std::unique_ptr<young_table> mmap_segment::make_table(young_layout layout) const {
  std::optional<std::uint64_t> digested;
  if (host_->keeps_digests()) digested = id_;
  return std::make_unique<young_table>(layout, host_->memory, digested);
}

maybe_ready<void> mmap_segment::put(bytes_view key, bytes_view value) {
  const expiring_views ends(views_);
  host_->check_writable();
  check_limits(key, value);
  if (!host_->memory->admits(key.size() + value.size())) [[unlikely]]
    return put_later(key, value);
  put_now(key, value);
  return {};
}

task<void> mmap_segment::put_later(bytes_view key, bytes_view value) {
  const std::shared_ptr<mmap_segment> self = shared_from_this();
  co_await make_room(key, value.size());
  put_now(key, value);
}

// The segment may be dropped meanwhile, and the environment closed.
task<void> mmap_segment::make_room(bytes_view key, std::uint64_t value_bytes) {
  const std::shared_ptr<mmap_segment> self = shared_from_this();
  co_await host_->make_room(key.size() + value_bytes);
  host_->check_writable();
  check_kept();
}

void mmap_segment::put_now(bytes_view key, bytes_view value) {
  make_room_to_mark();
  host_->changed = true;
  ++row_changes_;
  const std::uint64_t before = young_->live_bytes();
  mark(young_->put(key, value), before);
}

void mmap_segment::check_kept() const {
  if (dropped_) fail(errc::invalid_argument, "segment " + std::to_string(id_) + " was dropped");
}

// Below the young rows, only a tombstone can hide what is there. It needs room.
maybe_ready<bool> mmap_segment::erase(bytes_view key) {
  const expiring_views ends(views_);
  host_->check_writable();
  check_readable();
  if (host_->is_durable() && !host_->memory->admits(key.size())) [[unlikely]]
    return erase_later(key);
  return erase_admitted(key);
}

task<bool> mmap_segment::erase_later(bytes_view key) {
  const std::shared_ptr<mmap_segment> self = shared_from_this();
  co_await make_room(key, 0);
  check_readable();
  co_return co_await erase_admitted(key);
}

maybe_ready<bool> mmap_segment::erase_admitted(bytes_view key) {
  if (young_->find(key) != nullptr) return erase_known(key, false);
  const run_answer below = look_below(key);
  if (below.cold_block) return erase_slowly(shared_from_this(), to_bytes(key));
  return erase_known(key, below.value.has_value());
}

task<bool> mmap_segment::erase_slowly(std::shared_ptr<mmap_segment> self, bytes key) {
  const run_answer found = co_await self->look_slowly(key);
  self->host_->check_writable();
  co_return self->erase_known(key, found.value.has_value());
}

bool mmap_segment::erase_known(bytes_view key, bool exists_below) {
  young_record* const found = young_->find(key);
  const bool existed = found != nullptr ? !found->is_tombstone() : exists_below;
  if (!existed) return false;
  host_->changed = true;
  ++row_changes_;
  if (found == nullptr || host_->is_durable() || found->is_touched()) {
    make_room_to_mark();
    const std::uint64_t before = young_->live_bytes();
    mark(young_->entomb(key), before);
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
  const expiring_views ends(views_);
  host_->check_writable();
  check_limits(key, value);
  const young_table::look seen = young_->look_for(key);
  touch_source::change change(touched_, call);
  young_record* const newest = change.find(newest_of(seen, key), key);
  if (!change.is_known(newest, is_all_young())) return {.unread = true};
  if (!call.has_room && !host_->memory->admits(key.size() + value.size())) [[unlikely]]
    return {.full = true};
  change.prepare(newest);
  make_room_to_mark();
  host_->changed = true;
  ++row_changes_;
  const std::uint64_t before = young_->live_bytes();
  young_record& record = young_->put(seen, key, value);
  mark(record, before);
  change.land(record);
  return {.was_touched = change.was_touched()};
}

// A tombstone stands in for the row until it is told, also where nothing is below.
touch_answer mmap_segment::erase_touching(bytes_view key, const touch_call& call) {
  const expiring_views ends(views_);
  host_->check_writable();
  check_readable();
  const young_table::look seen = young_->look_for(key);
  touch_source::change change(touched_, call);
  young_record* const newest = change.find(newest_of(seen, key), key);
  if (!change.is_known(newest, is_all_young())) return {.unread = true};
  const bool existed = newest != nullptr ? !newest->is_tombstone() : call.old_value.has_value();
  if (!existed && (newest == nullptr || !newest->is_touched())) return {};
  if (existed && !call.has_room && !host_->memory->admits(key.size())) [[unlikely]]
    return {.full = true};
  change.prepare(newest);
  if (existed) {
    make_room_to_mark();
    host_->changed = true;
    ++row_changes_;
    const std::uint64_t before = young_->live_bytes();
    young_record& record = young_->entomb(seen, key);
    mark(record, before);
    change.land(record);
  } else {
    change.land_nothing();
  }
  return {.was_touched = change.was_touched(), .existed = existed};
}

cursor mmap_segment::range(const key_range& range, direction order) {
  const expiring_views ends(views_);
  check_readable();
  return make_merge_cursor(*this, range, order, shared_from_this());
}

maybe_ready<void> mmap_segment::clear() {
  const expiring_views ends(views_);
  host_->check_writable();
  give_up_everything();
  host_->changed = true;
  clear_pending_ = host_->is_durable();
  return {};
}

void mmap_segment::drop() {
  give_up_everything();
  dropped_ = true;
}

void mmap_segment::give_up_everything() {
  auto fresh = make_table(young_->layout());
  ++layer_changes_;
  if (run_generation_ != 0) host_->retire_run(store_, id_, run_generation_);
  let_go_of_tables();
  young_ = std::move(fresh);
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

// The record has changed; live_before is live_bytes() of its table before that.
void mmap_segment::mark(young_record& record, std::uint64_t live_before) {
  if (!host_->is_durable()) return;
  if (record.is_dirty()) return uncommitted_.add(young_->live_bytes() - live_before);
  dirty_.push_back(&record);
  uncommitted_.add(item_bytes
                   + (record.is_tombstone() ? 0 : record.key().size() + record.value().size()));
  record.set_dirty(true);
  logged_.remove(record.sequence());
}

std::uint64_t mmap_segment::journal_bytes() const noexcept {
  const auto bytes_of = [](const young_table& table) {
    return table.live_bytes() + (table.count() - table.live_count()) * tombstone_bytes;
  };
  return bytes_of(*young_) + (frozen_ ? bytes_of(*frozen_) : 0);
}

std::uint64_t mmap_segment::erased_rows() const noexcept {
  return journal_rows() - young_->live_count() - (frozen_ ? frozen_->live_count() : 0);
}

std::uint64_t mmap_segment::run_erased_bytes() const noexcept {
  if (!run_ || run_->rows() == 0) return 0;
  const auto part = static_cast<double>(std::min(erased_rows(), run_->rows()))
                  / static_cast<double>(run_->rows());
  return static_cast<std::uint64_t>(part * static_cast<double>(run_bytes()));
}

segment_figures mmap_segment::figures() const {
  segment_figures now;
  now.segment = id_;
  now.journal_rows = journal_rows();
  now.journal_erased = erased_rows();
  now.journal_bytes = journal_bytes();
  if (run_) {
    now.run_rows = run_->rows();
    now.run_bytes = run_->file().size();
  }
  now.quarantined = !quarantined_.empty();
  return now;
}

}  // namespace lentic::detail
