// SPDX-License-Identifier: Apache-2.0
#include "young_table.hpp"

#include <cassert>
#include <cstring>
#include <new>

namespace lentic::detail {

namespace {

// Values of one key tend to keep their size; the slack lets small growth stay in place.
constexpr std::size_t room_step = 16;

std::uint32_t room_for(std::size_t bytes) {
  return static_cast<std::uint32_t>((bytes + room_step - 1) / room_step * room_step);
}

class table_walk final : public layer_walk {
 public:
  table_walk(young_table::map_type& rows, const walk_start& start)
      : rows_(&rows), forward_(start.order == direction::forward) {
    if (!start.key) {
      next_ = forward_ ? rows.begin() : rows.end();
    } else if (forward_ && start.exclusive) {
      next_ = rows.upper_bound(*start.key);
    } else {
      next_ = rows.lower_bound(*start.key);
    }
    advance();
  }

  const layer_row* current() const override { return ended_ ? nullptr : &row_; }

  // next_ is the row after the current one; backward, it is the current one itself.
  void advance() override {
    ended_ = forward_ ? next_ == rows_->end() : next_ == rows_->begin();
    if (ended_) return;
    if (!forward_) --next_;
    row_ = {next_->first, next_->second.view(), next_->second.tombstone};
    if (forward_) ++next_;
  }

 private:
  young_table::map_type* rows_;
  bool forward_;
  bool ended_ = false;
  young_table::iterator next_;
  layer_row row_;
};

}  // namespace

young_table::young_table() {
  std::pmr::polymorphic_allocator<> allocator(&pool_);
  map_ = allocator.new_object<map_type>();
}

young_table::entry* young_table::find(bytes_view key) {
  const iterator found = map_->find(key);
  return found == map_->end() ? nullptr : &*found;
}

young_table::entry& young_table::put(bytes_view key, bytes_view value) {
  const place found = find_or_make(key);
  try {
    set_value(*found.at, value);
  } catch (...) {  // a tombstone that nobody asked for would hide what is below
    if (found.is_fresh) remove_at(found.at);
    throw;
  }
  return *found.at;
}

young_table::entry& young_table::entomb(bytes_view key) {
  entry& target = *find_or_make(key).at;
  unlive(target);
  target.second.tombstone = true;
  target.second.value_bytes = 0;
  return target;
}

void young_table::remove(bytes_view key) {
  const iterator found = map_->find(key);
  assert(found != map_->end());
  remove_at(found);
}

void young_table::remove_at(iterator target) noexcept {
  unlive(*target);
  const bytes_view stored_key = target->first;
  const young_record gone = target->second;
  map_->erase(target);
  free_bytes(gone.value, gone.value_room);
  free_bytes(stored_key.data(), stored_key.size());
}

void young_table::free_bytes(const std::byte* start, std::size_t bytes) noexcept {
  if (start != nullptr) pool_.deallocate(const_cast<std::byte*>(start), bytes, 1);
}

std::unique_ptr<layer_walk> young_table::walk(const walk_start& start) {
  return std::make_unique<table_walk>(*map_, start);
}

young_table::place young_table::find_or_make(bytes_view key) {
  const iterator next = map_->lower_bound(key);
  if (next != map_->end() && equal(next->first, key)) return {next, false};
  bytes_view stored;
  if (!key.empty()) {
    auto* const copy = static_cast<std::byte*>(pool_.allocate(key.size(), 1));
    std::memcpy(copy, key.data(), key.size());
    stored = {copy, key.size()};
  }
  young_record fresh;
  fresh.tombstone = true;  // not counted as live until it has a value
  try {
    return {map_->emplace_hint(next, stored, fresh), true};
  } catch (...) {
    free_bytes(stored.data(), stored.size());
    throw;
  }
}

void young_table::set_value(entry& target, bytes_view value) {
  young_record& record = target.second;
  if (value.size() > record.value_room) {
    auto* const room = static_cast<std::byte*>(pool_.allocate(room_for(value.size()), 1));
    std::memcpy(room, value.data(), value.size());  // it may be the old value
    unlive(target);
    free_bytes(record.value, record.value_room);
    record.value = room;
    record.value_room = room_for(value.size());
  } else {
    unlive(target);
    if (!value.empty()) std::memmove(record.value, value.data(), value.size());
  }
  record.value_bytes = static_cast<std::uint32_t>(value.size());
  record.tombstone = false;
  ++live_count_;
  live_bytes_ += target.first.size() + value.size();
}

void young_table::unlive(const entry& target) noexcept {
  if (target.second.tombstone) return;
  --live_count_;
  live_bytes_ -= target.first.size() + target.second.value_bytes;
}

}  // namespace lentic::detail
