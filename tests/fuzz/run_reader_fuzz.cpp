// SPDX-License-Identifier: Apache-2.0
// Run files: as they are; as the one block of a run whose checksum, index and footer hold; as an
// index, and as sums, behind a footer that holds. A reader answers values that lie inside the file,
// keys of no more bytes than it has, or errc::damaged.
#include "codec.hpp"
#include "crc32c.hpp"
#include "fuzz_target.hpp"
#include "run_digest.hpp"
#include "run_file.hpp"

#include <lentic/errc.hpp>

#include <functional>
#include <system_error>

namespace lentic::fuzz {
namespace {

detail::run_identity identity() {
  detail::run_identity chosen;
  chosen.environment = 1;
  chosen.store = 2;
  chosen.segment = 3;
  chosen.generation = 4;
  return chosen;
}

void check_inside(bytes_view part, bytes_view whole) {
  if (part.empty()) return;
  const std::less_equal<> not_after;
  check(not_after(whole.data(), part.data())
        && not_after(part.data() + part.size(), whole.data() + whole.size()));
}

// Keys and values of a walk are copies.
void walk(detail::run_reader& run, bytes_view file, direction order) {
  detail::walk_start start;
  start.order = order;
  try {
    const auto rows = run.walk(start);
    std::size_t count = 0;
    for (; rows->current() != nullptr; rows->advance(), ++count) {
      check(rows->current()->key.size() <= file.size());
      check(rows->current()->value.size() <= file.size());
    }
    check(count <= file.size());
  } catch (const std::system_error& error) {
    check(error.code() == errc::damaged);
  }
}

// In bulk, from a key in the middle.
void take(detail::run_reader& run, bytes_view file) {
  detail::walk_start start;
  start.key = as_bytes("k");
  start.exclusive = true;
  try {
    const auto walk = run.walk(start);
    detail::block_rows rows;
    std::size_t count = 0;
    while (walk->take(rows) && !rows.empty()) count += rows.size();
    check(count <= file.size());
  } catch (const std::system_error& error) {
    check(error.code() == errc::damaged);
  }
}

void add_sums(const detail::run_reader& run) {
  if (!run.has_sums()) return;
  segment_digest sums;
  try {
    run.add_sums(sums);
  } catch (const std::system_error& error) {
    check(error.code() == errc::damaged);
    check(sums.total() == 0);
  }
}

void read(bytes_view file) {
  auto opened = detail::run_reader::open(file, identity(), "fuzz.run");
  if (!opened) return;
  detail::run_reader& run = **opened;
  walk(run, file, direction::forward);
  walk(run, file, direction::backward);
  take(run, file);
  add_sums(run);
  for (const char* const key : {"", "k", "\xff\xff"}) {
    try {
      const std::optional<bytes_view> found = run.find(as_bytes(key));
      if (found) check_inside(*found, file);
    } catch (const std::system_error& error) {
      check(error.code() == errc::damaged);
    }
  }
}

// A file of these blocks, this index, a filter that lets every key pass, and these sums, if any.
bytes with_footer(bytes_view blocks, std::uint64_t block_count, bytes_view index,
                  bytes_view sums = {}) {
  const bytes filter(detail::filter_block_bytes, std::byte{0xff});
  bytes raw = to_bytes(blocks);
  detail::append_raw(raw, index);
  detail::append_raw(raw, filter);
  detail::append_raw(raw, sums);
  bytes footer = to_bytes("LRUN");
  append_le(footer, detail::run_format);
  append_le(footer, sums.empty() ? std::uint16_t{0} : detail::run_has_sums);
  append_le(footer, identity().environment);
  append_le(footer, identity().store);
  append_le(footer, identity().segment);
  append_le(footer, identity().generation);
  append_le(footer, std::uint64_t{1});
  append_le(footer, std::uint64_t{1});
  append_le(footer, block_count);
  append_le(footer, static_cast<std::uint64_t>(blocks.size()));
  append_le(footer, static_cast<std::uint64_t>(index.size()));
  append_le(footer, static_cast<std::uint64_t>(filter.size()));
  append_le(footer, detail::crc32c(filter, detail::crc32c(index)));
  append_le(footer, detail::crc32c(footer));
  detail::append_raw(raw, footer);
  return raw;
}

// The input as a block whose checksum is right.
bytes as_block(bytes_view raw) {
  bytes block = to_bytes(raw);
  if (block.size() < detail::block_header_bytes) block.resize(detail::block_header_bytes);
  store_le(detail::block_crc(detail::place_crc(identity()), 0, block), block.data());
  return block;
}

bytes index_of_one() {
  detail::run_index_writer index;
  index.add(0, {}, {});
  return to_bytes(index.fences());
}

// The input as an index of as many blocks as its first byte says, or as fit.
void read_index(bytes_view raw) {
  const std::uint64_t told = raw.empty() ? 0 : std::to_integer<std::uint64_t>(raw[0]);
  read(with_footer(bytes(64), told, raw.empty() ? raw : raw.subspan(1)));
  read(with_footer(bytes(64), raw.size() / detail::fence_bytes, raw));
}

// The input as sums whose checksum is right.
void read_sums(bytes_view raw) {
  bytes sums = to_bytes(raw);
  if (sums.size() < detail::sums_head_bytes) sums.resize(detail::sums_head_bytes);
  const bytes index = index_of_one();
  const bytes blocks(64);
  const std::uint64_t at = blocks.size() + index.size() + detail::filter_block_bytes;
  store_le(detail::block_crc(detail::place_crc(identity()), at, sums), sums.data());
  read(with_footer(blocks, 1, index, sums));
}

}  // namespace

std::vector<bytes> seeds() {
  const auto finished = [](detail::run_writer& writer) {
    while (!writer.finish()) {
    }
    return writer.take();
  };
  detail::run_writer few(identity());
  few.add(as_bytes("k"), as_bytes("value"));
  few.add(as_bytes("key"), {});
  detail::run_writer many(identity());
  for (int n = 10; n < 40; ++n) many.add(as_bytes(std::to_string(n)), bytes(400));
  detail::run_index_writer index;
  index.add(0, {}, as_bytes("a"));
  index.add(32, as_bytes("kez"), as_bytes("key"));
  bytes two = to_bytes(index.fences());
  detail::append_raw(two, index.separators());
  bytes counted = {std::byte{2}};
  detail::append_raw(counted, two);
  const bytes small = finished(few);
  const std::size_t sums_bytes = detail::sums_head_bytes + 16;
  const std::size_t sums = small.size() - detail::run_footer_bytes - sums_bytes;
  const std::size_t block = sums - detail::fence_bytes - detail::filter_block_bytes;
  return {small,
          finished(many),
          to_bytes(bytes_view(small).first(block)),
          index_of_one(),
          two,
          counted,
          to_bytes(bytes_view(small).subspan(sums, sums_bytes))};
}

}  // namespace lentic::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lentic;
  const bytes_view raw = fuzz::input(data, size);
  fuzz::read(raw);
  fuzz::read(fuzz::with_footer(fuzz::as_block(raw), 1, fuzz::index_of_one()));
  fuzz::read_index(raw);
  fuzz::read_sums(raw);
  return 0;
}
