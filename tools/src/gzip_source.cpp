// SPDX-License-Identifier: Apache-2.0
#include "gzip_source.hpp"

#include "errors.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include <zlib.h>

namespace lentic::tool {

namespace {

constexpr int gzip_only = 16 + MAX_WBITS;  // zlib.h, inflateInit2: no zlib or raw streams

Bytef* as_bytef(const std::byte* bytes) noexcept {
  return static_cast<Bytef*>(static_cast<void*>(const_cast<std::byte*>(bytes)));
}

}  // namespace

struct gzip_source::inflater {
  inflater() {
    if (inflateInit2(&stream, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { inflateEnd(&stream); }

  z_stream stream{};
};

gzip_source::gzip_source(std::unique_ptr<byte_source> inner)
    : inner_(std::move(inner)), inflater_(std::make_unique<inflater>()), output_(block_bytes_max) {}

gzip_source::~gzip_source() = default;

std::uint64_t gzip_source::raw_position() const noexcept {
  return inner_->raw_position() - inflater_->stream.avail_in;
}

coro::task<byte_source::block> gzip_source::next(std::size_t limit) {
  while (true) {
    const std::size_t bytes = inflate_some(limit);
    if (bytes != 0) {
      position_ += bytes;
      co_return block(output_).first(bytes);
    }
    if (damaged_) refuse_damage();
    const block more = co_await inner_->next(block_bytes_max);
    if (more.empty() && in_member_) refuse_end();
    if (more.empty()) co_return block();
    inflater_->stream.next_in = as_bytef(more.data());
    inflater_->stream.avail_in = static_cast<uInt>(more.size());
  }
}

// Decompresses what it can, across members. 0: more input is needed, or damaged_.
std::size_t gzip_source::inflate_some(std::size_t limit) {
  z_stream& stream = inflater_->stream;
  const std::size_t room = std::min(limit, output_.size());
  stream.next_out = as_bytef(output_.data());
  stream.avail_out = static_cast<uInt>(room);
  // With the input used up zlib may still hold output back; Z_BUF_ERROR says that it holds none.
  while (stream.avail_out != 0 && !damaged_ && (in_member_ || stream.avail_in != 0)) {
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    in_member_ = outcome != Z_STREAM_END;
    if (outcome == Z_STREAM_END) {
      inflateReset(&stream);
    } else if (outcome == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (outcome == Z_BUF_ERROR) {
      break;
    } else if (outcome != Z_OK) {
      damaged_ = true;
    }
  }
  return room - stream.avail_out;
}

void gzip_source::refuse_damage() const {
  throw std::system_error(make_error_code(errc::gzip_corrupt),
                          "compressed byte " + std::to_string(raw_position()));
}

void gzip_source::refuse_end() const {
  throw std::system_error(make_error_code(errc::gzip_truncated),
                          "compressed byte " + std::to_string(raw_position()));
}

}  // namespace lentic::tool
