// SPDX-License-Identifier: Apache-2.0
#include "duration_text.hpp"

#include "time_text.hpp"

#include <array>
#include <charconv>
#include <system_error>

namespace lentic::tool {

namespace {

struct unit {
  std::string_view name;
  std::int64_t ms;
};

constexpr std::array<unit, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

// A whole number at the front of `text`, which is left with what follows. -1 when there is none;
// INT64_MAX when it is too large.
std::int64_t take_number(std::string_view& text) noexcept {
  std::int64_t value = -1;
  if (text.empty() || text.front() < '0' || text.front() > '9') return -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return failure == std::errc::result_out_of_range ? INT64_MAX : value;
}

}  // namespace

result<std::int64_t> parse_duration(std::string_view text) noexcept {
  if (text == "0") return std::int64_t{0};
  const std::int64_t count = take_number(text);
  if (count < 0) return make_error_code(errc::not_a_duration);
  for (const unit& each : units) {
    if (text != each.name) continue;
    if (count > time_ms_max / each.ms) return make_error_code(errc::duration_too_long);
    return count * each.ms;
  }
  return make_error_code(errc::not_a_duration);
}

result<commit_interval> parse_commit_interval(std::string_view text) noexcept {
  std::string_view rest = text;
  const std::int64_t count = take_number(rest);
  if (count == 0) return make_error_code(errc::not_a_commit_interval);
  if (count > 0 && rest == "rows") return commit_interval{commit_unit::rows, count};
  const result<std::int64_t> duration = parse_duration(text);
  if (duration.error() == errc::duration_too_long) return duration.error();
  if (!duration) return make_error_code(errc::not_a_commit_interval);
  return commit_interval{commit_unit::ms, *duration};
}

result<window_spec> parse_window(std::string_view text) noexcept {
  constexpr std::string_view tumbling = "tumbling:";
  constexpr std::string_view hopping = "hopping:";
  window_spec window;
  std::string_view size;
  std::string_view advance;
  if (text.starts_with(tumbling)) {
    size = advance = text.substr(tumbling.size());
  } else if (text.starts_with(hopping) && text.find('/') != text.npos) {
    window.kind = window_kind::hopping;
    size = text.substr(hopping.size(), text.find('/') - hopping.size());
    advance = text.substr(text.find('/') + 1);
  } else {
    return make_error_code(errc::not_a_window);
  }
  const result<std::int64_t> size_ms = parse_duration(size);
  if (!size_ms) return size_ms.error();
  const result<std::int64_t> advance_ms = parse_duration(advance);
  if (!advance_ms) return advance_ms.error();
  if (*advance_ms == 0 || *advance_ms > *size_ms) return make_error_code(errc::not_a_window);
  window.size_ms = *size_ms;
  window.advance_ms = *advance_ms;
  return window;
}

std::string duration_text(std::int64_t duration_ms) {
  for (const unit& each : units) {
    if (duration_ms % each.ms == 0 && (duration_ms != 0 || each.ms == 1)) {
      return std::to_string(duration_ms / each.ms).append(each.name);
    }
  }
  return {};
}

std::string window_text(const window_spec& window) {
  if (window.kind == window_kind::tumbling) return "tumbling:" + duration_text(window.size_ms);
  return "hopping:" + duration_text(window.size_ms) + "/" + duration_text(window.advance_ms);
}

}  // namespace lentic::tool
