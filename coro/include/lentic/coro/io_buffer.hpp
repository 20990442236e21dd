// SPDX-License-Identifier: Apache-2.0
#pragma once

// io_buffer: memory for one operation: lent by the engine, which reaches what it lends more cheaply
// (io_uring has those pages pinned once and for all), or allocated where it lends none.
//
// Errors: std::bad_alloc. Threads: the engine's. Lifetime: the engine outlives it, and it outlives
// the operation.

#include <lentic/coro/io_engine.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace lentic::coro {

class io_buffer {
 public:
  io_buffer(io_engine& engine, std::size_t bytes)
      : engine_(&engine), lent_(engine.lend(bytes)), bytes_(bytes) {
    if (lent_ == nullptr) own_.reset(new std::byte[bytes]);
  }
  io_buffer(const io_buffer&) = delete;
  io_buffer& operator=(const io_buffer&) = delete;
  ~io_buffer() {
    if (lent_ != nullptr) engine_->take_back(lent_);
  }

  std::span<std::byte> span() const noexcept { return {lent_ ? lent_ : own_.get(), bytes_}; }
  bool is_lent() const noexcept { return lent_ != nullptr; }

 private:
  io_engine* engine_;
  std::byte* lent_;
  std::size_t bytes_;
  std::unique_ptr<std::byte[]> own_;
};

}  // namespace lentic::coro
