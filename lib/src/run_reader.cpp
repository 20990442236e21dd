// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"
#include "crc32c.hpp"
#include "hash64.hpp"
#include "run_digest.hpp"
#include "run_file.hpp"

#include <lentic/errc.hpp>
#include <lentic/store/damaged_block.hpp>

#include <algorithm>

namespace lentic::detail {

namespace {

struct footer {
  std::uint16_t has = 0;  // run_has_ bits
  run_identity identity;
  std::uint64_t rows = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t index_offset = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t filter_bytes = 0;
  std::uint32_t index_crc = 0;  // and filter
};

result<footer> decode_footer(bytes_view raw) {
  byte_reader reader(raw);
  if (as_text(reader.take(4)) != "LRUN") return make_error_code(errc::damaged);
  const auto format = reader.fixed_le<std::uint16_t>();
  footer found;
  found.has = reader.fixed_le<std::uint16_t>();
  found.identity.environment = reader.fixed_le<std::uint64_t>();
  found.identity.store = reader.fixed_le<std::uint64_t>();
  found.identity.segment = reader.fixed_le<std::uint64_t>();
  found.identity.generation = reader.fixed_le<std::uint64_t>();
  found.rows = reader.fixed_le<std::uint64_t>();
  found.row_bytes = reader.fixed_le<std::uint64_t>();
  found.blocks = reader.fixed_le<std::uint64_t>();
  found.index_offset = reader.fixed_le<std::uint64_t>();
  found.index_bytes = reader.fixed_le<std::uint64_t>();
  found.filter_bytes = reader.fixed_le<std::uint64_t>();
  found.index_crc = reader.fixed_le<std::uint32_t>();
  const auto crc = reader.fixed_le<std::uint32_t>();
  if (reader.failed() || crc != crc32c(raw.first(run_footer_bytes - 4)))
    return make_error_code(errc::damaged);
  if (format > run_format) return make_error_code(errc::newer_format);
  if (format < run_format_min) return make_error_code(errc::damaged);  // never released
  if (format == run_format_min) found.has = 0;
  if ((found.has & ~run_has_sums) != 0) return make_error_code(errc::newer_format);
  return found;
}

// For a message: enough of a key to find it.
std::string shown(bytes_view key) {
  constexpr std::size_t bytes_max = 40;
  if (key.size() <= bytes_max) return to_hex(key);
  return to_hex(key.first(bytes_max)) + "...";
}

}  // namespace

result<std::unique_ptr<run_reader>> run_reader::open(bytes_view file, const run_identity& expected,
                                                     std::string name) {
  if (file.size() < run_footer_bytes) return make_error_code(errc::damaged);
  const std::uint64_t body = file.size() - run_footer_bytes;
  const result<footer> found = decode_footer(file.subspan(body));
  if (!found) return found.error();
  if (found->identity != expected || found->index_offset > body
      || found->index_bytes > body - found->index_offset
      || found->filter_bytes > body - found->index_offset - found->index_bytes)
    return make_error_code(errc::damaged);
  const std::uint64_t loaded_bytes = found->index_bytes + found->filter_bytes;
  const std::uint64_t sums_bytes = body - found->index_offset - loaded_bytes;
  if (found->rows > found->index_offset / block_row_bytes_min)
    return make_error_code(errc::damaged);
  if (found->has == 0 ? sums_bytes != 0 : !is_size_of_sums(sums_bytes))
    return make_error_code(errc::damaged);
  const bytes_view loaded = file.subspan(found->index_offset, loaded_bytes);
  if (crc32c(loaded) != found->index_crc) return make_error_code(errc::damaged);
  std::unique_ptr<run_reader> reader(new run_reader(file, std::move(name)));
  if (!reader->index_.load(loaded.first(found->index_bytes), found->blocks, found->index_offset)
      || !reader->filter_.load(loaded.subspan(found->index_bytes)))
    return make_error_code(errc::damaged);
  reader->verified_.resize(reader->index_.count());
  reader->place_crc_ = place_crc(expected);
  reader->rows_ = found->rows;
  reader->row_bytes_ = found->row_bytes;
  reader->sums_begin_ = found->index_offset + loaded_bytes;
  reader->sums_bytes_ = sums_bytes;
  return reader;
}

std::uint64_t run_reader::index_offset_of(bytes_view footer) noexcept {
  constexpr std::size_t at = 64;
  return load_le<std::uint64_t>(footer.data() + at);
}

std::size_t run_reader::memory_bytes() const noexcept {
  return index_.memory_bytes() + filter_.memory_bytes() + verified_.capacity() / 8
       + resident_.memory_bytes();
}

bool run_reader::may_hold(bytes_view key) const noexcept {
  return block_count() != 0 && filter_.may_hold(hash64(key));
}

void run_reader::fail_damaged(std::size_t block) const {
  std::string where = name_ + " block " + std::to_string(block);
  where += " at " + std::to_string(index_.begin(block));
  const bool is_last = block + 1 == block_count();
  if (block != 0) where += ", from key " + shown(index_.separator(block)) + " (hex)";
  if (!is_last) where += ", below key " + shown(index_.separator(block + 1)) + " (hex)";
  std::optional<bytes> next_key;
  if (!is_last) next_key = to_bytes(index_.separator(block + 1));
  throw damaged_block(where, std::move(next_key));
}

run_block run_reader::verified_block(std::size_t block) {
  const std::uint64_t begin = index_.begin(block);
  const bytes_view raw = file_.subspan(begin, index_.end(block) - begin);
  if (!verified_[block]) {
    if (load_le<std::uint32_t>(raw.data()) != block_crc(place_crc_, begin, raw))
      fail_damaged(block);
    verified_[block] = true;
  }
  const std::optional<run_block> parts = run_block::take_apart(raw);
  if (!parts) fail_damaged(block);
  return *parts;
}

run_block::place run_reader::find_in(std::size_t block, bytes_view key) {
  const std::optional<run_block::place> found = verified_block(block).find(key);
  if (!found) fail_damaged(block);
  return *found;
}

void run_reader::read_block(std::size_t block, block_rows& rows) {
  rows.clear();
  if (reads_) reads_->count_touch();
  if (!verified_block(block).copy_to(rows)) fail_damaged(block);
}

run_answer run_reader::look(bytes_view key) {
  if (!may_hold(key)) return {};
  const std::size_t at = block_of(key);
  if (reads_) {
    if (!is_resident(at)) return {std::nullopt, at, true};
    reads_->count_touch();
  }
  return {value_in(at, key), std::nullopt, true};
}

std::optional<bytes_view> run_reader::find(bytes_view key) {
  if (!may_hold(key)) return std::nullopt;
  return value_in(block_of(key), key);
}

std::optional<bytes_view> run_reader::value_in(std::size_t at, bytes_view key) {
  const run_block block = verified_block(at);
  const std::optional<run_block::place> found = block.find(key);
  if (!found) fail_damaged(at);
  if (!found->is_equal) return std::nullopt;
  const std::optional<bytes_view> value = block.value(found->row);
  if (!value) fail_damaged(at);
  return value;
}

}  // namespace lentic::detail
