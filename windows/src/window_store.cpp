// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/windows/window_store.hpp>

#include <string>
#include <utility>

namespace lentic::windows {

namespace {

constexpr std::byte state_version{1};

}  // namespace

// Window store state, 17 bytes.
//
//   0         1                            9                    17
//   +---------+----------------------------+--------------------+
//   | version | observed_stream_time_ms BE | expired_dropped BE |
//   +---------+----------------------------+--------------------+
//
// (stream time 5, 2 dropped) -> 01 | 00 00 00 00 00 00 00 05 | 00 00 00 00 00 00 00 02
// Stream time is -1 before the first put. On disk: the version is never reused.
void window_store_state::append_to(bytes& to) const {
  to.push_back(state_version);
  append_be(to, observed_stream_time_ms);
  append_be(to, expired_dropped);
}

result<window_store_state> window_store_state::decode(bytes_view raw) noexcept {
  if (raw.size() != encoded_bytes) return make_error_code(errc::damaged);
  if (raw[0] != state_version) return make_error_code(errc::newer_format);
  window_store_state state;
  state.observed_stream_time_ms = load_be<std::int64_t>(raw.data() + 1);
  state.expired_dropped = load_be<std::uint64_t>(raw.data() + 9);
  if (state.observed_stream_time_ms < -1) return make_error_code(errc::damaged);
  return state;
}

void window_store::check_alignment(std::int64_t start_ms) const {
  if (start_ms == aligned_ms_) return;
  const std::int64_t alignment_ms = start_alignment_ms();
  if (alignment_ms == 0 || start_ms % alignment_ms == 0) {
    aligned_ms_ = start_ms;
    return;
  }
  fail(errc::invalid_argument, "window start " + std::to_string(start_ms) + " is no multiple of "
                                   + std::to_string(alignment_ms));
}

task<std::vector<window_entry>> window_store::fetch(bytes_view key, std::int64_t from_ms,
                                                    std::int64_t to_ms) {
  return collect(fetch_rows(key, time_range{from_ms, to_ms}));
}

window_cursor window_store::fetch_rows(bytes_view key, time_range starts, direction order) {
  return scan(key_selection::one(key), starts, order);
}

window_cursor window_store::fetch_all(time_range starts, direction order) {
  return scan(key_selection::all(), starts, order);
}

task<std::vector<window_entry>> collect(window_cursor rows) {
  std::vector<window_entry> entries;
  for (;;) {
    const std::span<const window_row> block = co_await rows.next();
    if (block.empty()) break;
    for (const window_row& found : block) entries.emplace_back(found);
  }
  co_return entries;
}

}  // namespace lentic::windows
