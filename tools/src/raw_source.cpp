// SPDX-License-Identifier: Apache-2.0
#include "raw_source.hpp"

#include <lentic/coro/io_op.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace lentic::tool {

raw_source::raw_source(coro::io_engine& engine, const source_options& options)
    : engine_(engine), options_(options), buffer_(block_bytes_max) {}

// Reads once behind what is buffered. Answers 0 at the end of the input.
coro::task<std::size_t> raw_source::read_more() {
  if (begin_ == end_) begin_ = end_ = 0;
  coro::io_request request;
  request.kind = coro::io_kind::read;
  request.fd = options_.fd;
  request.data = buffer_.data() + end_;
  request.bytes = buffer_.size() - end_;
  const bool stream = options_.kind == input_kind::stream;
  request.offset = stream ? coro::no_offset : position_ + (end_ - begin_);
  std::int64_t outcome = -EINTR;
  while (outcome == -EINTR) {
    outcome = co_await coro::io_op(engine_, request, options_.stop);
  }
  if (outcome < 0) {
    throw std::system_error(static_cast<int>(-outcome), std::system_category(), "read");
  }
  end_ += static_cast<std::size_t>(outcome);
  co_return static_cast<std::size_t>(outcome);
}

coro::task<byte_source::block> raw_source::next(std::size_t limit) {
  if (begin_ == end_) {
    co_await read_more();
  }
  const block handed = buffered().first(std::min(limit, end_ - begin_));
  begin_ += handed.size();
  position_ += handed.size();
  co_return handed;
}

coro::task<byte_source::block> raw_source::peek(std::size_t bytes) {
  while (end_ - begin_ < bytes) {
    const std::size_t more = co_await read_more();
    if (more == 0) break;
  }
  co_return buffered();
}

coro::task<std::uint64_t> raw_source::skip_to(std::uint64_t position) {
  const std::uint64_t distance = position - position_;
  if (distance <= end_ - begin_) {
    begin_ += static_cast<std::size_t>(distance);
  } else if (options_.kind == input_kind::regular_file) {
    begin_ = end_ = 0;
  } else {
    const std::uint64_t reached = co_await byte_source::skip_to(position);
    co_return reached;
  }
  position_ = position;
  co_return position;
}

}  // namespace lentic::tool
