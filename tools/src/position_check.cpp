// SPDX-License-Identifier: Apache-2.0
#include "position_check.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lentic::tool {

namespace {

// Appends the source's bytes to `out`, from its position up to `end` or the end of the input.
coro::task<void> read_to(byte_source& source, std::uint64_t end, std::string& out) {
  while (source.position() < end) {
    const std::uint64_t left = end - source.position();
    const auto limit = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_bytes_max));
    const byte_source::block bytes = co_await source.next(limit);
    if (bytes.empty()) co_return;
    out.append(as_text(bytes));
  }
}

// The line end that follows a row without one: "", "\n", "\r\n", or the first bytes of what the row
// has grown by.
coro::task<std::string> read_line_end(byte_source& source) {
  std::string bytes;
  co_await read_to(source, source.position() + 1, bytes);
  if (bytes == "\r") {
    co_await read_to(source, source.position() + 1, bytes);
  }
  co_return std::move(bytes);
}

std::string_view last_bytes(std::string_view text) noexcept {
  return text.substr(text.size() - std::min(text.size(), proof_tail_bytes_max));
}

}  // namespace

coro::task<resume_point> check_position(byte_source& source, input_position stored) {
  resume_point point;
  point.position = stored;
  const std::uint64_t proven = std::min<std::uint64_t>(stored.bytes, proof_head_bytes_max);
  const std::uint64_t head_end = std::max(proven, stored.header_bytes);
  co_await read_to(source, head_end, point.head);

  std::string tail(last_bytes(point.head));
  const std::uint64_t tail_begin =
      stored.bytes - std::min<std::uint64_t>(stored.bytes, proof_tail_bytes_max);
  if (tail_begin > source.position()) {
    tail.clear();
    co_await source.skip_to(tail_begin);
  }
  co_await read_to(source, stored.bytes, tail);
  tail = last_bytes(tail);
  if (source.position() < stored.bytes || tail.size() < stored.bytes - tail_begin) {
    point.refusal = make_error_code(errc::input_shorter);
    co_return std::move(point);
  }
  const std::string_view head(point.head.data(), static_cast<std::size_t>(proven));
  if (sha256(head) != stored.proof.head || sha256(tail) != stored.proof.tail) {
    point.refusal = make_error_code(errc::input_changed);
    co_return std::move(point);
  }
  point.proof = proof_tracker(stored.bytes, head, tail);
  if (stored.terminated) co_return std::move(point);

  const std::string line_end = co_await read_line_end(source);
  if (line_end == "\n" || line_end == "\r\n") {
    std::string longer(head);
    longer.append(line_end, 0, proof_head_bytes_max - longer.size());
    tail += line_end;
    point.position.bytes += line_end.size();
    point.position.line += 1;
    point.position.terminated = true;
    point.proof = proof_tracker(point.position.bytes, longer, last_bytes(tail));
    point.position.proof = point.proof.prove(point.position.bytes);
  } else if (!line_end.empty()) {
    point.refusal = make_error_code(errc::last_line_grown);
  }
  co_return std::move(point);
}

}  // namespace lentic::tool
