// SPDX-License-Identifier: Apache-2.0
#pragma once

// Writing and reading the fields of our own files: unsigned LEB128 varints, length-prefixed
// strings, little-endian integers. The reader never trusts a length: every read answers whether it
// fitted, and after the first misfit it stays failed.
// Threads: plain values. Lifetime: a byte_reader and what it hands out view the buffer.

#include <lentic/bytes.hpp>
#include <lentic/endian.hpp>
#include <lentic/store/young_layout.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace lentic::detail {

inline void append_varint(bytes& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::byte>(value | 0x80));
  to.push_back(static_cast<std::byte>(value));
}

inline void append_raw(bytes& to, bytes_view raw) {
  to.insert(to.end(), raw.begin(), raw.end());
}

inline void append_string(bytes& to, bytes_view raw) {
  append_varint(to, raw.size());
  append_raw(to, raw);
}

class byte_reader {
 public:
  explicit byte_reader(bytes_view data) noexcept : rest_(data) {}

  bool failed() const noexcept { return failed_; }
  bool at_end() const noexcept { return rest_.empty(); }
  bytes_view rest() const noexcept { return rest_; }

  // Each answers zero or empty once failed.
  template <class Integer>
  Integer fixed_le() noexcept {
    const bytes_view raw = take(sizeof(Integer));
    return raw.empty() ? Integer{0} : load_le<Integer>(raw.data());
  }
  std::uint8_t byte() noexcept { return fixed_le<std::uint8_t>(); }

  std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t next = byte();
      if (failed_) return 0;
      if (shift == 63 && next > 1) break;  // would not fit
      value |= (next & 0x7f) << shift;
      if ((next & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }
  bytes_view string() noexcept { return take(varint()); }

  bytes_view take(std::uint64_t count) noexcept {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const bytes_view taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(static_cast<std::size_t>(count));
    return taken;
  }

 private:
  bytes_view rest_;
  bool failed_ = false;
};

// A varint. A layout that this format does not know is damage: one that is added later comes with a
// newer format.
inline std::optional<young_layout> read_layout(byte_reader& from) noexcept {
  const std::uint64_t number = from.varint();
  if (from.failed() || number > static_cast<std::uint64_t>(young_layout::ordered))
    return std::nullopt;
  return static_cast<young_layout>(number);
}

}  // namespace lentic::detail
