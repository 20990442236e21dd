// SPDX-License-Identifier: Apache-2.0
#pragma once

// The aggregates of --agg: their list as text, the types of their columns, and the accumulator, a
// string of bytes that a window store keeps for each key and window.
//
// Threads: none synchronised; const members may be called from several.
// Not promised: a sum of doubles that does not depend on the order of rows.

#include "errors.hpp"
#include "numbers.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::tool {

enum class aggregate_kind { count, sum, min, max, avg };

struct aggregate {
  aggregate_kind kind = aggregate_kind::count;
  std::string name;        // as given: "count", "sum:delay"
  std::size_t column = 0;  // index into aggregate_list::columns; unused by count
};

struct aggregate_list {
  std::vector<aggregate> items;
  std::vector<std::string> columns;  // the distinct fields, in the order of their first use
};

// "count,sum:F,min:F,max:F,avg:F". A field is everything after the colon, up to a comma.
// Throws usage_error: an unknown function (with the nearest known one), a missing or needless
// field, an empty list, a repeated aggregate.
aggregate_list parse_aggregates(std::string_view text);

// The names joined by commas. Reads back as the same list.
std::string aggregates_text(const aggregate_list& list);

// The names, in order.
std::vector<std::string> aggregate_names(const aggregate_list& list);

class aggregator {
 public:
  explicit aggregator(aggregate_list list);

  const aggregate_list& list() const noexcept { return list_; }
  std::size_t column_count() const noexcept { return types_.size(); }
  std::span<const number_type> types() const noexcept { return types_; }

  // The number of a column in one row, under the column's type so far. Changes nothing.
  result<number> read(std::size_t column, std::string_view text) const noexcept;
  // Fixes the types that are still unknown. Call it once a row is good in every other respect and
  // before update(): a first row cannot overflow. Precondition: one number a column.
  void fix_types(std::span<const number> row) noexcept;

  // The types as bytes, one a column; what restore_types() accepts.
  std::string encode_types() const;
  // Error: bad_record, and then nothing has changed.
  result<void> restore_types(std::string_view bytes) noexcept;

  // Size of an accumulator. Precondition: the types are fixed, or there are no columns.
  std::size_t value_bytes() const noexcept;

  // Writes what becomes of `old` (none: no row yet) with one row more. `old` and `out` do not
  // overlap. Errors: sum_overflow, bad_record (an `old` of another size); `out` is then undefined.
  // Precondition: out.size() == value_bytes(). No allocation.
  result<void> update(std::optional<std::span<const std::byte>> old, std::span<const number> row,
                      std::span<std::byte> out) const noexcept;

  // One text an aggregate, in order. Error: bad_record. Reuses the strings' memory.
  result<void> render(std::span<const std::byte> value, std::vector<std::string>& columns) const;

 private:
  aggregate_list list_;
  std::vector<number_type> types_;
};

}  // namespace lentic::tool
