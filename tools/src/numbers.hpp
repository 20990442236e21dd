// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers of a row: int64 or double, and how both are read and written. A column's type is fixed by
// its first good row; until then it is `unknown`.
// Threads: pure functions.

#include "errors.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

// On disk. Never renumber.
enum class number_type : std::uint8_t { unknown = 0, int64 = 1, float64 = 2 };

// The member that `type` names holds the value.
struct number {
  number_type type = number_type::unknown;
  std::int64_t integer = 0;
  double real = 0;
};

// The whole of `text`, without spaces and without a leading plus. An unknown type becomes int64
// when the text is an integer that fits, else double; a double column takes integers too.
// Infinities and NaN are not numbers. Errors: empty_field, not_a_number, not_an_integer,
// number_out_of_range.
result<number> parse_number(std::string_view text, number_type expected) noexcept;

// An integer in full, a double with the fewest digits that read back as the same double.
void append_number(std::string& out, std::int64_t value);
void append_number(std::string& out, double value);

// 128 bits hold the sum of 2^63 int64. No ISO type: hence the extension mark.
__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

// sum / count, correctly rounded to the nearest double, ties to even. Precondition: 0 < count, and
// |sum| <= count * 2^63.
double exact_mean(int128 sum, std::uint64_t count) noexcept;

}  // namespace lentic::tool
