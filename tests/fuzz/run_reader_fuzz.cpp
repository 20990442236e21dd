// SPDX-License-Identifier: Apache-2.0
// Run files: as they are; as the one block of a run whose index and footer hold; as an index behind
// a footer that holds. A reader answers rows that lie inside the file, or errc::damaged.
#include "codec.hpp"
#include "crc32c.hpp"
#include "fuzz_target.hpp"
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

void walk(detail::run_reader& run, bytes_view file, direction order) {
  detail::walk_start start;
  start.order = order;
  try {
    const auto rows = run.walk(start);
    for (; rows->current() != nullptr; rows->advance()) {
      check_inside(rows->current()->key, file);
      check_inside(rows->current()->value, file);
    }
  } catch (const std::system_error& error) {
    check(error.code() == errc::damaged);
  }
}

void read(bytes_view file) {
  auto opened = detail::run_reader::open(file, identity(), "fuzz.run");
  if (!opened) return;
  detail::run_reader& run = **opened;
  walk(run, file, direction::forward);
  walk(run, file, direction::backward);
  for (const char* const key : {"", "k", "\xff\xff"}) {
    try {
      const std::optional<bytes_view> found = run.find(as_bytes(key));
      if (found) check_inside(*found, file);
    } catch (const std::system_error& error) {
      check(error.code() == errc::damaged);
    }
  }
}

bytes with_footer(bytes_view blocks, bytes_view index) {
  bytes raw = to_bytes(blocks);
  detail::append_raw(raw, index);
  bytes footer = to_bytes("LRUN");
  append_le(footer, detail::run_format);
  append_le(footer, std::uint16_t{0});
  append_le(footer, identity().environment);
  append_le(footer, identity().store);
  append_le(footer, identity().segment);
  append_le(footer, identity().generation);
  append_le(footer, std::uint64_t{1});
  append_le(footer, std::uint64_t{1});
  append_le(footer, static_cast<std::uint64_t>(blocks.size()));
  append_le(footer, static_cast<std::uint64_t>(index.size()));
  append_le(footer, detail::crc32c(index));
  append_le(footer, detail::crc32c(footer));
  detail::append_raw(raw, footer);
  return raw;
}

bytes index_of_one(bytes_view block) {
  bytes index;
  detail::append_varint(index, 0);
  detail::append_varint(index, block.size());
  append_le(index, detail::crc32c(block));
  detail::append_string(index, {});
  return index;
}

}  // namespace

std::vector<bytes> seeds() {
  detail::run_writer few(identity());
  few.add(as_bytes("k"), as_bytes("value"));
  few.add(as_bytes("key"), {});
  few.finish();
  detail::run_writer many(identity());
  for (int n = 10; n < 40; ++n) many.add(as_bytes(std::to_string(n)), bytes(400));
  many.finish();
  const bytes small = few.take();
  return {small, many.take(), to_bytes(bytes_view(small).first(12)), index_of_one(bytes(64))};
}

}  // namespace lentic::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lentic;
  const bytes_view raw = fuzz::input(data, size);
  fuzz::read(raw);
  fuzz::read(fuzz::with_footer(raw, fuzz::index_of_one(raw)));
  fuzz::read(fuzz::with_footer(bytes(64), raw));
  return 0;
}
