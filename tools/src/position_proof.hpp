// SPDX-License-Identifier: Apache-2.0
#pragma once

// How far an input has been read, and the proof that a later input is the same one: SHA-256 of the
// first min(64 KiB, position) bytes and of the up to 4 KiB before the position.
//
// input_position is what a commit carries. proof_tracker is fed while the input is read and proves
// any position that a row ends at. Threads: none synchronised.
// Not promised: that bytes between the two proven parts are unchanged.

#include "errors.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

inline constexpr std::size_t proof_head_bytes_max = 64U << 10;
inline constexpr std::size_t proof_tail_bytes_max = 4U << 10;

using sha256_digest = std::array<std::byte, 32>;

// Throws std::bad_alloc; no other failure is possible.
sha256_digest sha256(std::string_view bytes);

struct position_proof {
  sha256_digest head{};
  sha256_digest tail{};

  bool operator==(const position_proof&) const = default;
};

struct input_position {
  std::uint64_t bytes = 0;         // decompressed, up to the end of the last row read
  std::uint64_t rows = 0;          // rows read, bad ones included; not the header
  std::uint64_t line = 1;          // line number at `bytes`
  std::uint64_t header_bytes = 0;  // up to the end of the header row
  bool terminated = true;          // false: the last row had no line end
  position_proof proof;

  bool operator==(const input_position&) const = default;
};

// The record as bytes, position_record_bytes of them.
inline constexpr std::size_t position_record_bytes = 98;
std::string encode_position(const input_position& position);
// Error: bad_record, for any bytes that encode_position() does not write.
result<input_position> decode_position(std::string_view record) noexcept;

class proof_tracker {
 public:
  // At the start of an input.
  proof_tracker() = default;
  // At `position`; `head` and `tail` are the bytes that its proof covers.
  proof_tracker(std::uint64_t position, std::string_view head, std::string_view tail);

  // The chunk that follows the last one. It stays valid until release().
  void feed(std::string_view chunk);
  // Before the chunk's memory is used again: keeps what proves `row_end`, where the last complete
  // row ends, in this chunk or before it.
  void release(std::uint64_t row_end);

  // The proof of `row_end`: inside the chunk, or where the released bytes end (a last row without a
  // line end is known only then), or the one given to the last release().
  // Hashes up to 68 KiB while row_end is below 64 KiB, 4 KiB from then on.
  position_proof prove(std::uint64_t row_end);

 private:
  std::string tail_before(std::uint64_t position) const;

  std::string head_;    // the first bytes of the input
  std::string before_;  // the last bytes before chunk_
  std::string_view chunk_;
  std::uint64_t chunk_begin_ = 0;
  std::string saved_tail_;  // of saved_end_, a row end before chunk_
  std::uint64_t saved_end_ = 0;
  sha256_digest whole_head_{};  // once the head is complete
  bool head_hashed_ = false;
};

}  // namespace lentic::tool
