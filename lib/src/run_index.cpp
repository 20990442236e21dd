// SPDX-License-Identifier: Apache-2.0
#include "run_index.hpp"

#include "codec.hpp"
#include "run_block.hpp"

#include <algorithm>

namespace lentic::detail {

namespace {

constexpr std::size_t wide_bytes = 6;  // of an integer of 48 bits

void append_wide(bytes& to, std::uint64_t value) {
  append_le(to, static_cast<std::uint32_t>(value));
  append_le(to, static_cast<std::uint16_t>(value >> 32));
}

std::uint64_t load_wide(const std::byte* from) noexcept {
  const std::uint64_t high = load_le<std::uint16_t>(from + 4);
  return high << 32 | load_le<std::uint32_t>(from);
}

}  // namespace

bool run_index::load(bytes_view raw, std::uint64_t count, std::uint64_t blocks_end) {
  if (count > raw.size() / fence_bytes) return false;
  raw_.assign(raw.begin(), raw.end());
  count_ = static_cast<std::size_t>(count);
  blocks_end_ = blocks_end;
  if (!makes_sense()) return false;
  fill_heads();
  return true;
}

void run_index::fill_heads() {
  if (count_ < 2) return;
  shared_ = common_prefix(separator(1), separator(count_ - 1));
  heads_.reserve(count_ - 1);
  for (std::size_t block = 1; block < count_; ++block) heads_.push_back(head_of(separator(block)));
}

// Ascends, not strictly, with the key: the bytes behind the shared ones, zeros where there are
// none.
std::uint32_t run_index::head_of(bytes_view key) const noexcept {
  const bytes_view rest = key.subspan(shared_);
  if (rest.size() >= 4) return load_be<std::uint32_t>(rest.data());
  std::uint32_t head = 0;
  for (std::size_t i = 0; i < rest.size(); ++i)
    head |= std::to_integer<std::uint32_t>(rest[i]) << (24 - 8 * i);
  return head;
}

// Checked from the first to the last, so that what separator() answers for an earlier one is sound.
bool run_index::makes_sense() const noexcept {
  const std::uint64_t separators = raw_.size() - count_ * fence_bytes;
  if (count_ == 0) return separators == 0 && blocks_end_ == 0;
  if (begin(0) != 0 || separator_end(0) != 0) return false;
  for (std::size_t block = 1; block < count_; ++block) {
    if (begin(block) < begin(block - 1) + block_header_bytes
        || separator_end(block) < separator_end(block - 1) || separator_end(block) > separators
        || compare(separator(block - 1), separator(block)) >= 0)
      return false;
  }
  return separator_end(count_ - 1) == separators && blocks_end_ >= block_header_bytes
      && begin(count_ - 1) <= blocks_end_ - block_header_bytes;
}

std::uint64_t run_index::begin(std::size_t block) const noexcept {
  return load_wide(raw_.data() + block * fence_bytes);
}

std::uint64_t run_index::end(std::size_t block) const noexcept {
  return block + 1 < count_ ? begin(block + 1) : blocks_end_;
}

std::uint64_t run_index::separator_end(std::size_t block) const noexcept {
  return load_wide(raw_.data() + block * fence_bytes + wide_bytes);
}

bytes_view run_index::separator(std::size_t block) const noexcept {
  const std::uint64_t from = block == 0 ? 0 : separator_end(block - 1);
  return bytes_view(raw_).subspan(count_ * fence_bytes + from, separator_end(block) - from);
}

// A separator with a smaller head than the key's is below it, one with a larger head above; only
// where heads are equal the separators themselves are compared.
std::size_t run_index::block_of(bytes_view key) const noexcept {
  if (count_ < 2) return 0;
  const auto shared =
      compare(key.first(std::min(key.size(), shared_)), separator(1).first(shared_));
  if (shared < 0) return 0;
  if (shared > 0) return count_ - 1;
  const auto [equal, above] = std::equal_range(heads_.begin(), heads_.end(), head_of(key));
  std::size_t low = static_cast<std::size_t>(equal - heads_.begin());  // its separator is <= key
  std::size_t high = static_cast<std::size_t>(above - heads_.begin()) + 1;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    if (compare(separator(middle), key) <= 0) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

void run_index_writer::add(std::uint64_t offset, bytes_view last_before, bytes_view first) {
  if (!fences_.empty()) append_raw(separators_, first.first(common_prefix(last_before, first) + 1));
  append_wide(fences_, offset);
  append_wide(fences_, separators_.size());
}

}  // namespace lentic::detail
