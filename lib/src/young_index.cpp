// SPDX-License-Identifier: Apache-2.0
#include "young_index.hpp"

#include "young_record.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace lentic::detail {

namespace {

constexpr std::uint32_t page_slots_min = 8;
constexpr std::uint32_t page_slots = 4096;
// The directory doubles only while its entries have so many records on average: colliding hashes
// would double it for ever.
constexpr std::size_t records_per_entry_min = 512;
constexpr unsigned directory_bits_max = 20;

// Full at 7/8: the mean over a page's life is then about 0.64.
bool is_full(std::uint32_t used, std::uint32_t mask) {
  return (std::uint64_t{used} + 1) * 8 > (std::uint64_t{mask} + 1) * 7;
}

}  // namespace

young_index::young_index() {
  // One empty page of one slot that stays empty: a look-up needs no special case.
  pages_.resize(1);
  pages_[0].all = std::make_unique<slot[]>(1);
  slot_count_ = 1;
  directory_.resize(1);
  point_at(0, 0);
}

record_number young_index::find(bytes_view key, std::uint32_t hash,
                                const record_arena& records) const noexcept {
  const entry& in = directory_[entry_of(hash)];
  for (std::uint32_t at = hash & in.mask;; at = (at + 1) & in.mask) {
    const slot seen = in.first[at];
    if (seen.record == no_record) return no_record;
    if (seen.hash != hash) continue;
    const auto* const record = static_cast<const young_record*>(records[seen.record]);
    if (equal(record->key(), key)) return seen.record;
  }
}

void young_index::make_room(std::uint32_t hash) {
  const std::uint32_t which = directory_[entry_of(hash)].page;
  page& full = pages_[which];
  if (!is_full(full.used, full.mask)) return;
  if (!can_split(full)) return enlarge(full, hash);
  if (full.depth == 32 - shift_) double_directory();
  split(which, hash);
  // All may have gone to one side.
  page& target = pages_[directory_[entry_of(hash)].page];
  if (is_full(target.used, target.mask)) enlarge(target, hash);
}

void young_index::insert(std::uint32_t hash, record_number record) noexcept {
  page& target = pages_[directory_[entry_of(hash)].page];
  assert(!is_full(target.used, target.mask));
  place(target.all, target.mask, {hash, record});
  ++target.used;
  ++size_;
}

// Closes the gap: a slot behind it moves up unless its own place lies behind the gap.
void young_index::erase(std::uint32_t hash, record_number record) noexcept {
  page& from = pages_[directory_[entry_of(hash)].page];
  const std::uint32_t mask = from.mask;
  std::uint32_t gap = hash & mask;
  while (from.all[gap].record != record) gap = (gap + 1) & mask;
  for (std::uint32_t at = (gap + 1) & mask; from.all[at].record != no_record;
       at = (at + 1) & mask) {
    const std::uint32_t home = from.all[at].hash & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    from.all[gap] = from.all[at];
    gap = at;
  }
  from.all[gap] = slot();
  --from.used;
  --size_;
}

std::optional<std::uint32_t> young_index::page_of(std::uint32_t from,
                                                  std::vector<record_number>& to) const {
  const page& in = pages_[directory_[entry_of(from)].page];
  to.reserve(to.size() + in.used);
  for (std::uint32_t at = 0; at <= in.mask; ++at) {
    if (in.all[at].record != no_record) to.push_back(in.all[at].record);
  }
  const std::uint32_t below = static_cast<std::uint32_t>(
      std::uint64_t{std::numeric_limits<std::uint32_t>::max()} >> in.depth);
  const std::uint32_t last = from | below;
  if (last == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return last;
}

void young_index::place(const slots& to, std::uint32_t mask, slot which) noexcept {
  std::uint32_t at = which.hash & mask;
  while (to[at].record != no_record) at = (at + 1) & mask;
  to[at] = which;
}

bool young_index::can_split(const page& full) const noexcept {
  const unsigned bits = 32 - shift_;
  if (full.mask + 1 < page_slots) return false;
  if (full.depth < bits) return true;
  return bits < directory_bits_max && size_ >> bits >= records_per_entry_min;
}

void young_index::enlarge(page& full, std::uint32_t hash) {
  const std::uint32_t count = std::max(page_slots_min, (full.mask + 1) * 2);
  slots fresh = std::make_unique<slot[]>(count);
  for (std::uint32_t at = 0; at <= full.mask; ++at) {
    if (full.all[at].record != no_record) place(fresh, count - 1, full.all[at]);
  }
  slot_count_ += count - (full.mask + 1);
  full.all = std::move(fresh);
  full.mask = count - 1;
  point_at(directory_[entry_of(hash)].page, hash);
}

void young_index::double_directory() {
  std::vector<entry> fresh(directory_.size() * 2);
  for (std::size_t i = 0; i < fresh.size(); ++i) fresh[i] = directory_[i / 2];
  directory_ = std::move(fresh);
  --shift_;
}

// Both halves are new arrays of the old size, so that a failure leaves the page as it was.
void young_index::split(std::uint32_t which, std::uint32_t hash) {
  pages_.reserve(pages_.size() + 1 > pages_.capacity() ? pages_.size() * 2 : 0);
  const std::uint32_t mask = pages_[which].mask;
  page halves[2];
  for (page& half : halves) {
    half.all = std::make_unique<slot[]>(std::size_t{mask} + 1);
    half.mask = mask;
    half.depth = pages_[which].depth + 1;
  }
  const unsigned bit = 32 - halves[0].depth;
  for (std::uint32_t at = 0; at <= mask; ++at) {
    const slot each = pages_[which].all[at];
    if (each.record == no_record) continue;
    page& half = halves[each.hash >> bit & 1];
    place(half.all, mask, each);
    ++half.used;
  }
  const std::uint32_t upper = std::uint32_t{1} << bit;
  slot_count_ += std::size_t{mask} + 1;
  pages_[which] = std::move(halves[0]);
  pages_.push_back(std::move(halves[1]));
  point_at(which, hash & ~upper);
  point_at(static_cast<std::uint32_t>(pages_.size() - 1), hash | upper);
}

// All entries of the directory that lead to the page of that hash.
void young_index::point_at(std::uint32_t which, std::uint32_t hash) noexcept {
  const page& target = pages_[which];
  const std::size_t count = std::size_t{1} << (32 - shift_ - target.depth);
  const std::size_t first = entry_of(hash) & ~(count - 1);
  for (std::size_t i = first; i < first + count; ++i)
    directory_[i] = {target.all.get(), target.mask, which};
}

}  // namespace lentic::detail
