// SPDX-License-Identifier: Apache-2.0
#include "row_job.hpp"

#include <lentic/errc.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/window_store.hpp>

namespace lentic::tool {

row_job::row_job(environment& env, const run_options& options)
    : env_(env),
      options_(options),
      aggregator_(options.aggregates),
      results_(options, aggregator_),
      parser_(options),
      task_(env, declare(), task_options()) {}

process::topology row_job::declare() {
  const auto update = [this](std::optional<bytes_view> old, const row_record& row, bytes& out) {
    out.resize(aggregator_.value_bytes());
    return aggregator_.update(old, row.value, out);
  };
  const auto print = [this](const window_change& told, std::string& out) {
    results_.add(told, out);
  };
  const auto definition = definition_of(options_.window, options_.grace_ms, options_.retention_ms);
  const std::string store(window_store_name);
  process::topology made;
  auto rows = windowed_rows(made, definition);
  if (tells_changes()) {
    std::move(rows) | windows::aggregate_bytes(store, update) | process::sink("output", print);
  } else {
    std::move(rows) | windows::emit_on_close() | windows::aggregate_bytes(store, update)
        | process::sink("output", print);
  }
  return made;
}

process::stream_task_options row_job::task_options() const {
  process::stream_task_options chosen;
  chosen.cache_bytes_max = options_.cache_bytes;
  if (tells_changes()) chosen.cache = options_.caching;
  return chosen;
}

task<void> row_job::open() {
  co_await task_.open();
  rows_ = &task_.source_of<std::string_view, row_numbers>(row_source_name);
}

task<std::optional<row_fault>> row_job::process(std::span<const std::string_view> fields) {
  const result<parsed_row> row = parser_.parse(fields, aggregator_);
  if (!row) co_return row_fault{row.error(), parser_.bad_field()};
  const std::int64_t now = task_.stream_time_ms();
  if (options_.jump_ms_max && now >= 0 && row->time_ms - now > *options_.jump_ms_max)
    co_return row_fault{make_error_code(errc::time_jump), row_parser::time_field};
  if (row->key.size() + windows::window_key_suffix_bytes > key_bytes_max)
    co_return row_fault{make_error_code(lentic::errc::too_large), row_parser::key_field};
  aggregator_.fix_types(row->numbers);
  record_.key = row->key;
  record_.value = row->numbers;
  record_.timestamp_ms = row->time_ms;
  std::error_code refused;
  try {
    co_await task_.process(*rows_, record_);
  } catch (const process::record_rejected& rejection) {
    if (task_.poisoned()) throw;  // something has changed: no row to skip
    refused = rejection.code();
  }
  if (refused) co_return row_fault{refused, parser_.bad_field()};
  co_return std::nullopt;
}

task<void> row_job::print_open() {
  auto& windows = task_.store<windows::windowed_aggregation>(window_store_name);
  std::string text;
  const auto visit = [this, &text](const windows::window_result& window) {
    results_.add(window, text);
    env_.append_output(as_bytes(text));
    text.clear();
  };
  co_await windows.for_each_open(visit);
}

task<std::uint64_t> row_job::count_open() {
  if (!tells_changes()) co_return aggregation().windows_open();
  const windows::time_windows& spec = aggregation().windows();
  const std::int64_t close_ms = spec.close_ms(aggregation().stream_time_ms());
  std::uint64_t count = 0;
  windows::window_store& stored = task_.store<windows::window_store>(window_store_name);
  windows::window_cursor rows = stored.fetch_all(windows::time_range());
  for (;;) {
    const std::span<const windows::window_row> block = co_await rows.next();
    if (block.empty()) co_return count;
    for (const windows::window_row& each : block)
      if (!spec.closed_at(each.start_ms, close_ms)) ++count;
  }
}

std::uint64_t row_job::windows_printed() {
  return tells_changes() ? results_.windows() : aggregation().windows_closed();
}

}  // namespace lentic::tool
