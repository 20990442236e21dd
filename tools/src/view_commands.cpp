// SPDX-License-Identifier: Apache-2.0
#include "view_commands.hpp"

#include "stored_windows.hpp"
#include "time_text.hpp"

#include <lentic/timestamped_value.hpp>

#include <fmt/format.h>

#include <exception>

namespace lentic::tool {

namespace {

struct row_format {
  output_format output;
  time_format times;
};

// Rows of a cursor as text.
class row_printer {
 public:
  row_printer(const stored_windows& state, row_format format)
      : state_(state),
        writer_(format.output, format.times, row_kind::windows, state.shape().key_field,
                aggregate_names(state.shape().aggregates)) {
    writer_.header(text_);
  }

  void add(const windows::window_row& window) {
    const timestamped_value stored = decode_timestamped_value(window.value).value();
    state_.values().render(stored.value, columns_).value();
    output_row row;
    row.key = as_text(window.key);
    row.window_start_ms = window.start_ms;
    row.window_end_ms = window.start_ms + state_.shape().window.size_ms;
    row.values = columns_;
    writer_.row(text_, row);
  }
  std::string take() { return std::exchange(text_, {}); }

 private:
  const stored_windows& state_;
  row_writer writer_;
  std::vector<std::string> columns_;
  std::string text_;
};

struct selection {
  windows::key_selection keys = windows::key_selection::all();
  windows::time_range starts;
};

task<void> print_rows(stored_windows& state, selection chosen, row_format format,
                      output_sink& sink) {
  row_printer printer(state, format);
  windows::window_cursor rows = state.windows().scan(chosen.keys, chosen.starts);
  for (;;) {
    const std::span<const windows::window_row> block = co_await rows.next();
    for (const windows::window_row& each : block) printer.add(each);
    const std::string text = printer.take();
    co_await sink.write(text);
    if (block.empty()) break;
  }
}

// Opens, prints, says what is retained, closes whatever happens.
task<void> show_rows(coro::runtime& runtime, std::string path, selection chosen, row_format format,
                     output_sink& sink, say_function say) {
  const std::unique_ptr<stored_windows> state = co_await stored_windows::open(runtime, path);
  const std::string note = "lentic: " + state->retained_text() + "\n";
  say(note);
  std::exception_ptr error;  // with its text, which names file and block
  try {
    co_await print_rows(*state, chosen, format, sink);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await state->close();
  if (error) std::rethrow_exception(error);
}

// A key may be in both places: the two are never added.
std::string segment_text(const segment_figures& figures) {
  std::string text = fmt::format("{} rows in the run, {} in the journal", figures.run_rows,
                                 figures.journal_rows - figures.journal_erased);
  if (figures.journal_erased != 0) text += fmt::format(" ({} erased)", figures.journal_erased);
  if (figures.quarantined) text += "; the run cannot be read";
  return text;
}

std::string stat_text(stored_windows& state, time_format times) {
  const topology& shape = state.shape();
  const run_totals& totals = state.run().totals;
  const environment_statistics figures = state.env().statistics();
  std::string text;
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{:<16}{}\n", name, value);
  };
  std::string stream_time;
  append_time(stream_time, std::max<std::int64_t>(0, state.clock().stream_time_ms), times);
  line("commit", std::to_string(state.env().recovered().sequence));
  line("window", window_text(shape.window));
  line("key", shape.key_field);
  line("time", shape.ts_field);
  line("grace", duration_text(shape.grace_ms));
  line("retention", duration_text(shape.retention_ms));
  line("aggregates", aggregates_text(shape.aggregates));
  line("rows_in", std::to_string(totals.rows_in));
  line("rows_bad", std::to_string(totals.rows_bad));
  line("late_dropped", std::to_string(state.clock().late_dropped));
  line("windows_closed", std::to_string(state.clock().windows_closed));
  line("stream_time", stream_time);
  line("complete", totals.complete ? "yes" : "no");
  line("journal", fmt::format("{} files, {} bytes, {} frames replayed, {} us by estimate",
                              figures.journal_files, figures.journal_bytes,
                              state.env().recovered().frames_replayed, figures.replay_estimate_us));
  line("runs", fmt::format("{} files, {} bytes", figures.runs, figures.run_bytes));
  line("quarantined", fmt::format("{} runs", figures.runs_quarantined));
  for (const segment_figures& each : state.env().segments()) {
    if (each.store != window_store_name) continue;
    line("segment " + std::to_string(each.segment), segment_text(each));
  }
  return text;
}

}  // namespace

task<void> show(coro::runtime& runtime, const get_options& options, output_sink& sink,
                say_function say) {
  selection chosen;
  chosen.keys = windows::key_selection::one(as_bytes(options.key));
  chosen.starts = {options.starts.from_ms, options.starts.to_ms};
  if (options.at_ms) {
    const std::unique_ptr<stored_windows> state =
        co_await stored_windows::open(runtime, options.state_directory);
    const std::int64_t first = *options.at_ms - state->shape().window.size_ms + 1;
    chosen.starts.from_ms = std::max(chosen.starts.from_ms, first);
    chosen.starts.to_ms = std::min(chosen.starts.to_ms, *options.at_ms);
    co_await state->close();
  }
  const row_format format{options.output, options.times};
  co_await show_rows(runtime, options.state_directory, chosen, format, sink, say);
}

task<void> show(coro::runtime& runtime, const scan_options& options, output_sink& sink,
                say_function say) {
  selection chosen;
  if (options.key) chosen.keys = windows::key_selection::one(as_bytes(*options.key));
  if (options.prefix) chosen.keys = windows::key_selection::prefix(as_bytes(*options.prefix));
  chosen.starts = {options.starts.from_ms, options.starts.to_ms};
  const row_format format{options.output, options.times};
  co_await show_rows(runtime, options.state_directory, chosen, format, sink, say);
}

task<void> show(coro::runtime& runtime, const stat_options& options, output_sink& sink,
                say_function) {
  const std::unique_ptr<stored_windows> state =
      co_await stored_windows::open(runtime, options.state_directory);
  const std::string text = stat_text(*state, options.times);
  const result<void> written = co_await as_result(sink.write(text));
  co_await state->close();
  written.value();
}

}  // namespace lentic::tool
