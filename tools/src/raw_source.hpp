// SPDX-License-Identifier: Apache-2.0
#pragma once

// raw_source: the bytes of a descriptor as they are. Threads, errors and lifetime: byte_source.

#include "byte_source.hpp"

#include <vector>

namespace lentic::tool {

class raw_source final : public byte_source {
 public:
  raw_source(coro::io_engine& engine, const source_options& options);

  coro::task<block> next(std::size_t limit) override;
  coro::task<std::uint64_t> skip_to(std::uint64_t position) override;
  std::uint64_t position() const noexcept override { return position_; }
  std::uint64_t raw_position() const noexcept override { return position_; }
  bool compressed() const noexcept override { return false; }

  // The first bytes of the input, at least `bytes` (at most block_bytes_max) unless it ends before.
  // next() hands them out again. Precondition: nothing was handed out yet.
  coro::task<block> peek(std::size_t bytes);

 private:
  coro::task<std::size_t> read_more();
  block buffered() const noexcept { return block(buffer_).subspan(begin_, end_ - begin_); }

  coro::io_engine& engine_;
  source_options options_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // [begin_, end_) of the buffer is read and not yet handed out
  std::size_t end_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace lentic::tool
