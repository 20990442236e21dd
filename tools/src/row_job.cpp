// SPDX-License-Identifier: Apache-2.0
#include "row_job.hpp"

#include <lentic/errc.hpp>

#include <algorithm>

namespace lentic::tool {

namespace {

windows::time_windows windows_of(const run_options& options) {
  windows::time_windows_options chosen;
  chosen.size_ms = options.window.size_ms;
  chosen.advance_ms = options.window.advance_ms;
  chosen.grace_ms = options.grace_ms;
  return windows::time_windows::make(chosen).value();
}

}  // namespace

row_job::row_job(windows::window_store& store, const run_options& options)
    : options_(options),
      aggregator_(options.aggregates),
      aggregation_(store, windows_of(options)),
      writer_(options.output, options.times, row_kind::windows, options.key_field,
              aggregate_names(options.aggregates)),
      parser_(options) {}

std::string row_job::header() const {
  std::string text;
  writer_.header(text);
  return text;
}

task<std::optional<row_fault>> row_job::process(std::span<const std::string_view> fields) {
  const result<parsed_row> row = parser_.parse(fields, aggregator_);
  if (!row) co_return row_fault{row.error(), parser_.bad_field()};
  const std::int64_t now = aggregation_.stream_time_ms();
  if (options_.jump_ms_max && now >= 0 && row->time_ms - now > *options_.jump_ms_max)
    co_return row_fault{make_error_code(errc::time_jump), row_parser::time_field};
  const bytes_view key = as_bytes(row->key);
  if (key.size() + windows::window_key_suffix_bytes > key_bytes_max)
    co_return row_fault{make_error_code(lentic::errc::too_large), row_parser::key_field};
  aggregator_.fix_types(row->numbers);
  const auto update = [this, &row](std::optional<bytes_view> old, bytes& out) {
    out.resize(aggregator_.value_bytes());
    return aggregator_.update(old, row->numbers, out);
  };
  const result<windows::aggregation_outcome> done =
      co_await aggregation_.process(key, row->time_ms, update);
  if (!done) {
    const bool key_is_bad = done.error() == lentic::errc::too_large;
    co_return row_fault{done.error(), key_is_bad ? row_parser::key_field : parser_.bad_field()};
  }
  if (done->closed_now == 0) co_return std::nullopt;
  const auto visit = [this](const windows::window_result& window) { print(window); };
  co_await aggregation_.for_each_closed(visit);
  co_await aggregation_.expire();
  co_return std::nullopt;
}

task<void> row_job::print_open() {
  const auto visit = [this](const windows::window_result& window) { print(window); };
  co_await aggregation_.for_each_open(visit);
}

void row_job::print(const windows::window_result& window) {
  aggregator_.render(window.value, texts_).value();
  output_row row;
  row.key = as_text(window.key);
  row.window_start_ms = window.start_ms;
  row.window_end_ms = window.end_ms;
  row.values = texts_;
  writer_.row(output_, row);
  ++rows_printed_;
}

}  // namespace lentic::tool
