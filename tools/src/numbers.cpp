// SPDX-License-Identifier: Apache-2.0
#include "numbers.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace lentic::tool {

namespace {

// Reads all of `text`; result_out_of_range stays what it is, leftovers are invalid_argument.
template <class Number>
std::errc read_all(std::string_view text, Number& value) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  return failure != std::errc::invalid_argument && stop != end ? std::errc::invalid_argument
                                                               : failure;
}

template <class Number>
void append_any(std::string& out, Number value) {
  std::array<char, 32> text;
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), written.ptr);
}

}  // namespace

result<number> parse_number(std::string_view text, number_type expected) noexcept {
  if (text.empty()) return make_error_code(errc::empty_field);
  number value;
  if (expected != number_type::float64) {
    const std::errc failure = read_all(text, value.integer);
    if (failure == std::errc()) {
      value.type = number_type::int64;
      return value;
    }
    if (expected == number_type::int64 && failure == std::errc::result_out_of_range) {
      return make_error_code(errc::number_out_of_range);
    }
  }
  const std::errc failure = read_all(text, value.real);
  if (failure == std::errc::result_out_of_range) return make_error_code(errc::number_out_of_range);
  if (failure != std::errc() || !std::isfinite(value.real)) {
    return make_error_code(errc::not_a_number);
  }
  if (expected == number_type::int64) return make_error_code(errc::not_an_integer);
  value.type = number_type::float64;
  return value;
}

void append_number(std::string& out, std::int64_t value) {
  append_any(out, value);
}
void append_number(std::string& out, double value) {
  append_any(out, value);
}

// Sums below 2^53 are doubles, and one division rounds once. Larger ones are divided in fixed
// point, 64 bits before and 64 after the point, the remainder kept as a last bit; converting that
// to double rounds once.
double exact_mean(int128 sum, std::uint64_t count) noexcept {
  constexpr uint128 exact_max = std::uint64_t{1} << 53;
  const uint128 magnitude =
      sum < 0 ? uint128{0} - static_cast<uint128>(sum) : static_cast<uint128>(sum);
  double mean = 0;
  if (magnitude <= exact_max && count <= exact_max) {
    mean = static_cast<double>(magnitude) / static_cast<double>(count);
  } else {
    const uint128 rest = (magnitude % count) << 64;
    uint128 fixed = ((magnitude / count) << 64) | (rest / count);
    if (rest % count != 0) fixed |= 1;
    mean = std::ldexp(static_cast<double>(fixed), -64);
  }
  return sum < 0 ? -mean : mean;
}

}  // namespace lentic::tool
