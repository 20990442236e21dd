// SPDX-License-Identifier: Apache-2.0
#include "sim_file.hpp"

#include <algorithm>
#include <cstring>

namespace lentic::coro::detail {

namespace {
constexpr std::uint64_t page_bytes = sim_disk::page_bytes;
constexpr std::uint64_t sector_bytes = sim_disk::sector_bytes;
}  // namespace

sim_file::page_range sim_file::pages_of(const change& one, std::uint64_t size_before) noexcept {
  std::uint64_t end = one.offset + one.data.size();
  if (one.kind == change_kind::shrink) end = size_before;
  return {one.offset / page_bytes, end / page_bytes};
}

void sim_file::write(std::uint64_t sequence, std::uint64_t offset, std::span<const std::byte> from,
                     sim_disk::fate outcome) {
  change one;
  one.sequence = sequence;
  one.offset = offset;
  one.data.assign(from.begin(), from.end());
  cache_.write(offset, from);
  differing_.push_back(pages_of(one, size_));
  const std::uint64_t end = offset + from.size();
  if (outcome == sim_disk::fate::never_lands) {
    // The size is metadata: it lands, and the bytes do not.
    lossy_ = true;
    one.kind = change_kind::grow;
    one.offset = std::max(end, size_);
    one.data.clear();
  }
  size_ = std::max(size_, end);
  changes_.push_back(std::move(one));
}

void sim_file::resize(std::uint64_t sequence, std::uint64_t bytes) {
  change one;
  one.sequence = sequence;
  one.kind = bytes < size_ ? change_kind::shrink : change_kind::grow;
  one.offset = bytes;
  differing_.push_back(pages_of(one, size_));
  if (one.kind == change_kind::shrink) cache_.cut(bytes);
  size_ = bytes;
  changes_.push_back(std::move(one));
}

void sim_file::apply(const change& one) {
  switch (one.kind) {
    case change_kind::write:
      media_.write(one.offset, one.data);
      media_size_ = std::max<std::uint64_t>(media_size_, one.offset + one.data.size());
      return;
    case change_kind::grow:
      media_size_ = std::max(media_size_, one.offset);
      return;
    case change_kind::shrink:
      media_.cut(one.offset);
      media_size_ = std::min(media_size_, one.offset);
      return;
  }
}

void sim_file::sync(std::uint64_t upto) {
  std::size_t count = 0;
  while (count < changes_.size() && changes_[count].sequence <= upto) apply(changes_[count++]);
  changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(count));
  if (changes_.empty() && !lossy_) differing_.clear();
}

void sim_file::fail_sync() {
  lossy_ = lossy_ || !changes_.empty();
  changes_.clear();
}

// For each sector with unsynced writes: did it leave the cache, and after which of the writes?
std::vector<sim_file::sector_fate> sim_file::decide_sectors(sim_random& random) const {
  std::vector<sector_fate> touches;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const change& one = changes_[i];
    if (one.data.empty()) continue;
    const std::uint64_t last = (one.offset + one.data.size() - 1) / sector_bytes;
    for (std::uint64_t s = one.offset / sector_bytes; s <= last; ++s) touches.push_back({s, i, i});
  }
  std::stable_sort(touches.begin(), touches.end(),
                   [](const sector_fate& a, const sector_fate& b) { return a.sector < b.sector; });
  // Files differ in how much of them left the cache: nothing, half, nearly all, all.
  constexpr unsigned permille[] = {0, 500, 500, 500, 900, 1000};
  const unsigned keep = permille[random.below(std::size(permille))];
  std::vector<sector_fate> fates;
  for (std::size_t i = 0; i < touches.size();) {
    std::size_t end = i;
    while (end < touches.size() && touches[end].sector == touches[i].sector) ++end;
    const std::size_t chosen = i + random.below(end - i);
    const std::size_t upto = random.chance(keep) ? touches[chosen].upto : lost;
    fates.push_back({touches[i].sector, upto, touches[end - 1].newest});
    i = end;
  }
  return fates;
}

void sim_file::write_sectors(std::size_t index, const std::vector<sector_fate>& fates) {
  const change& one = changes_[index];
  const std::uint64_t end = one.offset + one.data.size();
  auto fate = std::lower_bound(
      fates.begin(), fates.end(), one.offset / sector_bytes,
      [](const sector_fate& a, std::uint64_t sector) { return a.sector < sector; });
  for (; fate != fates.end() && fate->sector * sector_bytes < end; ++fate) {
    if (fate->upto == lost || index > fate->upto) continue;
    const std::uint64_t from = std::max(one.offset, fate->sector * sector_bytes);
    const std::uint64_t to = std::min<std::uint64_t>(end, (fate->sector + 1) * sector_bytes);
    media_.write(from, std::span(one.data).subspan(from - one.offset, to - from));
  }
}

// Puts on the media what landed, in order. Truncations are metadata: the first `shrinks_kept`.
sim_file::growth sim_file::replay(const std::vector<sector_fate>& fates,
                                  std::uint64_t shrinks_kept) {
  growth grown{media_size_, media_size_, 0};
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const change& one = changes_[i];
    switch (one.kind) {
      case change_kind::write:
        write_sectors(i, fates);
        grown.target = std::max<std::uint64_t>(grown.target, one.offset + one.data.size());
        break;
      case change_kind::grow:
        grown.target = std::max(grown.target, one.offset);
        break;
      case change_kind::shrink:
        if (shrinks_kept == 0) break;
        --shrinks_kept;
        media_.cut(one.offset);
        grown.base = std::min(grown.base, one.offset);
        grown.target = one.offset;
        grown.since = i + 1;
        break;
    }
  }
  return grown;
}

// Past the durable size, a block was given to the file and its data did not arrive.
bool sim_file::leaves_gap(const sector_fate& fate, const growth& grown) noexcept {
  return fate.upto == lost && fate.newest >= grown.since
      && (fate.sector + 1) * sector_bytes > grown.base;
}

// The size reaches only to the first page that has a lost sector past the durable size.
std::uint64_t sim_file::ordered_size(const growth& grown, std::uint64_t wanted,
                                     const std::vector<sector_fate>& fates) noexcept {
  for (const sector_fate& fate : fates) {
    if (!leaves_gap(fate, grown)) continue;
    const std::uint64_t page_start = fate.sector * sector_bytes / page_bytes * page_bytes;
    return std::min(wanted, std::max(grown.base, page_start));
  }
  return wanted;
}

void sim_file::spread_garbage(sim_random& random, const growth& grown,
                              const std::vector<sector_fate>& fates,
                              std::span<const sim_disk::page> freed) {
  for (const sector_fate& fate : fates) {
    const std::uint64_t start = fate.sector * sector_bytes;
    if (!leaves_gap(fate, grown)) continue;
    std::array<std::byte, sector_bytes> noise{};
    if (!freed.empty() && random.chance(500)) {
      const sim_disk::page& old = freed[random.below(freed.size())];
      std::memcpy(noise.data(), old.data() + start % page_bytes, sector_bytes);
    } else {
      for (std::size_t i = 0; i < sector_bytes; i += sizeof(std::uint64_t)) {
        const std::uint64_t word = random.next();
        std::memcpy(noise.data() + i, &word, sizeof word);
      }
    }
    const std::uint64_t from = std::max(start, grown.base);
    media_.write(from, std::span(noise).subspan(from - start));
  }
}

void sim_file::power_cut(sim_random& random, sim_sizes sizes,
                         std::span<const sim_disk::page> freed) {
  if (!changes_.empty()) {
    const auto shrinks = std::count_if(changes_.begin(), changes_.end(), [](const change& one) {
      return one.kind == change_kind::shrink;
    });
    const std::uint64_t kept = random.below(static_cast<std::uint64_t>(shrinks) + 1);
    const std::vector<sector_fate> fates = decide_sectors(random);
    const growth grown = replay(fates, kept);
    std::uint64_t wanted = grown.target;
    if (random.chance(500)) {
      wanted = grown.base + random.below(grown.target - grown.base + 1);
      if (random.chance(500)) wanted = std::max(grown.base, wanted / page_bytes * page_bytes);
    }
    if (sizes == sim_sizes::ordered) wanted = ordered_size(grown, wanted, fates);
    if (sizes == sim_sizes::garbage) spread_garbage(random, grown, fates, freed);
    media_size_ = wanted;
    media_.cut(media_size_);
    changes_.clear();
  }
  for (const page_range& range : differing_) {
    for (std::uint64_t p = range.first; p <= range.last; ++p) cache_.copy_page(media_, p);
  }
  differing_.clear();
  lossy_ = false;
  size_ = media_size_;
}

void sim_file::flip_bit(std::uint64_t bit) {
  for (sim_image* const image : {&cache_, &media_}) {
    std::byte value{};
    image->read(bit / 8, std::span(&value, 1));
    value ^= static_cast<std::byte>(1U << (bit % 8));
    image->write(bit / 8, std::span(&value, 1));
  }
}

}  // namespace lentic::coro::detail
