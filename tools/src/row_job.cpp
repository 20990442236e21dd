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

windows::emit_strategy strategy_of(const run_options& options) {
  return options.emit == emit_kind::close ? windows::emit_strategy::on_close
                                          : windows::emit_strategy::on_update;
}

row_kind rows_of(const run_options& options) {
  return options.emit == emit_kind::close ? row_kind::windows : row_kind::changes;
}

}  // namespace

row_job::row_job(windows::window_store& store, coro::run_queue& queue, const run_options& options)
    : options_(options),
      aggregator_(options.aggregates),
      writer_(options.output, options.times, rows_of(options), options.key_field,
              aggregate_names(options.aggregates)),
      changes_(aggregator_, writer_, options.window.size_ms, output_),
      budget_(queue, options.cache_bytes),
      store_(front(store)),
      aggregation_(store_, windows_of(options), strategy_of(options)),
      parser_(options) {}

// The store that the aggregation works on.
windows::window_store& row_job::front(windows::window_store& store) {
  if (!tells_changes()) return store;
  caching_options chosen;
  chosen.listener = &changes_;
  return cache_.emplace(options_.caching, store, budget_, "windows", chosen);
}

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
  if (tells_changes()) co_await look_after_time();
  if (done->closed_now == 0) co_return std::nullopt;
  const auto visit = [this](const windows::window_result& window) { print(window); };
  co_await aggregation_.for_each_closed(visit);
  co_await aggregation_.expire();
  co_return std::nullopt;
}

// Once a segment's time what has expired is dropped; after a flush, not before one: a window that
// has closed waits for the flush as the others do.
task<void> row_job::look_after_time() {
  if (aggregation_.stream_time_ms() < next_look_ms_ || cache_->dirty_count() != 0) co_return;
  co_await aggregation_.expire();
  const std::int64_t interval_ms = store_.segment_interval_ms();
  next_look_ms_ = (aggregation_.stream_time_ms() / interval_ms + 1) * interval_ms;
}

task<void> row_job::flush() {
  if (!cache_) co_return;
  co_await cache_->flush();
  co_await look_after_time();
}

task<std::uint64_t> row_job::count_open() {
  if (!tells_changes()) co_return aggregation_.windows_open();
  const windows::time_windows& spec = aggregation_.windows();
  const std::int64_t close_ms = spec.close_ms(aggregation_.stream_time_ms());
  std::uint64_t count = 0;
  windows::window_cursor rows = store_.fetch_all(windows::time_range());
  for (;;) {
    const std::span<const windows::window_row> block = co_await rows.next();
    if (block.empty()) co_return count;
    for (const windows::window_row& each : block)
      if (!spec.closed_at(each.start_ms, close_ms)) ++count;
  }
}

std::uint64_t row_job::rows_printed() const noexcept {
  return tells_changes() ? changes_.seq() : rows_printed_;
}

std::uint64_t row_job::windows_printed() const noexcept {
  return tells_changes() ? changes_.windows() : aggregation_.windows_closed();
}

void row_job::restore_printed(std::uint64_t rows, std::uint64_t windows) noexcept {
  changes_.restore(rows, windows);
  rows_printed_ = rows;
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
