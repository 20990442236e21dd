// SPDX-License-Identifier: Apache-2.0
#include <lentic/windows/close_index.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace lentic::windows {

namespace {

constexpr std::size_t slot_count_min = 16;
constexpr std::size_t spare_starts_max = 4;
constexpr std::size_t kept_arena_bytes_max = std::size_t{1} << 20;

// FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
std::uint32_t hash_of(bytes_view key) noexcept {
  std::uint32_t hash = 2166136261U;
  for (const std::byte b : key) hash = (hash ^ std::to_integer<std::uint32_t>(b)) * 16777619U;
  return hash;
}

}  // namespace

// The slot that holds `key`, or the free one where it belongs. At most 3 of 4 slots are taken, so
// the search ends.
std::size_t window_keys::slot_of(std::uint32_t hash, bytes_view key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != 0) {
    const key_place& place = keys_[slots_[slot] - 1];
    if (place.hash == hash && equal(view(place), key)) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

void window_keys::rebuild_slots(std::size_t slot_count) {
  slots_.assign(slot_count, 0);
  const std::size_t mask = slot_count - 1;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    std::size_t slot = keys_[i].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

bool window_keys::add(bytes_view key) {
  if ((keys_.size() + 1) * 4 > slots_.size() * 3)
    rebuild_slots(std::max(slot_count_min, slots_.size() * 2));
  const std::uint32_t hash = hash_of(key);
  const std::size_t slot = slot_of(hash, key);
  if (slots_[slot] != 0) return false;
  keys_.push_back(key_place{arena_.size(), static_cast<std::uint32_t>(key.size()), hash});
  arena_.insert(arena_.end(), key.begin(), key.end());
  slots_[slot] = static_cast<std::uint32_t>(keys_.size());
  sorted_ = false;
  return true;
}

void window_keys::sort() {
  if (sorted_) return;
  std::sort(keys_.begin(), keys_.end(), [this](const key_place& left, const key_place& right) {
    return compare(view(left), view(right)) < 0;
  });
  rebuild_slots(slots_.size());
  sorted_ = true;
}

void window_keys::clear() noexcept {
  if (arena_.capacity() + keys_.capacity() * sizeof(key_place) > kept_arena_bytes_max) {
    *this = window_keys();
    return;
  }
  arena_.clear();
  keys_.clear();
  std::fill(slots_.begin(), slots_.end(), 0U);
  sorted_ = true;
}

window_keys& close_index::keys_of(std::int64_t start_ms) {
  if (last_ != nullptr && last_start_ms_ == start_ms) return *last_;
  auto found = open_.find(start_ms);
  if (found == open_.end() && !spare_.empty()) {
    start_map::node_type node = std::move(spare_.back());
    spare_.pop_back();
    node.key() = start_ms;
    found = open_.insert(std::move(node)).position;
  } else if (found == open_.end()) {
    found = open_.try_emplace(start_ms).first;
  }
  last_ = &found->second;
  last_start_ms_ = start_ms;
  return *last_;
}

void close_index::add(bytes_view key, std::int64_t start_ms) {
  if (keys_of(start_ms).add(key)) ++count_;
}

std::size_t close_index::take_closed(std::int64_t close_ms, closed_starts& closed) {
  std::size_t taken = 0;
  while (!open_.empty() && windows_.closed_at(open_.begin()->first, close_ms)) {
    last_ = nullptr;
    open_.begin()->second.sort();
    taken += open_.begin()->second.size();
    closed.nodes_.push_back(open_.extract(open_.begin()));
  }
  count_ -= taken;
  return taken;
}

void close_index::recycle(closed_starts& closed) {
  for (start_map::node_type& node : closed.nodes_) {
    if (spare_.size() == spare_starts_max) break;
    node.mapped().clear();
    spare_.push_back(std::move(node));
  }
  closed.nodes_.clear();
}

std::vector<std::int64_t> close_index::open_starts() const {
  std::vector<std::int64_t> starts;
  starts.reserve(open_.size());
  for (const auto& [start_ms, keys] : open_) starts.push_back(start_ms);
  return starts;
}

const window_keys& close_index::open_keys(std::int64_t start_ms) {
  const auto found = open_.find(start_ms);
  assert(found != open_.end());
  found->second.sort();
  return found->second;
}

void close_index::clear() noexcept {
  open_.clear();
  last_ = nullptr;
  count_ = 0;
}

}  // namespace lentic::windows
