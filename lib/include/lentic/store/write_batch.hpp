// SPDX-License-Identifier: Apache-2.0
#pragma once

// write_batch: puts and erases to be applied in order by byte_store::write, all or none with
// respect to a commit. Owns copies of its bytes. Threads: a plain value.

#include <lentic/bytes.hpp>

#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lentic {

class write_batch {
 public:
  struct entry {
    bytes key;
    std::optional<bytes> value;  // none: erase

    entry(bytes k, std::optional<bytes> v) : key(std::move(k)), value(std::move(v)) {}
  };

  void put(bytes_view key, bytes_view value) {
    entries_.emplace_back(to_bytes(key), to_bytes(value));
  }
  void erase(bytes_view key) { entries_.emplace_back(to_bytes(key), std::nullopt); }
  void clear() noexcept { entries_.clear(); }

  std::span<const entry> entries() const noexcept { return entries_; }

 private:
  std::vector<entry> entries_;
};

}  // namespace lentic
