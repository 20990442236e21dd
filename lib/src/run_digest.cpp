// SPDX-License-Identifier: Apache-2.0
#include "run_digest.hpp"

#include "codec.hpp"
#include "run_file.hpp"

#include <lentic/errc.hpp>

#include <bit>
#include <string>

namespace lentic::detail {

namespace {

constexpr std::size_t crc_bytes = 4;
constexpr std::size_t blocks_ahead = 64;

bool has_part(bytes_view raw, std::size_t part) noexcept {
  return (raw[crc_bytes + part / 8] >> (part % 8) & std::byte{1}) != std::byte{0};
}

}  // namespace

bytes encode_sums(const std::array<std::uint64_t, digest_part_count>& parts) {
  bytes raw(sums_head_bytes);
  for (std::size_t i = 0; i < digest_part_count; ++i) {
    if (parts[i] == 0) continue;
    raw[crc_bytes + i / 8] |= std::byte{1} << (i % 8);
    append_le(raw, parts[i]);
  }
  return raw;
}

bool add_encoded_sums(bytes_view raw, std::array<std::uint64_t, digest_part_count>& to) noexcept {
  if (!is_size_of_sums(raw.size())) return false;
  std::size_t count = 0;
  for (const std::byte each : raw.subspan(crc_bytes, digest_part_count / 8))
    count += static_cast<std::size_t>(std::popcount(std::to_integer<std::uint8_t>(each)));
  if (raw.size() != sums_head_bytes + 8 * count) return false;
  std::size_t at = sums_head_bytes;
  for (std::size_t i = 0; i < digest_part_count; ++i) {
    if (!has_part(raw, i)) continue;
    to[i] += load_le<std::uint64_t>(raw.data() + at);
    at += 8;
  }
  return true;
}

void run_reader::add_sums(segment_digest& to) const {
  const bytes_view raw = file_.subspan(sums_begin_, sums_bytes_);
  if (load_le<std::uint32_t>(raw.data()) != block_crc(place_crc_, sums_begin_, raw)
      || !add_encoded_sums(raw, to.parts))
    fail(errc::damaged, name_ + ", the sums at " + std::to_string(sums_begin_));
}

// The page of the sums was read at the open, and may be gone: so it is read again.
task<void> run_reader::add_digest(coro::runtime& runtime, std::shared_ptr<run_reader> run,
                                  segment_digest& to) {
  const std::uint64_t rows = to.rows + run->rows_;
  if (run->has_sums()) {
    const std::uint64_t end = run->sums_begin_ + run->sums_bytes_;
    if (run->reads_) co_await run->reads_->read(run->source_, run->sums_begin_, end);
    run->add_sums(to);
  } else {
    block_rows block;
    for (std::size_t i = 0; i < run->block_count(); ++i) {
      if (run->reads_) co_await load(run, run->ahead(i, direction::forward, blocks_ahead));
      run->read_block(i, block);
      for (std::size_t at = 0; at < block.size(); ++at) to.add(block[at].key, block[at].value);
      if (i % blocks_ahead == 0) co_await coro::yield(runtime);
    }
  }
  to.rows = rows;
}

}  // namespace lentic::detail
