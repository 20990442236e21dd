// SPDX-License-Identifier: Apache-2.0
#include "touch_log.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace lentic {

using detail::touch_source;
using detail::young_record;

namespace {

constexpr std::size_t size_bytes = sizeof(std::uint32_t);

std::uint64_t value_size(const young_record& record) noexcept {
  return record.is_tombstone() ? 0 : record.value().size();
}

// Whether `prefix` and `key`, behind each other, sort before `bound`.
bool is_below(bytes_view prefix, bytes_view key, bytes_view bound) noexcept {
  const std::size_t common = std::min(prefix.size(), bound.size());
  const auto order = compare(prefix.first(common), bound.first(common));
  if (order != 0) return order < 0;
  if (prefix.size() > bound.size()) return false;
  return compare(key, bound.subspan(prefix.size())) < 0;
}

}  // namespace

touch_log::~touch_log() {
  forget_all();
  for (const auto& each : sources_) {
    if (each->owner == nullptr) continue;
    each->owner->log_ = nullptr;
    each->owner->state_ = nullptr;
  }
}

std::uint64_t touch_log::chunk::forget_values() noexcept {
  large.clear();
  blocks_used = 0;
  used_bytes = 0;
  return std::exchange(large_bytes, 0);
}

std::uint64_t touch_log::chunk::held_bytes() const noexcept {
  const std::uint64_t of_contexts = contexts ? chunk_entries * sizeof(record_context) : 0;
  return sizeof(chunk) + of_contexts + blocks.size() * block_bytes + large_bytes;
}

std::uint64_t touch_log::give_up_spares() noexcept {
  std::uint64_t freed = 0;
  for (const auto& each : spare_) freed += each->held_bytes();
  spare_.clear();
  memory_.set(memory_.bytes() - freed);
  return freed;
}

touch_log::place touch_log::place_of(const young_record& record) const noexcept {
  return front_ + ((record.touch_number() - front_) & young_record::touch_mask);
}

touch_log::state& touch_log::attach(touch_source& owner, bytes_view prefix) {
  if (owner.log_ == this) return *owner.state_;
  assert(!owner.has_touched() && "two caches put into one store");
  auto made = std::make_unique<state>();
  made->prefix = to_bytes(prefix);
  made->owner = &owner;
  sources_.push_back(std::move(made));
  if (owner.log_ != nullptr) owner.log_->release(*owner.state_);
  owner.log_ = this;
  owner.state_ = sources_.back().get();
  return *owner.state_;
}

void touch_log::release(state& gone) noexcept {
  const auto found = std::find_if(sources_.begin(), sources_.end(),
                                  [&gone](const auto& each) { return each.get() == &gone; });
  sources_.erase(found);
}

// Everything that an entry at next_ needs.
const std::byte* touch_log::prepare(std::optional<bytes_view> old_value, bool has_context) {
  if (next_ - front_ >= young_record::touch_mask) throw std::bad_alloc();
  if ((next_ >> chunk_bits) - first_chunk_ == chunks_.size()) add_chunk();
  chunk& to = chunk_of(next_);
  if (has_context && !to.contexts) {
    to.contexts = std::make_unique<record_context[]>(chunk_entries);
    memory_.add(chunk_entries * sizeof(record_context));
  }
  if (!old_value) return nullptr;
  const std::size_t whole = size_bytes + old_value->size();
  std::byte* room = nullptr;
  if (whole > shared_value_bytes_max) {
    to.large.push_back(std::make_unique_for_overwrite<std::byte[]>(whole));
    room = to.large.back().get();
    to.large_bytes += whole;
    memory_.add(whole);
  } else {
    if (to.blocks_used == 0 || to.used_bytes + whole > block_bytes) {
      if (to.blocks_used == to.blocks.size()) {
        to.blocks.push_back(std::make_unique_for_overwrite<std::byte[]>(block_bytes));
        memory_.add(block_bytes);
      }
      ++to.blocks_used;
      to.used_bytes = 0;
    }
    room = to.blocks[to.blocks_used - 1].get() + to.used_bytes;
    to.used_bytes += whole;
  }
  const auto size = static_cast<std::uint32_t>(old_value->size());
  std::memcpy(room, &size, size_bytes);
  if (size != 0) std::memcpy(room + size_bytes, old_value->data(), size);
  return room;
}

// first() gives chunks back and must not allocate.
void touch_log::add_chunk() {
  const std::size_t whole = chunks_.size() + spare_.size() + 1;
  if (chunks_.capacity() < chunks_.size() + 1) chunks_.reserve(2 * whole);
  if (spare_.capacity() < whole) spare_.reserve(2 * whole);
  if (spare_.empty()) {
    chunks_.push_back(std::make_unique<chunk>());
    memory_.add(sizeof(chunk));
  } else {
    chunks_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
}

touch_log::place touch_log::first(place limit) noexcept {
  const place end = std::min(limit, next_);
  while (front_ < end && at(front_).record == nullptr) {
    ++front_;
    if (front_ % chunk_entries != 0) continue;
    spare_.push_back(std::move(chunks_.front()));
    chunks_.erase(chunks_.begin());
    ++first_chunk_;
  }
  return front_ < end ? front_ : nowhere;
}

void touch_log::rewind() noexcept {
  for (const auto& each : sources_) each->examined = nowhere;
}

touch_log::place touch_log::first_below(bytes_view bound) noexcept {
  for (const auto& each : sources_) {
    place next = each->examined == nowhere ? each->first : at(each->examined).next;
    if (next == nowhere || !is_below(each->prefix, bytes_view(), bound)) continue;
    for (; next != nowhere; next = at(next).next) {
      if (is_below(each->prefix, at(next).record->key(), bound)) return next;
      each->examined = next;
    }
  }
  return nowhere;
}

void touch_log::append_key(place where, lentic::bytes& to) const {
  const entry& from = at(where);
  const bytes_view key = from.record->key();
  to.reserve(to.size() + from.source->prefix.size() + key.size());
  to.insert(to.end(), from.source->prefix.begin(), from.source->prefix.end());
  to.insert(to.end(), key.begin(), key.end());
}

std::optional<bytes_view> touch_log::old_value(place where) const noexcept {
  const std::byte* const from = at(where).old_value;
  if (from == nullptr) return std::nullopt;
  std::uint32_t size = 0;
  std::memcpy(&size, from, size_bytes);
  return bytes_view(from + size_bytes, size);
}

std::optional<bytes_view> touch_log::new_value(place where) const noexcept {
  const young_record& record = *at(where).record;
  if (record.is_tombstone()) return std::nullopt;
  return record.value();
}

record_context* touch_log::context(place where) noexcept {
  chunk& in = chunk_of(where);
  return in.contexts ? &in.contexts[where % chunk_entries] : nullptr;
}

// An entry leaves the front of its source's list, or the place behind those that were examined.
void touch_log::unlink(place where) noexcept {
  entry& gone = at(where);
  state& from = *gone.source;
  if (from.first == where) {
    from.first = gone.next;
    if (from.last == where) from.last = nowhere;
  } else {
    assert(at(from.examined).next == where);
    at(from.examined).next = gone.next;
    if (from.last == where) from.last = from.examined;
  }
  --from.count;
}

void touch_log::remove(place where) noexcept {
  entry& gone = at(where);
  young_record& record = *gone.record;
  state& from = *gone.source;
  unlink(where);
  bytes_ -= from.prefix.size() + record.key().size() + value_size(record);
  --count_;
  gone = entry();
  record.clear_touch();
  if (from.owner != nullptr) from.owner->told(record);
  if (from.count == 0) {
    from.kept.reset();
    if (from.owner == nullptr) release(from);
  }
  chunk& in = chunk_of(where);
  if (--in.live == 0) memory_.set(memory_.bytes() - in.forget_values());
  first(next_);  // gives chunks back, also where nobody asks for the oldest entry
}

void touch_log::forget_all() noexcept {
  rewind();
  for (place next = first(next_); next != nowhere; next = first(next_)) remove(next);
}

namespace detail {

touch_source::~touch_source() {
  if (log_ == nullptr) return;
  state_->owner = nullptr;
  if (state_->count == 0) log_->release(*state_);
}

young_record* touch_source::change::find(young_record* newest, bytes_view key) const noexcept {
  if (newest != nullptr || !source_->has_touched()) return newest;
  for (young_table* each = source_->state_->kept.get(); each != nullptr;
       each = each->next_kept.get()) {
    young_record* const found = each->find(key);
    if (found != nullptr && found->is_touched()) return found;
  }
  return nullptr;
}

void touch_source::change::prepare(young_record* newest) {
  touch_log& log = *call_->log;
  if (newest != nullptr && newest->is_touched()) {
    assert(source_->log_ == &log && "two caches put into one store");
    touched_ = newest;
    bytes_before_ = value_size(*newest);
  } else {
    std::optional<bytes_view> old_value;
    if (newest != nullptr) {
      if (!newest->is_tombstone()) old_value = newest->value();
    } else if (call_->was_read) {
      old_value = call_->old_value;
    }
    log.attach(*source_, call_->prefix);
    old_value_ = log.prepare(old_value, call_->context != nullptr);
  }
  if (call_->context != nullptr) context_.emplace(*call_->context);
}

void touch_source::change::land(young_record& record) noexcept {
  touch_log& log = *call_->log;
  if (touched_ != nullptr) {
    if (touched_ != &record) source_->move(*touched_, record);
    log.bytes_ += value_size(record) - bytes_before_;
    return keep_context(record);
  }
  const touch_log::place where = log.next_++;
  touch_log::chunk& in = log.chunk_of(where);
  touch_log::state& of = *source_->state_;
  in.entries[where % touch_log::chunk_entries] = {&record, old_value_, &of, touch_log::nowhere};
  ++in.live;
  ++log.count_;
  (of.first == touch_log::nowhere ? of.first : log.at(of.last).next) = where;
  of.last = where;
  ++of.count;
  record.set_touch(where);
  log.bytes_ += of.prefix.size() + record.key().size() + value_size(record);
  keep_context(record);
}

void touch_source::change::land_nothing() noexcept {
  if (touched_ != nullptr) keep_context(*touched_);
}

void touch_source::change::keep_context(const young_record& record) noexcept {
  if (!context_) return;
  touch_log& log = *call_->log;
  record_context* const kept = log.context(log.place_of(record));
  if (kept != nullptr) *kept = std::move(*context_);
}

void touch_source::move(young_record& from, young_record& to) noexcept {
  if (!from.is_touched()) return;
  log_->at(log_->place_of(from)).record = &to;
  to.set_touch(from.touch_number());
  from.clear_touch();
}

void touch_source::keep(std::unique_ptr<young_table> table) noexcept {
  if (table == nullptr || !has_touched()) return;
  table->count_as(memory_holder::caches);
  table->next_kept = std::move(state_->kept);
  state_->kept = std::move(table);
}

void touch_source::drop_rows() noexcept {
  if (!has_touched()) return;
  for (auto next = state_->first; next != touch_log::nowhere; next = log_->at(next).next) {
    young_record& record = *log_->at(next).record;
    log_->bytes_ -= value_size(record);
    record.bury();
  }
}

void touch_source::told(young_record& record) noexcept {
  if (after_ == tombstones::kept || !record.is_tombstone() || record.is_buried()) return;
  if (changes_ != nullptr) ++*changes_;
  (*rows_)->remove(record);
}

}  // namespace detail
}  // namespace lentic
