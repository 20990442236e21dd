// SPDX-License-Identifier: Apache-2.0
#include "aggregates.hpp"

#include "suggest.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lentic::tool {

namespace {

struct function {
  std::string_view name;
  aggregate_kind kind;
};

constexpr std::array<function, 5> functions{{{"count", aggregate_kind::count},
                                             {"sum", aggregate_kind::sum},
                                             {"min", aggregate_kind::min},
                                             {"max", aggregate_kind::max},
                                             {"avg", aggregate_kind::avg}}};

constexpr const char* forms = "want a list of count, sum:FIELD, min:FIELD, max:FIELD, avg:FIELD";

aggregate_kind kind_of(std::string_view name) {
  std::array<std::string_view, functions.size()> names;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].name == name) return functions[i].kind;
    names[i] = functions[i].name;
  }
  const std::string guess = did_you_mean(name, names);
  throw usage_error("--agg: no function " + in_quotes(name) + (guess.empty() ? "" : "; " + guess),
                    forms);
}

std::size_t column_of(aggregate_list& list, std::string_view field) {
  const auto found = std::find(list.columns.begin(), list.columns.end(), field);
  const auto index = static_cast<std::size_t>(found - list.columns.begin());
  if (found == list.columns.end()) list.columns.emplace_back(field);
  return index;
}

void add(aggregate_list& list, std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view field = colon == text.npos ? "" : text.substr(colon + 1);
  if (text.empty()) throw usage_error("--agg: an empty aggregate", forms);
  aggregate item;
  item.kind = kind_of(name);
  item.name = text;
  const bool counts = item.kind == aggregate_kind::count;
  if (counts && colon != text.npos) throw usage_error("--agg: count takes no field", forms);
  if (!counts && field.empty()) {
    throw usage_error("--agg: " + std::string(name) + " needs a field", forms);
  }
  for (const aggregate& other : list.items) {
    if (other.name == text)
      throw usage_error("--agg: " + in_quotes(text) + " is there twice", forms);
  }
  if (!counts) item.column = column_of(list, field);
  list.items.push_back(std::move(item));
}

}  // namespace

aggregate_list parse_aggregates(std::string_view text) {
  aggregate_list list;
  for (std::size_t comma = text.find(','); comma != text.npos; comma = text.find(',')) {
    add(list, text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  add(list, text);
  return list;
}

std::vector<std::string> aggregate_names(const aggregate_list& list) {
  std::vector<std::string> names;
  names.reserve(list.items.size());
  for (const aggregate& each : list.items) names.push_back(each.name);
  return names;
}

std::string aggregates_text(const aggregate_list& list) {
  std::string text;
  for (const aggregate& item : list.items) {
    if (!text.empty()) text += ',';
    text += item.name;
  }
  return text;
}

aggregator::aggregator(aggregate_list list)
    : list_(std::move(list)), types_(list_.columns.size(), number_type::unknown) {}

result<number> aggregator::read(std::size_t column, std::string_view text) const noexcept {
  return parse_number(text, types_[column]);
}

void aggregator::fix_types(std::span<const number> row) noexcept {
  for (std::size_t i = 0; i < types_.size(); ++i) {
    if (types_[i] == number_type::unknown) types_[i] = row[i].type;
  }
}

std::string aggregator::encode_types() const {
  std::string bytes;
  for (const number_type type : types_) bytes.push_back(static_cast<char>(type));
  return bytes;
}

result<void> aggregator::restore_types(std::string_view bytes) noexcept {
  if (bytes.size() != types_.size()) return make_error_code(errc::bad_record);
  for (const char byte : bytes) {
    if (byte < 0 || byte > static_cast<char>(number_type::float64)) {
      return make_error_code(errc::bad_record);
    }
  }
  for (std::size_t i = 0; i < types_.size(); ++i) types_[i] = static_cast<number_type>(bytes[i]);
  return {};
}

}  // namespace lentic::tool
