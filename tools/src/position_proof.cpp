// SPDX-License-Identifier: Apache-2.0
#include "position_proof.hpp"

#include "big_endian.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

#include <openssl/evp.h>

namespace lentic::tool {

namespace {

constexpr std::byte record_version{1};

std::string_view last_bytes(std::string_view text, std::size_t count) noexcept {
  return text.substr(text.size() - std::min(text.size(), count));
}

}  // namespace

sha256_digest sha256(std::string_view bytes) {
  sha256_digest digest;
  unsigned size = 0;
  auto* const out = static_cast<unsigned char*>(static_cast<void*>(digest.data()));
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return digest;
}

// Position record, 98 bytes.
//
//   0       1        9       17      25             33           34         66         98
//   +-------+--------+-------+-------+--------------+------------+----------+----------+
//   | ver 1 | bytes  | rows  | line  | header_bytes | terminated | SHA head | SHA tail |
//   |       | u64 BE | u64BE | u64BE | u64 BE       | 0 or 1     | 32       | 32       |
//   +-------+--------+-------+-------+--------------+------------+----------+----------+
//
// bytes 258, rows 2, line 4, header 3, terminated -> 01 | 00 .. 01 02 | 00 .. 02 | 00 .. 04 |
// 00 .. 03 | 01 | ..
std::string encode_position(const input_position& position) {
  std::array<std::byte, position_record_bytes> record{};
  record[0] = record_version;
  put_be64(&record[1], position.bytes);
  put_be64(&record[9], position.rows);
  put_be64(&record[17], position.line);
  put_be64(&record[25], position.header_bytes);
  record[33] = std::byte{position.terminated};
  std::copy(position.proof.head.begin(), position.proof.head.end(), &record[34]);
  std::copy(position.proof.tail.begin(), position.proof.tail.end(), &record[66]);
  std::string text(record.size(), '\0');
  std::memcpy(text.data(), record.data(), record.size());
  return text;
}

result<input_position> decode_position(std::string_view text) noexcept {
  std::array<std::byte, position_record_bytes> record;
  if (text.size() != record.size()) return make_error_code(errc::bad_record);
  std::memcpy(record.data(), text.data(), record.size());
  input_position position;
  position.bytes = get_be64(&record[1]);
  position.rows = get_be64(&record[9]);
  position.line = get_be64(&record[17]);
  position.header_bytes = get_be64(&record[25]);
  position.terminated = record[33] == std::byte{1};
  std::copy_n(&record[34], position.proof.head.size(), position.proof.head.begin());
  std::copy_n(&record[66], position.proof.tail.size(), position.proof.tail.begin());
  // Each row and each line took at least one byte.
  const bool good = record[0] == record_version && record[33] <= std::byte{1} && position.line > 0
                 && position.line - 1 <= position.bytes && position.rows <= position.bytes
                 && position.header_bytes <= position.bytes;
  if (!good) return make_error_code(errc::bad_record);
  return position;
}

proof_tracker::proof_tracker(std::uint64_t position, std::string_view head, std::string_view tail)
    : head_(head), before_(tail), chunk_begin_(position), saved_tail_(tail), saved_end_(position) {
  assert(head.size() == std::min<std::uint64_t>(position, proof_head_bytes_max));
  assert(tail.size() == std::min<std::uint64_t>(position, proof_tail_bytes_max));
}

void proof_tracker::feed(std::string_view chunk) {
  assert(chunk_.empty() && "release() comes between two chunks");
  chunk_ = chunk;
  head_.append(chunk.substr(0, proof_head_bytes_max - head_.size()));
}

void proof_tracker::release(std::uint64_t row_end) {
  assert(row_end >= saved_end_ && row_end <= chunk_begin_ + chunk_.size());
  if (row_end >= chunk_begin_) saved_tail_ = tail_before(row_end);
  saved_end_ = row_end;
  before_ = tail_before(chunk_begin_ + chunk_.size());
  chunk_begin_ += chunk_.size();
  chunk_ = {};
}

position_proof proof_tracker::prove(std::uint64_t row_end) {
  assert(row_end <= chunk_begin_ + chunk_.size());
  assert(row_end >= chunk_begin_ || row_end == saved_end_);
  position_proof proof;
  if (row_end < proof_head_bytes_max) {
    proof.head = sha256(std::string_view(head_).substr(0, static_cast<std::size_t>(row_end)));
  } else {
    if (!head_hashed_) whole_head_ = sha256(head_);
    head_hashed_ = true;
    proof.head = whole_head_;
  }
  proof.tail = sha256(row_end >= chunk_begin_ ? tail_before(row_end) : saved_tail_);
  return proof;
}

// Up to 4 KiB before a position inside the chunk, or at one of its ends.
std::string proof_tracker::tail_before(std::uint64_t position) const {
  const std::string_view inside =
      chunk_.substr(0, static_cast<std::size_t>(position - chunk_begin_));
  std::string tail;
  if (inside.size() < proof_tail_bytes_max) {
    tail = last_bytes(before_, proof_tail_bytes_max - inside.size());
  }
  return tail.append(last_bytes(inside, proof_tail_bytes_max));
}

}  // namespace lentic::tool
