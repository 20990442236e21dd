// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"
#include "crc32c.hpp"
#include "hash64.hpp"
#include "run_digest.hpp"
#include "run_file.hpp"

#include <array>
#include <utility>

namespace lentic::detail {

namespace {

// What is filled up with zeros so that the next block begins with a page; more is not worth it.
constexpr std::size_t pad_bytes_max = 256;
// Less than this is left of a page: the block goes on to the end of the next one.
constexpr std::size_t room_bytes_min = run_page_bytes / 2;

std::size_t rest_of_page(std::uint64_t offset) noexcept {
  return run_page_bytes - static_cast<std::size_t>(offset % run_page_bytes);
}

}  // namespace

std::uint32_t place_crc(const run_identity& identity) noexcept {
  std::array<std::byte, 32> raw;
  store_le(identity.environment, raw.data());
  store_le(identity.store, raw.data() + 8);
  store_le(identity.segment, raw.data() + 16);
  store_le(identity.generation, raw.data() + 24);
  return crc32c(raw);
}

std::uint32_t block_crc(std::uint32_t place, std::uint64_t offset, bytes_view raw) noexcept {
  std::array<std::byte, 8> at;
  store_le(offset, at.data());
  return crc32c(raw.subspan(4), crc32c(at, place));
}

run_writer::run_writer(const run_identity& identity, std::uint64_t rows_max,
                       const digest_sums* sums)
    : identity_(identity),
      place_crc_(place_crc(identity)),
      sums_(sums != nullptr ? *sums : digest_sums(identity.segment)),
      makes_sums_(sums == nullptr) {
  filter_.expect(rows_max);
}

void run_writer::add(bytes_view key, bytes_view value) {
  if (!block_.empty()
      && (block_.bytes_with(key, value) > block_room()
          || block_.logical_bytes() + key.size() + value.size() > block_logical_bytes_max))
    end_block(next_block::follows);
  if (block_.empty()) index_.add(offset_, last_key_, key);
  block_.add(key, value);
  filter_.add(hash64(key));
  if (makes_sums_) sums_.add(key, value);
  ++rows_;
  row_bytes_ += key.size() + value.size();
}

std::size_t run_writer::block_room() const noexcept {
  const std::size_t room = rest_of_page(offset_);
  return room < room_bytes_min ? room + run_page_bytes : room;
}

void run_writer::end_block(next_block next) {
  const bytes_view last = block_.last_key();
  last_key_.assign(last.begin(), last.end());
  const std::size_t begin = out_.size();
  block_.end_block(out_);
  const std::size_t pad = rest_of_page(offset_ + out_.size() - begin);
  if (next == next_block::follows && pad <= pad_bytes_max) out_.resize(out_.size() + pad);
  const bytes_view raw = bytes_view(out_).subspan(begin);
  store_le(block_crc(place_crc_, offset_, raw), out_.data() + begin);
  offset_ += raw.size();
}

bool run_writer::finish() {
  if (!has_index_) append_index();
  if (!filter_.build_some()) return false;
  append_raw(out_, filter_.built());
  index_crc_ = crc32c(filter_.built(), index_crc_);
  append_sums();
  append_footer();
  return true;
}

void run_writer::append_index() {
  if (!block_.empty()) end_block(next_block::none);
  for (const bytes_view part : {index_.fences(), index_.separators()}) {
    append_raw(out_, part);
    index_crc_ = crc32c(part, index_crc_);
    index_bytes_ += part.size();
  }
  has_index_ = true;
}

void run_writer::append_sums() {
  bytes raw = encode_sums(sums_.parts);
  const std::uint64_t at = offset_ + index_bytes_ + filter_.built().size();
  store_le(block_crc(place_crc_, at, raw), raw.data());
  append_raw(out_, raw);
}

void run_writer::append_footer() {
  bytes footer = to_bytes("LRUN");
  append_le(footer, run_format);
  append_le(footer, run_has_sums);
  append_le(footer, identity_.environment);
  append_le(footer, identity_.store);
  append_le(footer, identity_.segment);
  append_le(footer, identity_.generation);
  append_le(footer, rows_);
  append_le(footer, row_bytes_);
  append_le(footer, index_.count());
  append_le(footer, offset_);
  append_le(footer, index_bytes_);
  append_le(footer, static_cast<std::uint64_t>(filter_.built().size()));
  append_le(footer, index_crc_);
  append_le(footer, crc32c(footer));
  append_raw(out_, footer);
}

bytes run_writer::take() noexcept {
  return std::exchange(out_, {});
}

}  // namespace lentic::detail
