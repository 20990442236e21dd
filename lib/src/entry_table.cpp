// SPDX-License-Identifier: Apache-2.0
#include "entry_table.hpp"

#include "hash64.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace lentic::detail {

namespace {

constexpr std::size_t slot_count_min = 16;
// A free node gives room above this back, so that one large value is not kept for ever.
constexpr std::size_t kept_room_max = 1024;
constexpr std::size_t room_step = 32;

}  // namespace

void entry_node::make_room(std::size_t bytes) {
  if (bytes <= room_) return;
  const std::size_t room = (bytes + room_step - 1) / room_step * room_step;
  auto fresh = std::make_unique<std::byte[]>(room);
  std::memcpy(fresh.get(), data(), key_bytes_ + value_bytes_);
  heap_ = std::move(fresh);
  room_ = static_cast<std::uint32_t>(room);
}

void entry_node::assign(std::optional<bytes_view> value) {
  const bytes_view fresh = value.value_or(bytes_view());
  make_room(key_bytes_ + fresh.size());
  if (!fresh.empty()) std::memmove(data() + key_bytes_, fresh.data(), fresh.size());
  value_bytes_ = static_cast<std::uint32_t>(fresh.size());
  has_value_ = value.has_value();
}

std::uint32_t entry_table::hash_of(bytes_view key) noexcept {
  return static_cast<std::uint32_t>(hash64(key) >> 32);
}

entry_index entry_table::find(bytes_view key, std::uint32_t hash) const noexcept {
  if (size_ == 0) return no_entry;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const slot& seen = slots_[at];
    if (seen.index == no_entry) return no_entry;
    if (seen.hash != hash) continue;
    const entry_node& node = (*this)[seen.index];
    __builtin_prefetch(node.inside_.data());
    __builtin_prefetch(&node.context);
    if (equal(node.key(), key)) return seen.index;
  }
}

entry_index entry_table::take_node() {
  if (!free_.empty()) {
    const entry_index index = free_.back();
    free_.pop_back();
    return index;
  }
  if (node_count_ == chunks_.size() * chunk_nodes) {
    // Before the chunk is there, or a failure would leave it without: release() never allocates.
    free_.reserve((chunks_.size() + 1) * chunk_nodes);
    chunks_.push_back(std::make_unique<chunk>());
  }
  return static_cast<entry_index>(node_count_++);
}

entry_index entry_table::prepare(bytes_view key, std::uint32_t hash,
                                 std::optional<bytes_view> value) {
  if ((size_ + prepared_ + 1) * 3 > slots_.size() * 2)
    rehash(std::max(slot_count_min, slots_.size() * 2));
  const entry_index index = take_node();
  ++prepared_;
  entry_node& node = (*this)[index];
  try {
    node.make_room(key.size() + (value ? value->size() : 0));
  } catch (...) {  // rethrown once the node is free again
    release(index);
    throw;
  }
  if (!key.empty()) std::memcpy(node.data(), key.data(), key.size());
  node.key_bytes_ = static_cast<std::uint32_t>(key.size());
  node.hash_ = hash;
  node.assign(value);
  return index;
}

void entry_table::link(entry_index index) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (*this)[index].hash_ & mask;
  while (slots_[at].index != no_entry) at = (at + 1) & mask;
  slots_[at] = {(*this)[index].hash_, index};
  --prepared_;
  ++size_;
}

void entry_table::release(entry_index index) noexcept {
  entry_node& node = (*this)[index];
  node.version = node.place = 0;
  node.new_bytes = 0;
  node.dirty = node.in_flight = node.has_value_ = false;
  node.key_bytes_ = node.value_bytes_ = 0;
  if (node.room_ > kept_room_max) {
    node.heap_.reset();
    node.room_ = entry_node::inside_bytes;
  }
  if (!node.context.headers.empty()) node.context = record_context();
  --prepared_;
  free_.push_back(index);
}

// Closes the gap: an entry behind it moves up unless its own place lies behind the gap.
void entry_table::unlink(entry_index index) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = (*this)[index].hash_ & mask;
  while (slots_[gap].index != index) gap = (gap + 1) & mask;
  for (std::size_t at = (gap + 1) & mask; slots_[at].index != no_entry; at = (at + 1) & mask) {
    const std::size_t home = slots_[at].hash & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = slot();
  --size_;
  ++prepared_;
}

void entry_table::clear() noexcept {
  for (slot& each : slots_) {
    if (each.index == no_entry) continue;
    ++prepared_;
    --size_;
    release(each.index);
    each = slot();
  }
}

void entry_table::rehash(std::size_t slot_count) {
  std::vector<slot> fresh(slot_count);
  const std::size_t mask = slot_count - 1;
  for (const slot& each : slots_) {
    if (each.index == no_entry) continue;
    std::size_t at = each.hash & mask;
    while (fresh[at].index != no_entry) at = (at + 1) & mask;
    fresh[at] = each;
  }
  slots_ = std::move(fresh);
}

}  // namespace lentic::detail
