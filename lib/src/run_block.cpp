// SPDX-License-Identifier: Apache-2.0
#include "run_block.hpp"

#include "codec.hpp"

#include <algorithm>
#include <cassert>

namespace lentic::detail {

namespace {

// Copies in steps of 16 bytes, up to 15 more than asked for, where that room is left behind both. A
// call of memcpy for a few bytes costs more.
constexpr std::size_t copy_step = 16;
inline std::byte* copy_short(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  for (std::size_t done = 0; done < count; done += copy_step)
    std::memcpy(to + done, from + done, copy_step);
  return to + count;
}

}  // namespace

std::size_t common_prefix(bytes_view left, bytes_view right) noexcept {
  const std::size_t most = std::min(left.size(), right.size());
  std::size_t count = 0;
  while (count < most && left[count] == right[count]) ++count;
  return count;
}

std::size_t common_suffix(bytes_view left, bytes_view right) noexcept {
  const std::size_t most = std::min(left.size(), right.size());
  std::size_t count = 0;
  while (count < most && left[left.size() - 1 - count] == right[right.size() - 1 - count]) ++count;
  return count;
}

std::optional<run_block> run_block::take_apart(bytes_view raw) noexcept {
  if (raw.size() < block_header_bytes) return std::nullopt;
  run_block block;
  const std::size_t row_bytes = load_le<std::uint32_t>(raw.data() + 4);
  block.rows_ = load_le<std::uint16_t>(raw.data() + 8);
  block.stem_ = load_le<std::uint16_t>(raw.data() + 10);
  const std::size_t prefix = load_le<std::uint16_t>(raw.data() + 12);
  const std::size_t suffix = load_le<std::uint16_t>(raw.data() + 14);
  const std::size_t table = block.rows_ * block.entry_bytes();
  if (block.rows_ > 1 && block.rows_ * (prefix + suffix) > block_logical_bytes_max)
    return std::nullopt;
  if (block.rows_ == 0 || block_header_bytes + table + prefix + suffix + row_bytes > raw.size())
    return std::nullopt;
  block.table_ = raw.data() + block_header_bytes;
  block.prefix_ = raw.subspan(block_header_bytes + table, prefix);
  block.suffix_ = raw.subspan(block_header_bytes + table + prefix, suffix);
  block.body_ = raw.subspan(block_header_bytes + table + prefix + suffix, row_bytes);
  return block;
}

std::optional<run_block::extent> run_block::extent_of(std::size_t row) const noexcept {
  const std::byte* const entry = table_ + row * entry_bytes();
  extent found{};
  found.begin = load_le<std::uint16_t>(entry);
  found.stem_end =
      found.begin + (stem_ == stems_differ ? load_le<std::uint16_t>(entry + 2) : stem_);
  found.end = row + 1 < rows_ ? load_le<std::uint16_t>(entry + entry_bytes()) : body_.size();
  if (found.stem_end > found.end || found.end > body_.size()) return std::nullopt;
  return found;
}

std::optional<run_block::place> run_block::find(bytes_view key) const noexcept {
  const bytes_view head = key.first(std::min(key.size(), prefix_.size()));
  const auto order = compare(head, prefix_);
  if (order < 0) return place{0, false};  // also when it is a part of the prefix
  if (order > 0) return place{rows_, false};
  const bytes_view rest = key.subspan(head.size());
  std::size_t low = 0;
  std::size_t high = rows_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const std::optional<extent> row = extent_of(middle);
    if (!row) return std::nullopt;
    const bytes_view stem = body_.subspan(row->begin, row->stem_end - row->begin);
    auto sides = compare(rest.first(std::min(rest.size(), stem.size())), stem);
    if (sides == 0) sides = compare(rest.subspan(stem.size()), suffix_);
    if (sides == 0) return place{middle, true};
    if (sides < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return place{low, false};
}

std::optional<bytes_view> run_block::value(std::size_t row) const noexcept {
  const std::optional<extent> found = extent_of(row);
  if (!found) return std::nullopt;
  return body_.subspan(found->stem_end, found->end - found->stem_end);
}

// Prefix, suffix and rows are copied as one piece, and values point into that; keys are put
// together behind it, so far behind that a copy which reads over its end never meets them.
bool run_block::copy_to(block_rows& to) const {
  const std::size_t affixes = prefix_.size() + suffix_.size();
  const std::size_t stems = stem_ == stems_differ ? body_.size() : rows_ * stem_;
  const std::size_t image = affixes + body_.size();
  const std::size_t keys = stems + rows_ * affixes;
  if (stems > body_.size()) return false;
  std::byte* const copied = to.extend(image + copy_step + keys, rows_);
  std::memcpy(copied, prefix_.data(), image);
  const std::byte* const suffix = copied + prefix_.size();
  const std::byte* const body = copied + affixes;
  std::byte* key = copied + image + copy_step;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::optional<extent> found = extent_of(row);
    if (!found) return false;
    std::byte* end = copy_short(key, copied, prefix_.size());
    end = copy_short(end, body + found->begin, found->stem_end - found->begin);
    end = copy_short(end, suffix, suffix_.size());
    to.point({key, end}, {body + found->stem_end, body + found->end});
    key = end;
  }
  return true;
}

std::size_t run_block_writer::bytes_with(bytes_view key, bytes_view value) const noexcept {
  const std::size_t rows = lengths_.size() + 1;
  std::size_t prefix = key.size();
  std::size_t suffix = 0;
  std::size_t entry = 2;
  if (!empty()) {
    const std::size_t shortest = std::min(shortest_, key.size());
    prefix = std::min(prefix_, common_prefix(first_key(), key));
    suffix = std::min({suffix_, common_suffix(first_key(), key), shortest - prefix});
    if (!is_even_ || key.size() != lengths_.front().key) entry = 4;
  }
  prefix = std::min(prefix, block_affix_bytes_max);
  return block_header_bytes + rows * entry + prefix + suffix + data_.size() + key.size()
       + value.size() - rows * (prefix + suffix);
}

void run_block_writer::add(bytes_view key, bytes_view value) {
  lengths_.push_back({key.size(), value.size()});
  if (lengths_.size() == 1) {
    prefix_ = suffix_ = shortest_ = key.size();
    is_even_ = true;
  } else {
    prefix_ = std::min(prefix_, common_prefix(first_key(), key));
    suffix_ = std::min(suffix_, common_suffix(first_key(), key));
    shortest_ = std::min(shortest_, key.size());
    is_even_ = is_even_ && key.size() == lengths_.front().key;
  }
  last_ = data_.size();
  append_raw(data_, key);
  append_raw(data_, value);
}

run_block_writer::affixes run_block_writer::stored_once() const noexcept {
  const std::size_t prefix = std::min(prefix_, block_affix_bytes_max);
  return {prefix, std::min({suffix_, shortest_ - prefix, block_affix_bytes_max})};
}

void run_block_writer::append_table(bytes& to, const affixes& once) const {
  std::size_t begin = 0;
  for (const lengths& each : lengths_) {
    const std::size_t stem = each.key - once.prefix - once.suffix;
    append_le(to, static_cast<std::uint16_t>(begin));
    if (!is_even_) append_le(to, static_cast<std::uint16_t>(stem));
    begin += stem + each.value;
    assert(begin <= 0xffff || lengths_.size() == 1);
  }
}

void run_block_writer::end_block(bytes& to) {
  const affixes once = stored_once();
  const std::size_t dropped = lengths_.size() * (once.prefix + once.suffix);
  const std::size_t stem = lengths_.front().key - once.prefix - once.suffix;
  append_le(to, std::uint32_t{0});  // the checksum
  append_le(to, static_cast<std::uint32_t>(data_.size() - dropped));
  append_le(to, static_cast<std::uint16_t>(lengths_.size()));
  append_le(to, is_even_ ? static_cast<std::uint16_t>(stem) : stems_differ);
  append_le(to, static_cast<std::uint16_t>(once.prefix));
  append_le(to, static_cast<std::uint16_t>(once.suffix));
  append_table(to, once);
  append_raw(to, first_key().first(once.prefix));
  append_raw(to, first_key().last(once.suffix));
  bytes_view rest = data_;
  for (const lengths& each : lengths_) {
    const bytes_view key = rest.first(each.key);
    append_raw(to, key.subspan(once.prefix, each.key - once.prefix - once.suffix));
    append_raw(to, rest.subspan(each.key, each.value));
    rest = rest.subspan(each.key + each.value);
  }
  data_.clear();
  lengths_.clear();
}

}  // namespace lentic::detail
