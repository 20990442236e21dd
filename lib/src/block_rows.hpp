// SPDX-License-Identifier: Apache-2.0
#pragma once

// block_rows: owned copies of the rows that a cursor hands out at a time, reused from block to
// block. Filled with add(), then sealed by rows(). Threads: a plain value.

#include <lentic/bytes.hpp>
#include <lentic/store/cursor.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace lentic::detail {

class block_rows {
 public:
  static constexpr std::size_t row_count_max = 64;
  static constexpr std::size_t byte_count_max = std::size_t{64} << 10;

  void clear() noexcept {
    data_.clear();
    lengths_.clear();
    rows_.clear();
  }
  bool full() const noexcept {
    return lengths_.size() >= row_count_max || data_.size() >= byte_count_max;
  }
  bool empty() const noexcept { return lengths_.empty(); }

  void add(bytes_view key, bytes_view value) {
    data_.insert(data_.end(), key.begin(), key.end());
    data_.insert(data_.end(), value.begin(), value.end());
    lengths_.push_back({key.size(), value.size()});
  }

  // The rows; valid until clear().
  std::span<const row> rows() {
    rows_.clear();
    const std::byte* at = data_.data();
    for (const lengths& each : lengths_) {
      rows_.push_back({{at, each.key}, {at + each.key, each.value}});
      at += each.key + each.value;
    }
    return rows_;
  }

 private:
  struct lengths {
    std::size_t key;
    std::size_t value;
  };
  bytes data_;
  std::vector<lengths> lengths_;
  std::vector<row> rows_;
};

}  // namespace lentic::detail
