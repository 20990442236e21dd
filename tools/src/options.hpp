// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command line of `lentic` as plain structs: every value read, checked and defaulted. Knows of
// the terminal only what it is told.
// Threads: pure functions.

#include "aggregates.hpp"
#include "duration_text.hpp"
#include "record_reader.hpp"
#include "row_writer.hpp"

#include <lentic/cache/caching_store.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace lentic::tool {

namespace exit_code {
inline constexpr int complete = 0;
inline constexpr int usage = 2;
inline constexpr int input = 3;
inline constexpr int state = 4;
inline constexpr int system = 5;
inline constexpr int interrupted = 130;    // 128 + SIGINT
inline constexpr int stdout_closed = 141;  // 128 + SIGPIPE
inline constexpr int terminated = 143;     // 128 + SIGTERM
}  // namespace exit_code

enum class emit_kind { close, changes };
enum class stdin_content { replayed, fresh };
enum class statistics_format { none, json };
// A line on standard error that is written over, where that is a terminal.
enum class progress_shown { never, terminal };

struct run_options {
  std::string input;  // a path, or "-"
  input_format format = input_format::csv;
  std::string ts_field;
  std::string key_field;
  window_spec window;
  std::int64_t grace_ms = 0;
  std::int64_t retention_ms = 0;  // at least size + grace
  aggregate_list aggregates;
  emit_kind emit = emit_kind::close;
  std::uint64_t cache_bytes = std::uint64_t{16} << 20;  // for changes
  lentic::caching caching = lentic::caching::fused;     // for changes
  std::optional<std::string> state_directory;
  std::uint64_t memory_bytes = 0;  // 0: no limit
  commit_interval commit_every;
  output_format output = output_format::csv;
  time_format times = time_format::rfc3339;
  bool show_progress = false;
  std::uint64_t bad_rows_max = 0;
  std::optional<std::int64_t> jump_ms_max;
  statistics_format statistics = statistics_format::none;
  bool log_commits = false;
  stdin_content stdin_is = stdin_content::replayed;
};

// Over window starts, inclusive on both ends.
struct start_range {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = INT64_MAX;

  bool operator==(const start_range&) const = default;
};

struct get_options {
  std::string state_directory;
  std::string key;
  start_range starts;
  std::optional<std::int64_t> at_ms;  // only the windows that hold this moment
  output_format output = output_format::csv;
  time_format times = time_format::rfc3339;
};

struct scan_options {
  std::string state_directory;
  std::optional<std::string> key;
  std::optional<std::string> prefix;  // of the key; not together with `key`
  start_range starts;
  output_format output = output_format::csv;
  time_format times = time_format::rfc3339;
};

struct stat_options {
  std::string state_directory;
  time_format times = time_format::rfc3339;
};

struct verify_options {
  std::string state_directory;
  time_format times = time_format::rfc3339;
  progress_shown progress = progress_shown::never;
};

struct dump_options {
  std::string state_directory;
  std::optional<std::string> store;  // all of them
  std::uint64_t rows_max = UINT64_MAX;
  output_format output = output_format::csv;  // csv or ndjson
  time_format times = time_format::rfc3339;
};

struct copy_options {
  std::string state_directory;
  std::string target;
  progress_shown progress = progress_shown::never;
};

struct salvage_options {
  std::string state_directory;
  std::optional<std::string> target;
  progress_shown progress = progress_shown::never;
};

struct digest_options {
  std::string state_directory;
  std::string hash_key;     // empty: the digests that a state keeps
  bool reads_rows = false;  // and does not believe these sums
  progress_shown progress = progress_shown::never;
};

struct load_options {
  std::string state_directory;
  std::string input = "-";  // a path, or "-"
  input_format format = input_format::csv;
  std::optional<std::string> store;  // of all rows
  std::uint64_t commit_rows = 10'000;
  bool from_start = false;
  progress_shown progress = progress_shown::never;
};

struct compact_options {
  std::string state_directory;
  progress_shown progress = progress_shown::never;
};

// Nothing to run: write `text` (lines, with line ends) to stdout or stderr and exit.
struct print_and_exit {
  std::string text;
  int code = exit_code::complete;  // complete: stdout; usage: stderr
};

struct terminal_facts {
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;
};

using command = std::variant<run_options, get_options, scan_options, stat_options, verify_options,
                             dump_options, copy_options, salvage_options, digest_options,
                             load_options, compact_options, print_and_exit>;

// `arguments` without the program's name. Never throws for what they hold: a mistake is a
// print_and_exit with code 2, one line that names it and one with a hint.
command parse_options(std::span<const std::string> arguments, terminal_facts terminal);

// `no column "orign" in in.csv (have: date, origin); did you mean "origin"?`
std::string unknown_column_text(std::string_view column, std::span<const std::string_view> columns,
                                std::string_view file);

}  // namespace lentic::tool
