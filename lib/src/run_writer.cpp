// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"
#include "crc32c.hpp"
#include "run_file.hpp"

#include <utility>

namespace lentic::detail {

void run_writer::add(bytes_view key, bytes_view value) {
  const std::size_t most = key.size() + value.size() + 20;
  if (!block_.empty() && block_.size() + most > run_block_bytes) end_block();
  if (block_.empty()) first_key_ = to_bytes(key);
  append_varint(block_, key.size());
  append_varint(block_, value.size());
  append_raw(block_, key);
  append_raw(block_, value);
  ++rows_;
  row_bytes_ += key.size() + value.size();
}

void run_writer::end_block() {
  append_varint(index_, offset_);
  append_varint(index_, block_.size());
  append_le(index_, crc32c(block_));
  append_string(index_, first_key_);
  append_raw(out_, block_);
  offset_ += block_.size();
  block_.clear();
}

void run_writer::finish() {
  if (!block_.empty()) end_block();
  append_raw(out_, index_);
  bytes footer = to_bytes("LRUN");
  append_le(footer, run_format);
  append_le(footer, std::uint16_t{0});
  append_le(footer, identity_.environment);
  append_le(footer, identity_.store);
  append_le(footer, identity_.segment);
  append_le(footer, identity_.generation);
  append_le(footer, rows_);
  append_le(footer, row_bytes_);
  append_le(footer, offset_);
  append_le(footer, static_cast<std::uint64_t>(index_.size()));
  append_le(footer, crc32c(index_));
  append_le(footer, crc32c(footer));
  append_raw(out_, footer);
}

bytes run_writer::take() noexcept {
  return std::exchange(out_, {});
}

}  // namespace lentic::detail
