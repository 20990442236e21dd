// SPDX-License-Identifier: Apache-2.0
#include "time_text.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <system_error>

namespace lentic::tool {

namespace {

constexpr std::int64_t ms_per_minute = 60'000;
constexpr std::int64_t ms_per_day = 86'400'000;

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Reads from the front of a text; after a failed step every later one fails too.
class cursor {
 public:
  explicit cursor(std::string_view text) noexcept : rest_(text) {}

  // Exactly `count` digits, as a number of at most `max`.
  int number(std::size_t count, int max) noexcept {
    if (rest_.size() < count) return fail();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value <= max ? value : fail();
  }
  bool take(char expected) noexcept {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char expected) noexcept {
    if (!take(expected)) fail();
  }
  // A fraction of a second in milliseconds; any number of digits, at least one.
  int fraction_ms() noexcept {
    if (rest_.empty() || !is_digit(rest_.front())) return fail();
    int value = 0;
    for (int weight = 100; !rest_.empty() && is_digit(rest_.front()); weight /= 10) {
      value += (rest_.front() - '0') * weight;
      rest_.remove_prefix(1);
    }
    return value;
  }
  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return rest_.empty(); }

 private:
  int fail() noexcept {
    good_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool good_ = true;
};

// The date as milliseconds since 1970 at midnight; fails for the 30th of February.
std::int64_t read_date(cursor& in, bool& exists) noexcept {
  const int year = in.number(4, 9999);
  in.expect('-');
  const int month = in.number(2, 12);
  in.expect('-');
  const int day = in.number(2, 31);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  exists = date.ok();
  return exists ? std::chrono::sys_days(date).time_since_epoch().count() * ms_per_day : 0;
}

std::int64_t read_clock(cursor& in) noexcept {
  const int hours = in.number(2, 23);
  in.expect(':');
  const int minutes = in.number(2, 59);
  int seconds = 0;
  int fraction = 0;
  if (in.take(':')) {
    seconds = in.number(2, 59);
    if (in.take('.')) fraction = in.fraction_ms();
  }
  return (std::int64_t{hours} * 60 + minutes) * ms_per_minute + std::int64_t{seconds} * 1000
       + fraction;
}

std::int64_t read_offset(cursor& in, bool east) noexcept {
  const int hours = in.number(2, 23);
  in.expect(':');
  const int minutes = in.number(2, 59);
  const std::int64_t offset = (hours * 60 + minutes) * ms_per_minute;
  return east ? offset : -offset;
}

result<std::int64_t> in_range(std::int64_t time_ms) noexcept {
  if (time_ms < 0) return make_error_code(errc::time_before_1970);
  if (time_ms > time_ms_max) return make_error_code(errc::time_past_9999);
  return time_ms;
}

bool looks_like_ms(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  if (text.empty()) return false;
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

result<std::int64_t> parse_ms(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc::result_out_of_range) {
    return make_error_code(text.front() == '-' ? errc::time_before_1970 : errc::time_past_9999);
  }
  return in_range(value);
}

void put_digits(char* at, std::int64_t value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

result<std::int64_t> parse_time(std::string_view text) noexcept {
  if (looks_like_ms(text)) return parse_ms(text);
  cursor in(text);
  bool exists = false;
  const std::int64_t date = read_date(in, exists);
  if (!in.take('T') && !in.take('t')) in.expect(' ');
  const std::int64_t clock = read_clock(in);
  if (!in.good() || !exists) return make_error_code(errc::not_a_time);
  if (in.at_end()) return make_error_code(errc::time_without_zone);
  std::int64_t offset = 0;
  if (!in.take('Z') && !in.take('z')) {
    const bool east = in.take('+');
    if (!east) in.expect('-');
    offset = read_offset(in, east);
  }
  if (!in.good() || !in.at_end()) return make_error_code(errc::not_a_time);
  return in_range(date + clock - offset);
}

void append_time(std::string& out, std::int64_t time_ms, time_format format) {
  if (format == time_format::ms || time_ms < 0 || time_ms > time_ms_max) {
    std::array<char, 24> number;
    const auto written = std::to_chars(number.data(), number.data() + number.size(), time_ms);
    out.append(number.data(), written.ptr);
    return;
  }
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(time_ms / ms_per_day))};
  const std::int64_t clock = time_ms % ms_per_day;
  std::array<char, 24> text{"0000-00-00T00:00:00.000"};
  put_digits(&text[0], static_cast<int>(date.year()), 4);
  put_digits(&text[5], static_cast<unsigned>(date.month()), 2);
  put_digits(&text[8], static_cast<unsigned>(date.day()), 2);
  put_digits(&text[11], clock / 3'600'000, 2);
  put_digits(&text[14], clock / ms_per_minute % 60, 2);
  put_digits(&text[17], clock / 1000 % 60, 2);
  put_digits(&text[20], clock % 1000, 3);
  out.append(text.data(), clock % 1000 != 0 ? 23 : 19);
  out.push_back('Z');
}

}  // namespace lentic::tool
