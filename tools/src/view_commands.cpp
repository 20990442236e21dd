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

}  // namespace lentic::tool
