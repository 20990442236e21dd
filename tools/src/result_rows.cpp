// SPDX-License-Identifier: Apache-2.0
#include "result_rows.hpp"

#include <utility>

namespace lentic::tool {

namespace {

row_kind kind_of(const run_options& options) {
  return options.emit == emit_kind::close ? row_kind::windows : row_kind::changes;
}

}  // namespace

result_rows::result_rows(const run_options& options, const aggregator& values)
    : values_(values),
      kind_(kind_of(options)),
      writer_(options.output, options.times, kind_, options.key_field,
              aggregate_names(options.aggregates)) {}

std::string result_rows::header() const {
  std::string text;
  writer_.header(text);
  return text;
}

// One text an aggregate into texts_; empty ones for no value.
void result_rows::render(const std::optional<bytes>& value) {
  if (value) return values_.render(*value, texts_).value();
  texts_.resize(values_.list().items.size());
  for (std::string& each : texts_) each.clear();
}

void result_rows::add(const window_change& told, std::string& out) {
  output_row row;
  row.key = told.key.key;
  row.window_start_ms = told.key.start_ms;
  row.window_end_ms = told.key.end_ms;
  if (tells_changes()) {
    render(told.value.old_value);
    std::swap(texts_, old_texts_);
  }
  render(told.value.new_value);
  row.values = texts_;
  if (tells_changes()) {
    cells_.resize(2 * texts_.size());
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      std::swap(cells_[2 * i], old_texts_[i]);
      std::swap(cells_[2 * i + 1], texts_[i]);
    }
    row.values = cells_;
    row.seq = rows_ + 1;
    if (!told.value.old_value) ++windows_;
  }
  writer_.row(out, row);
  ++rows_;
}

void result_rows::add(const windows::window_result& window, std::string& out) {
  values_.render(window.value, texts_).value();
  output_row row;
  row.key = as_text(window.key);
  row.window_start_ms = window.start_ms;
  row.window_end_ms = window.end_ms;
  row.values = texts_;
  writer_.row(out, row);
  ++rows_;
}

}  // namespace lentic::tool
