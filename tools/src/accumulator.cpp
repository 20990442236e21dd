// SPDX-License-Identifier: Apache-2.0
#include "aggregates.hpp"
#include "big_endian.hpp"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>

namespace lentic::tool {

namespace {

// Accumulator: the parts of its aggregates, in the order of --agg, without gaps.
//
//   count                       8  u64 BE                        rows
//   sum, min, max of int64      8  i64 BE                        two's complement
//   sum, min, max of double     8  bits BE                       IEEE 754 binary64
//   avg of int64               24  i128 BE sum | u64 BE count    exact: 2^64 int64 do not overflow
//   avg of double              16  bits BE sum | u64 BE count
//
// count,sum:F after the rows F = 5 and F = -7 ->
//   00 00 00 00 00 00 00 02 | FF FF FF FF FF FF FF FE
constexpr std::size_t word = 8;

std::size_t part_bytes(aggregate_kind kind, number_type type) noexcept {
  if (kind != aggregate_kind::avg) return word;
  return type == number_type::float64 ? 2 * word : 3 * word;
}

std::int64_t get_int(const std::byte* at) noexcept {
  return static_cast<std::int64_t>(get_be64(at));
}
void put_int(std::byte* at, std::int64_t value) noexcept {
  put_be64(at, static_cast<std::uint64_t>(value));
}
double get_real(const std::byte* at) noexcept {
  return std::bit_cast<double>(get_be64(at));
}
void put_real(std::byte* at, double value) noexcept {
  put_be64(at, std::bit_cast<std::uint64_t>(value));
}
int128 get_int128(const std::byte* at) noexcept {
  return static_cast<int128>(static_cast<uint128>(get_be64(at)) << 64 | get_be64(at + word));
}
void put_int128(std::byte* at, int128 value) noexcept {
  put_be64(at, static_cast<std::uint64_t>(static_cast<uint128>(value) >> 64));
  put_be64(at + word, static_cast<std::uint64_t>(value));
}

// The parts below add one value to what `old` points to; null: this is the first row.

bool add_integer(aggregate_kind kind, const std::byte* old, std::int64_t value, std::byte* out) {
  if (kind == aggregate_kind::avg) {
    put_int128(out, old == nullptr ? value : get_int128(old) + value);
    put_be64(out + 2 * word, old == nullptr ? 1 : get_be64(old + 2 * word) + 1);
    return true;
  }
  std::int64_t combined = value;
  if (old != nullptr) {
    const std::int64_t before = get_int(old);
    if (kind == aggregate_kind::sum) {
      if (__builtin_add_overflow(before, value, &combined)) return false;
    } else if ((kind == aggregate_kind::min) == (before < value)) {
      combined = before;
    }
  }
  put_int(out, combined);
  return true;
}

bool add_real(aggregate_kind kind, const std::byte* old, double value, std::byte* out) {
  double combined = value;
  if (old != nullptr) {
    const double before = get_real(old);
    if (kind == aggregate_kind::sum || kind == aggregate_kind::avg) {
      combined = before + value;
    } else if ((kind == aggregate_kind::min) == (before < value)) {
      combined = before;
    }
  }
  put_real(out, combined);
  if (kind == aggregate_kind::avg) {
    put_be64(out + word, old == nullptr ? 1 : get_be64(old + word) + 1);
  }
  return std::isfinite(combined);
}

// False for bytes that no update can have written: a mean over no rows, a sum that is no number.
bool append_part(std::string& out, aggregate_kind kind, number_type type, const std::byte* at) {
  if (kind == aggregate_kind::count) {
    append_number(out, get_int(at));
    return get_int(at) > 0;
  }
  if (type != number_type::float64) {
    if (kind != aggregate_kind::avg) {
      append_number(out, get_int(at));
      return true;
    }
    const std::uint64_t count = get_be64(at + 2 * word);
    const int128 bound = static_cast<int128>(count) << 63;
    const int128 sum = get_int128(at);
    if (count == 0 || count > INT64_MAX || sum > bound || sum < -bound) return false;
    append_number(out, exact_mean(sum, count));
    return true;
  }
  double value = get_real(at);
  if (kind == aggregate_kind::avg) {
    const std::uint64_t count = get_be64(at + word);
    if (count == 0) return false;
    value /= static_cast<double>(count);
  }
  append_number(out, value);
  return std::isfinite(value);
}

}  // namespace

std::size_t aggregator::value_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const aggregate& item : list_.items) {
    const bool counts = item.kind == aggregate_kind::count;
    bytes += part_bytes(item.kind, counts ? number_type::unknown : types_[item.column]);
  }
  return bytes;
}

result<void> aggregator::update(std::optional<std::span<const std::byte>> old,
                                std::span<const number> row,
                                std::span<std::byte> out) const noexcept {
  assert(out.size() == value_bytes() && row.size() == types_.size());
  if (old && old->size() != out.size()) return make_error_code(errc::bad_record);
  const std::byte* from = old ? old->data() : nullptr;
  std::byte* to = out.data();
  for (const aggregate& item : list_.items) {
    std::size_t bytes = word;
    bool fits = true;
    if (item.kind == aggregate_kind::count) {
      put_be64(to, from == nullptr ? 1 : get_be64(from) + 1);
    } else {
      const number_type type = types_[item.column];
      const number& value = row[item.column];
      bytes = part_bytes(item.kind, type);
      fits = type == number_type::float64 ? add_real(item.kind, from, value.real, to)
                                          : add_integer(item.kind, from, value.integer, to);
    }
    if (!fits) return make_error_code(errc::sum_overflow);
    to += bytes;
    if (from != nullptr) from += bytes;
  }
  return {};
}

result<void> aggregator::render(std::span<const std::byte> value,
                                std::vector<std::string>& columns) const {
  columns.resize(list_.items.size());
  if (value.size() != value_bytes()) return make_error_code(errc::bad_record);
  const std::byte* at = value.data();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const aggregate& item = list_.items[i];
    const number_type type =
        item.kind == aggregate_kind::count ? number_type::unknown : types_[item.column];
    columns[i].clear();
    if (!append_part(columns[i], item.kind, type, at)) return make_error_code(errc::bad_record);
    at += part_bytes(item.kind, type);
  }
  return {};
}

}  // namespace lentic::tool
