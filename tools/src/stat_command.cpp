// SPDX-License-Identifier: Apache-2.0
// `lentic store stat`: what a state has, and of a run also what it is a run of.
#include "duration_text.hpp"
#include "failure_text.hpp"
#include "stored_windows.hpp"
#include "time_text.hpp"
#include "view_commands.hpp"

#include <lentic/errc.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace lentic::tool {

namespace {

// A key may be in both places: the two are never added.
std::string segment_text(const segment_figures& figures) {
  std::string text = fmt::format("{} rows in the run, {} in the journal", figures.run_rows,
                                 figures.journal_rows - figures.journal_erased);
  if (figures.journal_erased != 0) text += fmt::format(" ({} erased)", figures.journal_erased);
  if (figures.quarantined) text += "; the run cannot be read";
  return text;
}

// Lines of a name and what there is to say of it.
class stat_text {
 public:
  explicit stat_text(time_format times) : times_(times) {}

  void add_run(const run_facts& run);
  void add_files(environment& env);
  void add_segments(environment& env, bool of_run);
  void line(std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(text_), "{:<15} {}\n", name, value);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  time_format times_;
  std::string text_;
};

void stat_text::add_run(const run_facts& run) {
  const topology& shape = run.shape;
  const run_totals& totals = run.run.totals;
  std::string stream_time;
  append_time(stream_time, std::max<std::int64_t>(0, run.clock.stream_time_ms), times_);
  line("window", window_text(shape.window));
  line("key", shape.key_field);
  line("time", shape.ts_field);
  line("grace", duration_text(shape.grace_ms));
  line("retention", duration_text(shape.retention_ms));
  line("aggregates", aggregates_text(shape.aggregates));
  line("rows_in", std::to_string(totals.rows_in));
  line("rows_bad", std::to_string(totals.rows_bad));
  line("late_dropped", std::to_string(run.clock.late_dropped));
  line("windows_closed", std::to_string(run.clock.windows_closed));
  line("stream_time", stream_time);
  line("complete", totals.complete ? "yes" : "no");
}

void stat_text::add_files(environment& env) {
  const environment_statistics figures = env.statistics();
  line("journal", fmt::format("{} files, {} bytes, {} frames replayed, {} us by estimate",
                              figures.journal_files, figures.journal_bytes,
                              env.recovered().frames_replayed, figures.replay_estimate_us));
  line("runs", fmt::format("{} files, {} bytes", figures.runs, figures.run_bytes));
  line("quarantined", fmt::format("{} runs", figures.runs_quarantined));
  line("fragmentation", fmt::format("{:.1f} %", 100 * figures.fragmentation()));
}

void stat_text::add_segments(environment& env, bool of_run) {
  std::vector<segment_figures> all = env.segments();
  std::sort(all.begin(), all.end(), [](const segment_figures& left, const segment_figures& right) {
    return std::tie(left.store, left.segment) < std::tie(right.store, right.segment);
  });
  for (const segment_figures& each : all) {
    if (of_run && each.store != window_store_name) continue;
    const std::string store = of_run ? "" : "store " + each.store + " ";
    line(store + "segment " + std::to_string(each.segment), segment_text(each));
  }
}

struct description {
  std::string text;
  bool whole = true;  // the records of the run could be read
};

task<description> describe(environment& env, time_format times) {
  std::unique_ptr<run_facts> run;
  std::string unread;
  try {
    run = co_await load_facts(env);
  } catch (const std::system_error& failure) {
    if (failure.code().category() == std::system_category()) throw;
    unread = without_code_words(failure);
  } catch (const std::logic_error& failure) {
    unread = failure.what();
  }
  stat_text text(times);
  text.line("commit", std::to_string(env.recovered().sequence));
  if (run) text.add_run(*run);
  if (!unread.empty()) text.line("run", "its records cannot be read: " + unread);
  text.add_files(env);
  text.add_segments(env, run != nullptr);
  co_return description{text.text(), unread.empty()};
}

}  // namespace

task<void> show(coro::runtime& runtime, const stat_options& options, output_sink& sink,
                say_function) {
  environment_options chosen;
  chosen.directory = options.state_directory;
  chosen.mode = open_mode::read_only;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  description found;
  try {
    found = co_await describe(*env, options.times);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
  co_await sink.write(found.text);
  if (!found.whole) fail(lentic::errc::damaged, options.state_directory);
}

}  // namespace lentic::tool
