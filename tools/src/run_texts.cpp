// SPDX-License-Identifier: Apache-2.0
#include "run_texts.hpp"

#include "byte_size_text.hpp"
#include "help_text.hpp"
#include "json_pointer.hpp"
#include "machine_memory.hpp"

#include <utility>

namespace lentic::tool {

namespace {

constexpr std::uint64_t memory_bytes_min = std::uint64_t{1} << 20;

constexpr std::array<choice<input_format>, 2> inputs{
    {{"csv", input_format::csv}, {"ndjson", input_format::ndjson}}};
enum class shown { automatic, always, never };
constexpr std::array<choice<shown>, 3> progresses{
    {{"auto", shown::automatic}, {"always", shown::always}, {"never", shown::never}}};
constexpr std::array<choice<statistics_format>, 1> statistics{{{"json", statistics_format::json}}};
constexpr std::array<choice<emit_kind>, 2> emits{
    {{"close", emit_kind::close}, {"changes", emit_kind::changes}}};
constexpr std::array<choice<lentic::caching>, 2> cachings{
    {{"fused", lentic::caching::fused}, {"kafka", lentic::caching::kafka}}};
constexpr std::array<choice<stdin_content>, 2> stdin_contents{
    {{"replay", stdin_content::replayed}, {"new", stdin_content::fresh}}};

void refuse_bad_pointers(const run_options& run) {
  parsed("--ts", run.ts_field, parse_field_name);
  parsed("--key", run.key_field, parse_field_name);
  for (const std::string& each : run.aggregates.columns) parsed("--agg", each, parse_field_name);
}

}  // namespace

void run_texts::add_to(CLI::App& app) {
  app.footer(run_footer);
  app.add_option("INPUT", input, "CSV with a header line, or NDJSON; plain or gzip; - for stdin")
      ->required();
  app.add_option("--input", format, "csv or ndjson; default: what the name of INPUT ends in")
      ->type_name("FORMAT");
  app.add_option("--ts", ts, "the field with the time of a row")->type_name("FIELD")->required();
  app.add_option("--key", key, "the field to group by")->type_name("FIELD")->required();
  app.add_option("--window", window, "tumbling:SIZE or hopping:SIZE/ADVANCE")
      ->type_name("WINDOW")
      ->required();
  app.add_option("--agg", agg, "list of count, sum:FIELD, min:FIELD, max:FIELD, avg:FIELD")
      ->type_name("LIST")
      ->required();
  app.add_option("--state", state, "keep state in this directory, and go on from there")
      ->check(not_empty())
      ->type_name("DIR");
  output.add_to(app);
  add_rules_to(app);
}

void run_texts::add_rules_to(CLI::App& app) {
  app.add_option("--grace", grace, "how long after its end a window takes late rows")
      ->type_name("DURATION")
      ->capture_default_str();
  app.add_option("--retention", retention, "how long windows are kept; default size + grace")
      ->type_name("DURATION");
  add_emit_to(app);
  app.add_option("--commit-interval", commit, "time or rows between commits: 1s, 5000rows")
      ->type_name("INTERVAL")
      ->capture_default_str();
  app.add_option("--memory", memory,
                 "budget for what is in memory, such as 512MiB; 0: none; default half of the "
                 "machine's")
      ->type_name("BYTES")
      ->check(not_empty());
  app.add_option("--max-bad", bad, "bad rows to report and skip before giving up")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-jump", jump, "a row that raises stream time by more is bad; default off")
      ->type_name("DURATION");
  app.add_option("--stdin", stdin_is, "for INPUT -: replay (from its start) or new rows only")
      ->type_name("WHAT")
      ->capture_default_str();
  app.add_option("--progress", progress, "auto, always or never; auto: on a terminal")
      ->type_name("WHEN")
      ->capture_default_str();
  app.add_option("--stats", stats, "json: print one object of statistics at the end, on stderr")
      ->type_name("FORMAT");
  app.add_flag("--log-commits", log_commits,
               "print 'resumed row R' and 'commit N row R' on stderr");
}

void run_texts::add_emit_to(CLI::App& app) {
  app.add_option("--emit", emit, "close: print a window when it closes; changes: whenever it does")
      ->capture_default_str();
  app.add_option("--cache", cache, "changes: dirty bytes to gather before a flush; default 16MiB")
      ->type_name("BYTES");
  app.add_option("--caching", caching,
                 "changes: fused, or kafka: as Kafka Streams does; default fused")
      ->type_name("MODE");
}

void run_texts::read_emit(run_options& run) const {
  run.emit = chosen("--emit", emit, emits);
  if (!cache.empty()) run.cache_bytes = parsed("--cache", cache, parse_byte_size);
  if (!caching.empty()) run.caching = chosen("--caching", caching, cachings);
  if (run.emit == emit_kind::changes) return;
  for (const auto& [name, text] : {std::pair("--cache", &cache), std::pair("--caching", &caching)})
    if (!text->empty()) throw usage_error(std::string(name) + " is for --emit changes only");
}

run_options run_texts::read(const terminal_facts& terminal, bool stdin_given) const {
  run_options run;
  run.input = input;
  run.format = format.empty() ? format_of_name(input) : chosen("--input", format, inputs);
  run.ts_field = ts;
  run.key_field = key;
  run.window = parsed("--window", window, parse_window);
  run.grace_ms = parsed("--grace", grace, parse_duration);
  const std::int64_t retention_least = run.window.size_ms + run.grace_ms;
  run.retention_ms =
      retention.empty() ? retention_least : parsed("--retention", retention, parse_duration);
  if (run.retention_ms < retention_least) {
    throw usage_error("--retention " + retention + " is smaller than window size + grace, "
                      + duration_text(retention_least));
  }
  run.aggregates = parse_aggregates(agg);
  if (run.format == input_format::ndjson) refuse_bad_pointers(run);
  read_emit(run);
  if (!state.empty()) run.state_directory = state;
  run.memory_bytes =
      memory.empty() ? default_memory_budget() : parsed("--memory", memory, parse_byte_size);
  if (run.memory_bytes != 0 && run.memory_bytes < memory_bytes_min)
    throw usage_error("--memory " + memory + " is too little",
                      "give at least 1MiB, or 0 for no limit");
  run.commit_every = parsed("--commit-interval", commit, parse_commit_interval);
  run.output = output.format(terminal);
  run.times = output.time();
  if (run.output == output_format::table && run.state_directory && !terminal.stdout_is_terminal) {
    throw usage_error("--output table with --state works on a terminal only",
                      "use --output csv or ndjson for files and pipes");
  }
  const shown when = chosen("--progress", progress, progresses);
  run.show_progress =
      when == shown::always || (when == shown::automatic && terminal.stderr_is_terminal);
  run.bad_rows_max = whole_number("--max-bad", bad);
  if (!jump.empty()) run.jump_ms_max = parsed("--max-jump", jump, parse_duration);
  if (!stats.empty()) run.statistics = chosen("--stats", stats, statistics);
  run.log_commits = log_commits;
  run.stdin_is = chosen("--stdin", stdin_is, stdin_contents);
  if (stdin_given && input != "-") throw usage_error("--stdin is for INPUT - only");
  return run;
}

}  // namespace lentic::tool
