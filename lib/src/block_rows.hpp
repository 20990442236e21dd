// SPDX-License-Identifier: Apache-2.0
#pragma once

// block_rows: owned copies of the rows that a cursor hands out at a time. The memory is reused from
// block to block, and never zeroed: a cursor allocates while it warms up.
//
// Lifetime: rows point into the block_rows; it is not copied. Threads: a plain value. Errors:
// std::bad_alloc, and then nothing was added.

#include <lentic/bytes.hpp>
#include <lentic/store/cursor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace lentic::detail {

class block_rows {
 public:
  static constexpr std::size_t row_count_max = 64;
  static constexpr std::size_t byte_count_max = std::size_t{64} << 10;
  // What may be written behind the bytes of extend(), and be read behind them.
  static constexpr std::size_t slack_bytes = 32;

  void clear() noexcept {
    used_ = 0;
    rows_.clear();
  }
  bool full() const noexcept { return rows_.size() >= row_count_max || used_ >= byte_count_max; }
  bool empty() const noexcept { return rows_.empty(); }
  std::size_t size() const noexcept { return rows_.size(); }
  const row& operator[](std::size_t at) const noexcept { return rows_[at]; }

  void add(bytes_view key, bytes_view value) {
    std::byte* const at = extend(key.size() + value.size(), 1);
    if (!key.empty()) std::memcpy(at, key.data(), key.size());
    if (!value.empty()) std::memcpy(at + key.size(), value.data(), value.size());
    point({at, key.size()}, {at + key.size(), value.size()});
  }

  // Room for `bytes` bytes and `count` rows, for point().
  std::byte* extend(std::size_t bytes, std::size_t count) {
    if (count > rows_.capacity() - rows_.size())
      rows_.reserve(std::max(rows_.size() + count, 2 * rows_.capacity()));
    if (bytes + slack_bytes > room_ - used_) grow(used_ + bytes + slack_bytes);
    std::byte* const at = data_.get() + used_;
    used_ += bytes;
    return at;
  }
  // A row whose bytes lie in what extend() answered.
  void point(bytes_view key, bytes_view value) noexcept { rows_.push_back({key, value}); }

  void reverse() noexcept { std::reverse(rows_.begin(), rows_.end()); }
  void keep_first(std::size_t count) noexcept { rows_.resize(count); }
  void drop_first(std::size_t count) noexcept {
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  // Valid until clear() or the next add().
  std::span<const row> rows() const noexcept { return rows_; }

 private:
  void grow(std::size_t least) {
    constexpr std::size_t first_bytes = std::size_t{8} << 10;
    const std::size_t room = std::max({least, 2 * room_, first_bytes});
    std::unique_ptr<std::byte[]> larger(new std::byte[room]);
    const auto moved = [this, &larger](bytes_view part) -> bytes_view {
      return {larger.get() + (part.data() - data_.get()), part.size()};
    };
    if (used_ != 0) std::memcpy(larger.get(), data_.get(), used_);
    for (row& each : rows_) each = {moved(each.key), moved(each.value)};
    data_ = std::move(larger);
    room_ = room;
  }

  std::unique_ptr<std::byte[]> data_;
  std::size_t room_ = 0;
  std::size_t used_ = 0;
  std::vector<row> rows_;
};

}  // namespace lentic::detail
