// SPDX-License-Identifier: Apache-2.0
#pragma once

// gzip_source: the decompressed bytes of a gzip stream of one or more members (RFC 1952). What
// follows the last member must be another member: anything else is damage.
// Threads, errors and lifetime: byte_source. Memory: two blocks and zlib's window, whatever the
// stream claims to hold.

#include "byte_source.hpp"

#include <memory>
#include <vector>

namespace lentic::tool {

class gzip_source final : public byte_source {
 public:
  explicit gzip_source(std::unique_ptr<byte_source> inner);
  ~gzip_source() override;

  coro::task<block> next(std::size_t limit) override;
  std::uint64_t position() const noexcept override { return position_; }
  std::uint64_t raw_position() const noexcept override;
  bool compressed() const noexcept override { return true; }

 private:
  struct inflater;

  std::size_t inflate_some(std::size_t limit);
  [[noreturn]] void refuse_damage() const;
  [[noreturn]] void refuse_end() const;

  std::unique_ptr<byte_source> inner_;
  std::unique_ptr<inflater> inflater_;
  std::vector<std::byte> output_;
  std::uint64_t position_ = 0;
  bool in_member_ = false;  // a member has begun and its trailer has not been seen
  bool damaged_ = false;
};

}  // namespace lentic::tool
