// SPDX-License-Identifier: Apache-2.0
#include "byte_source.hpp"

#include "gzip_source.hpp"
#include "raw_source.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lentic::tool {

namespace {

constexpr std::array<std::byte, 2> gzip_magic{std::byte{0x1F}, std::byte{0x8B}};

bool is_gzip(byte_source::block front) noexcept {
  return front.size() >= gzip_magic.size()
      && std::equal(gzip_magic.begin(), gzip_magic.end(), front.begin());
}

}  // namespace

coro::task<std::uint64_t> byte_source::skip_to(std::uint64_t wanted) {
  while (position() < wanted) {
    const std::uint64_t left = wanted - position();
    const auto limit = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_bytes_max));
    const block skipped = co_await next(limit);
    if (skipped.empty()) break;
  }
  co_return position();
}

coro::task<std::unique_ptr<byte_source>> open_source(coro::io_engine& engine,
                                                     source_options options) {
  auto raw = std::make_unique<raw_source>(engine, options);
  const byte_source::block front = co_await raw->peek(gzip_magic.size());
  std::unique_ptr<byte_source> source = std::move(raw);
  if (is_gzip(front)) source = std::make_unique<gzip_source>(std::move(source));
  co_return std::move(source);
}

}  // namespace lentic::tool
