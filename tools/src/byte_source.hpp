// SPDX-License-Identifier: Apache-2.0
#pragma once

// byte_source: the bytes of an input in order, a block at a time, whether it is a file, a pipe or a
// gzip stream over either. What a stream is, its first two bytes say, not its name.
//
// Positions count decompressed bytes from the start of the input.
// Errors: next() and skip_to() throw the system's error of a failed read, ECANCELED when the stop
// token asked, errc::gzip_truncated or errc::gzip_corrupt (whose what() names the compressed
// offset, as raw_position() does). Bytes before the damage are delivered first. After an error the
// source only serves its statistics. Lifetime: a source outlives its tasks; the engine and the
// descriptor outlive the source, which closes nothing. A block is valid until the next call.
// Threads: the engine's; resumed through its run queue. Suspends at each read of the descriptor.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace lentic::tool {

inline constexpr std::size_t block_bytes_max = 256U << 10;

class byte_source {
 public:
  using block = std::span<const std::byte>;

  byte_source() = default;
  byte_source(const byte_source&) = delete;
  byte_source& operator=(const byte_source&) = delete;
  virtual ~byte_source() = default;

  // The next bytes, at most `limit` (above zero) of them; empty only at the end.
  virtual coro::task<block> next(std::size_t limit = block_bytes_max) = 0;

  // Goes on at `position`, which is not before position(). Answers where it is: less when the input
  // ends there (a regular file answers `position` even then; next() finds the end). Reads what lies
  // between only where it must: gzip, pipes.
  virtual coro::task<std::uint64_t> skip_to(std::uint64_t position);

  virtual std::uint64_t position() const noexcept = 0;
  // Bytes consumed of the descriptor's content; position() unless compressed.
  virtual std::uint64_t raw_position() const noexcept = 0;
  virtual bool compressed() const noexcept = 0;
};

enum class input_kind { regular_file, stream };

// What to read: a descriptor, and whether it has positions. For a pipe or terminal: stream.
struct source_options {
  int fd = -1;
  input_kind kind = input_kind::regular_file;
  coro::stop_token stop;
};

// Reads the first block, looks for gzip's magic bytes, and answers a source at position 0.
coro::task<std::unique_ptr<byte_source>> open_source(coro::io_engine& engine,
                                                     source_options options);

// The bytes as text, for the readers of records. char may alias any object.
inline std::string_view as_text(byte_source::block bytes) noexcept {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

}  // namespace lentic::tool
