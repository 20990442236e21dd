// SPDX-License-Identifier: Apache-2.0
#include "young_table.hpp"

#include "hash64.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace lentic::detail {

namespace {

constexpr std::size_t slice_records = 2048;
// A chunk is taken after the budget has admitted its first row.
constexpr std::uint64_t chunks_per_budget = 64;

std::uint32_t hash32(bytes_view key) {
  return static_cast<std::uint32_t>(hash64(key) >> 32);
}

// Over rows in order, from begin to end; `Position` is an iterator to their numbers.
template <class Position>
class table_walk final : public layer_walk {
 public:
  table_walk(const record_arena& records, Position begin, Position end, Position next,
             direction order)
      : records_(&records),
        begin_(begin),
        end_(end),
        next_(next),
        forward_(order == direction::forward) {
    advance();
  }

  const layer_row* current() const override { return ended_ ? nullptr : &row_; }

  // next_ is the row after the current one; backward, it is the current one itself.
  void advance() override {
    ended_ = forward_ ? next_ == end_ : next_ == begin_;
    if (ended_) return;
    if (!forward_) --next_;
    const auto& record = *static_cast<const young_record*>((*records_)[*next_]);
    row_ = {record.key(), record.value(), record.is_tombstone()};
    if (forward_) ++next_;
  }

 private:
  const record_arena* records_;
  Position begin_;
  Position end_;
  Position next_;
  bool forward_;
  bool ended_ = false;
  layer_row row_;
};

template <class Position>
std::unique_ptr<layer_walk> make_walk(const record_arena& records, Position begin, Position end,
                                      Position next, direction order) {
  return std::make_unique<table_walk<Position>>(records, begin, end, next, order);
}

bool starts_behind(const walk_start& start) {
  return start.order == direction::forward && start.exclusive;
}

}  // namespace

young_table::young_table(young_layout layout, std::shared_ptr<memory_account> account,
                         std::optional<std::uint64_t> digested)
    : digested_(digested),
      account_(std::move(account)),
      share_(account_.get(), memory_holder::rows) {
  if (account_ && account_->budget() != 0)
    limit_chunks(static_cast<std::size_t>(account_->budget() / chunks_per_budget));
  if (layout == young_layout::hashed) {
    hashed_ = std::make_unique<hashed_part>(records_);
  } else {
    std::pmr::polymorphic_allocator<> allocator(&pool_);
    ordered_ = allocator.new_object<tree>(by_key{&records_});
  }
  charge();
}

void young_table::limit_chunks(std::size_t bytes_max) noexcept {
  records_.limit_chunks(bytes_max);
  pool_.limit_chunks(bytes_max);
}

young_table::look young_table::look_for(bytes_view key) const noexcept {
  if (hashed_) {
    const std::uint32_t hash = hash32(key);
    const record_number found = hashed_->index.find(key, hash, records_);
    return {found == no_record ? nullptr : &at(found), hash};
  }
  const auto found = ordered_->find(key);
  return {found == ordered_->end() ? nullptr : &at(*found), 0};
}

// Three passes over each group: slots, records, keys. Each touches what the one before asked for.
void young_table::find_many(std::span<const bytes_view> keys,
                            std::span<young_record*> found) const noexcept {
  constexpr std::size_t group_keys = 32;
  std::array<std::uint32_t, group_keys> hashes;
  for (std::size_t from = 0; hashed_ && from < keys.size(); from += group_keys) {
    const std::span<const bytes_view> group =
        keys.subspan(from, std::min(group_keys, keys.size() - from));
    for (std::size_t i = 0; i < group.size(); ++i) {
      hashes[i] = hash32(group[i]);
      hashed_->index.prefetch_slot(hashes[i]);
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      const record_number likely = hashed_->index.likely(hashes[i]);
      if (likely != no_record) __builtin_prefetch(records_[likely]);
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      const record_number record = hashed_->index.find(group[i], hashes[i], records_);
      found[from + i] = record == no_record ? nullptr : &at(record);
    }
  }
  for (std::size_t i = 0; !hashed_ && i < keys.size(); ++i) found[i] = find(keys[i]);
}

void young_table::prefetch(std::span<const bytes_view> keys) const noexcept {
  constexpr std::size_t group_keys = 32;
  std::array<std::uint32_t, group_keys> hashes;
  for (std::size_t from = 0; hashed_ && from < keys.size(); from += group_keys) {
    const auto group = keys.subspan(from, std::min(group_keys, keys.size() - from));
    for (std::size_t i = 0; i < group.size(); ++i) {
      hashes[i] = hash32(group[i]);
      hashed_->index.prefetch_slot(hashes[i]);
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      const record_number likely = hashed_->index.likely(hashes[i]);
      if (likely != no_record) __builtin_prefetch(records_[likely]);
    }
  }
}

young_record& young_table::put(const look& seen, bytes_view key, bytes_view value) {
  const place found = make_unless_found(seen, key, value.size());
  try {
    set_value(*found.record, value);
  } catch (...) {  // a tombstone that nobody asked for would hide what is below
    if (found.is_fresh) remove(*found.record);
    throw;
  }
  return *found.record;
}

young_record& young_table::entomb(const look& seen, bytes_view key) {
  young_record& target = *make_unless_found(seen, key, 0).record;
  unlive(target);
  target.set(young_record::tombstone_flag, true);
  target.set_value_bytes(0);
  return target;
}

void young_table::remove(young_record& record) noexcept {
  unlive(record);
  free_outside(record);
  --count_;
  if (hashed_) {
    const std::uint32_t hash = hash32(record.key());
    const record_number gone = hashed_->index.find(record.key(), hash, records_);
    assert(gone != no_record);
    hashed_->index.erase(hash, gone);
    hashed_->order.remove(gone);
  } else {
    const auto found = ordered_->find(record.key());
    assert(found != ordered_->end());
    const record_number gone = *found;
    ordered_->erase(found);
    records_.release(gone, record.whole_bytes());
  }
}

bool young_table::prepare_walk() {
  if (!hashed_) return true;
  const bool is_whole = hashed_->order.step(hashed_->index);
  charge();
  return is_whole;
}

std::unique_ptr<layer_walk> young_table::walk(const walk_start& start) {
  const bool at_end = start.order == direction::backward;
  if (!hashed_) {
    auto next = at_end ? ordered_->end() : ordered_->begin();
    if (start.key)
      next = starts_behind(start) ? ordered_->upper_bound(*start.key)
                                  : ordered_->lower_bound(*start.key);
    return make_walk(records_, ordered_->cbegin(), ordered_->cend(), next, start.order);
  }
  while (!prepare_walk()) {
  }
  const std::span<const record_number> sorted = hashed_->order.sorted();
  const by_key less{&records_};
  auto next = at_end ? sorted.end() : sorted.begin();
  if (start.key)
    next = starts_behind(start) ? std::upper_bound(sorted.begin(), sorted.end(), *start.key, less)
                                : std::lower_bound(sorted.begin(), sorted.end(), *start.key, less);
  return make_walk(records_, sorted.begin(), sorted.end(), next, start.order);
}

bool young_table::next_slice(slice_place& from, std::vector<young_record*>& to) const {
  if (hashed_) {
    std::vector<record_number> found;
    const auto last = hashed_->index.page_of(from.hash, found);
    to.reserve(to.size() + found.size());
    for (const record_number each : found) to.push_back(&at(each));
    if (last) from.hash = *last + 1;
    return last.has_value();
  }
  to.reserve(to.size() + slice_records);
  auto next = from.key ? ordered_->upper_bound(bytes_view(*from.key)) : ordered_->begin();
  for (std::size_t n = 0; n < slice_records && next != ordered_->end(); ++n, ++next)
    to.push_back(&at(*next));
  if (next == ordered_->end()) return false;
  from.key = to_bytes(to.back()->key());
  return true;
}

young_table::place young_table::make_unless_found(const look& seen, bytes_view key,
                                                  std::size_t value_bytes) {
  if (seen.record != nullptr) return {seen.record, false};
  if (digested_ && !sums_) make_room_for_digests();
  if (hashed_) {
    hashed_->index.make_room(seen.hash);
    const record_number made = make_record(key, value_bytes);
    hashed_->index.insert(seen.hash, made);
    hashed_->order.add(made);
    ++count_;
    charge();
    return {&at(made), true};
  }
  const auto next = ordered_->lower_bound(key);
  if (next != ordered_->end() && equal(at(*next).key(), key)) return {&at(*next), false};
  const record_number made = make_record(key, value_bytes);
  try {
    ordered_->emplace_hint(next, made);
  } catch (...) {  // nothing points at it yet
    records_.release(made, at(made).whole_bytes());
    throw;
  }
  ++count_;
  charge();
  return {&at(made), true};
}

// A tombstone, not counted as live until it has a value, with room for one of that size.
record_number young_table::make_record(bytes_view key, std::size_t value_bytes) {
  const std::size_t least = sizeof(young_record) + key.size() + young_record::value_room_min;
  const std::size_t whole = sizeof(young_record) + key.size() + value_bytes;
  const std::size_t taken = whole > young_record::whole_bytes_max ? least : std::max(whole, least);
  const record_number made = records_.allocate(taken);
  auto* const record = ::new (records_[made]) young_record();
  record->sizes_ = key.size();
  record->state_ = young_record::tombstone_flag
                 | std::uint64_t{size_class_of(taken).index} << young_record::class_shift;
  if (!key.empty()) std::memcpy(record->body(), key.data(), key.size());
  return made;
}

void young_table::set_value(young_record& target, bytes_view value) {
  if (value.size() > target.value_room()) {
    constexpr std::size_t head = sizeof(std::uint64_t);
    const std::size_t whole = size_class_of(head + value.size()).bytes;
    auto* const block = static_cast<std::byte*>(pool_.allocate(whole, size_granule));
    const std::uint64_t room = whole - head;
    std::memcpy(block, &room, head);
    std::memcpy(block + head, value.data(), value.size());
    unlive(target);
    free_outside(target);
    target.set_outside(block);
    charge();
  } else {
    unlive(target);
    std::byte* const to = target.is_outside() ? target.outside() + sizeof(std::uint64_t)
                                              : target.body() + target.key_bytes();
    if (!value.empty()) std::memmove(to, value.data(), value.size());
  }
  target.set_value_bytes(value.size());
  target.set(young_record::tombstone_flag, false);
  ++live_count_;
  live_bytes_ += target.key_bytes() + value.size();
}

// Its value is still there: what changes a row calls this before.
void young_table::unlive(const young_record& target) noexcept {
  if (target.is_tombstone()) return;
  if (!target.is_dirty()) unsettle(target);
  --live_count_;
  live_bytes_ -= target.key_bytes() + target.value_bytes();
}

void young_table::free_outside(young_record& target) noexcept {
  if (!target.is_outside()) return;
  pool_.deallocate(target.outside(), target.value_room() + sizeof(std::uint64_t), size_granule);
  target.set(young_record::outside_flag, false);
}

void young_table::make_room_for_digests() {
  sums_ = std::make_unique<digest_sums>(*digested_);
}

std::uint64_t young_table::digest_of(const young_record& record) const noexcept {
  const std::optional<bytes_view> row = record.joined();
  if (row) return joined_digest(sums_->seed, *row, record.key().size());
  return seeded_digest(sums_->seed, record.key(), record.value());
}

std::size_t young_table::part_of(const young_record& record) noexcept {
  return digest_part_of(record.key());
}

std::size_t young_table::held_bytes() const noexcept {
  const std::size_t held =
      records_.held_bytes() + pool_.held_bytes() + (sums_ ? sizeof(digest_sums) : 0);
  if (!hashed_) return held;
  return held + hashed_->index.held_bytes() + hashed_->order.held_bytes();
}

}  // namespace lentic::detail
