// SPDX-License-Identifier: Apache-2.0
#pragma once

// A runtime whose engine serves reads from memory: the content of every descriptor is `content`.
// Reads may be short, interrupted, failing, or, at the end, waiting for ever. Completions run in a
// later turn, as the contract of io_engine asks. Threads: one.

#include <lentic/coro/runtime.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

namespace lentic::tool {

class scripted_engine final : public coro::io_engine {
 public:
  using io_engine::io_engine;

  std::string content;
  std::size_t read_bytes_max = ~std::size_t{0};
  bool short_reads = false;     // each read delivers a random part, some are interrupted
  bool waits_at_end = false;    // a pipe whose writer is silent
  std::int64_t fails_with = 0;  // -errno of every read at the end
  std::uint64_t bytes_read = 0;
  std::mt19937 random{1};

  std::string_view name() const noexcept override { return "scripted"; }
  void cancel(coro::io_request& request) override { complete(request, -ECANCELED); }
  coro::result<std::span<const std::byte>> map(int, std::size_t) override {
    return std::make_error_code(std::errc::not_supported);
  }
  void unmap(std::span<const std::byte>) noexcept override {}
  int require_regular(int) noexcept override { return 0; }
  void close_now(int) noexcept override {}

 protected:
  void submit(std::span<coro::io_request* const> chain) override {
    for (coro::io_request* const request : chain) serve(*request);
  }

 private:
  void serve(coro::io_request& request) {
    if (short_reads && random() % 8 == 0) return complete(request, -EINTR);
    const bool stream = request.offset == coro::no_offset;
    const std::uint64_t offset = stream ? stream_position_ : request.offset;
    std::size_t bytes = 0;
    if (offset < content.size()) {
      bytes = std::min(
          {request.bytes, content.size() - static_cast<std::size_t>(offset), read_bytes_max});
      if (short_reads) bytes = 1 + random() % bytes;
    }
    if (bytes == 0 && waits_at_end) return;
    if (bytes == 0 && fails_with != 0) return complete(request, fails_with);
    if (bytes != 0) std::memcpy(request.data, content.data() + offset, bytes);
    if (stream) stream_position_ += bytes;
    bytes_read += bytes;
    complete(request, static_cast<std::int64_t>(bytes));
  }

  std::uint64_t stream_position_ = 0;
};

class scripted_runtime final : public coro::runtime {
 public:
  scripted_engine& io() noexcept override { return engine_; }
  std::int64_t now_ms() noexcept override { return 0; }
  std::int64_t wall_ms() noexcept override { return 0; }
  std::uint64_t random() noexcept override { return 4; }
  void start_timer(coro::timer_request&) override {}
  void cancel_timer(coro::timer_request&) noexcept override {}
  void post(std::function<void()>) override {}
  bool turn() override { return queue_.run(64) != 0; }

 private:
  scripted_engine engine_{queue_};
};

}  // namespace lentic::tool
