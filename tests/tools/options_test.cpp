// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include "machine_memory.hpp"
#include "topology.hpp"

#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

namespace lentic::tool {
namespace {

const std::string run_base = "run in.csv --ts t --key k --window tumbling:1h --agg count,sum:d";

command given(const std::string& line, terminal_facts terminal = {}) {
  std::istringstream words(line);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  return parse_options(arguments, terminal);
}

run_options run_given(const std::string& more, terminal_facts terminal = {}) {
  const command parsed = given(run_base + " " + more, terminal);
  if (const auto* refused = std::get_if<print_and_exit>(&parsed)) {
    ADD_FAILURE() << refused->text;
    return {};
  }
  return std::get<run_options>(parsed);
}

// The first line of a usage error, without the program's name; checks the form of all of it.
std::string mistake(const std::string& line, terminal_facts terminal = {}) {
  const command parsed = given(line, terminal);
  const auto* refused = std::get_if<print_and_exit>(&parsed);
  if (refused == nullptr) return "accepted";
  EXPECT_EQ(refused->code, exit_code::usage);
  const std::size_t line_end = refused->text.find('\n');
  EXPECT_TRUE(refused->text.starts_with("lentic: ")) << refused->text;
  EXPECT_TRUE(refused->text.substr(line_end + 1).starts_with("hint: ")) << refused->text;
  EXPECT_EQ(refused->text.find('\n', line_end + 1), refused->text.size() - 1) << refused->text;
  return refused->text.substr(8, line_end - 8);
}

TEST(RunOptions, HaveTheStatedDefaults) {
  const run_options run = run_given("");
  EXPECT_EQ(run.input, "in.csv");
  EXPECT_EQ(run.ts_field, "t");
  EXPECT_EQ(run.key_field, "k");
  EXPECT_EQ(run.window.size_ms, 3'600'000);
  EXPECT_EQ(run.grace_ms, 0);
  EXPECT_EQ(run.retention_ms, 3'600'000);
  EXPECT_EQ(run.aggregates.items.size(), 2U);
  EXPECT_EQ(run.state_directory, std::nullopt);
  EXPECT_EQ(run.commit_every, (commit_interval{commit_unit::ms, 1000}));
  EXPECT_EQ(run.output, output_format::csv);
  EXPECT_EQ(run.times, time_format::rfc3339);
  EXPECT_FALSE(run.show_progress);
  EXPECT_EQ(run.bad_rows_max, 0U);
  EXPECT_EQ(run.jump_ms_max, std::nullopt);
  EXPECT_EQ(run.statistics, statistics_format::none);
  EXPECT_FALSE(run.log_commits);
  EXPECT_EQ(run.stdin_is, stdin_content::replayed);
}

TEST(RunOptions, InputFormatIsWhatTheNameEndsInUnlessItIsGiven) {
  const auto format = [](const std::string& input, const std::string& more = "") {
    const command parsed =
        given("run " + input + " --ts t --key k --window tumbling:1h --agg count " + more);
    return std::get<run_options>(parsed).format;
  };
  for (const char* name : {"a.ndjson", "a.jsonl", "a.ndjson.gz", "b/c.jsonl.gz"})
    EXPECT_EQ(format(name), input_format::ndjson) << name;
  for (const char* name : {"a.csv", "a.csv.gz", "-", "a.gz", "ndjson", "a.ndjson/b"})
    EXPECT_EQ(format(name), input_format::csv) << name;
  EXPECT_EQ(format("-", "--input ndjson"), input_format::ndjson);
  EXPECT_EQ(format("a.jsonl", "--input csv"), input_format::csv);
  EXPECT_EQ(mistake(run_base + " --input jsno"), "--input \"jsno\": want csv or ndjson");
}

TEST(RunOptions, NamesOfNdjsonFieldsArePointers) {
  const std::string line = "run in.jsonl --window tumbling:1h --ts /t --key ";
  EXPECT_EQ(mistake(line + "/a~2 --agg count"),
            "--key \"/a~2\": not a JSON pointer (want ~1 for '/' and ~0 for '~' in a name)");
  EXPECT_TRUE(mistake(line + "/a --agg sum:/~").starts_with("--agg \"/~\": not a JSON pointer"));
  EXPECT_TRUE(std::holds_alternative<run_options>(given(line + "/a~1b --agg sum:/v")));
}

TEST(RunOptions, TakeEveryFlag) {
  const run_options run = run_given(
      "--grace 2h --retention 1d --emit close --state st --commit-interval 5000rows --output "
      "ndjson "
      "--time-format ms --progress always --max-bad 7 --max-jump 30d --stats json --log-commits");
  EXPECT_EQ(run.grace_ms, 7'200'000);
  EXPECT_EQ(run.retention_ms, 86'400'000);
  EXPECT_EQ(run.state_directory, "st");
  EXPECT_EQ(run.commit_every, (commit_interval{commit_unit::rows, 5000}));
  EXPECT_EQ(run.output, output_format::ndjson);
  EXPECT_EQ(run.times, time_format::ms);
  EXPECT_TRUE(run.show_progress);
  EXPECT_EQ(run.bad_rows_max, 7U);
  EXPECT_EQ(run.jump_ms_max, 2'592'000'000);
  EXPECT_EQ(run.statistics, statistics_format::json);
  EXPECT_TRUE(run.log_commits);
}

TEST(RunOptions, ChangesGatherInAFusedCacheOf16MiBUnlessToldOtherwise) {
  EXPECT_EQ(run_given("").emit, emit_kind::close);
  const run_options plain = run_given("--emit changes");
  EXPECT_EQ(plain.emit, emit_kind::changes);
  EXPECT_EQ(plain.cache_bytes, 16'777'216U);
  EXPECT_EQ(plain.caching, caching::fused);
  const run_options chosen = run_given("--emit changes --cache 0 --caching kafka");
  EXPECT_EQ(chosen.cache_bytes, 0U);
  EXPECT_EQ(chosen.caching, caching::kafka);
}

TEST(RunOptions, CacheIsForChangesOnly) {
  EXPECT_EQ(mistake(run_base + " --cache 1MB"), "--cache is for --emit changes only");
  EXPECT_EQ(mistake(run_base + " --caching fused"), "--caching is for --emit changes only");
  EXPECT_EQ(mistake(run_base + " --emit changes --cache 1mb").substr(0, 28),
            "--cache \"1mb\": not an amount");
  EXPECT_EQ(mistake(run_base + " --emit changes --caching kafak"),
            "--caching \"kafak\": want fused or kafka; did you mean \"kafka\"?");
}

TEST(RunOptions, TheMemoryBudgetIsHalfOfTheMachinesUnlessToldOtherwise) {
  EXPECT_EQ(run_given("").memory_bytes, default_memory_budget());
  EXPECT_EQ(run_given("--memory 64MiB").memory_bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(run_given("--memory 0").memory_bytes, 0U);
  EXPECT_EQ(mistake(run_base + " --memory 1000"), "--memory 1000 is too little");
  EXPECT_EQ(mistake(run_base + " --memory lots").substr(0, 30), "--memory \"lots\": not an amount");
}

TEST(RunOptions, StdinIsADashAndMayStartNew) {
  const command parsed =
      given("run - --ts t --key k --window hopping:1h/10m --agg count --stdin new");
  ASSERT_TRUE(std::holds_alternative<run_options>(parsed));
  EXPECT_EQ(std::get<run_options>(parsed).input, "-");
  EXPECT_EQ(std::get<run_options>(parsed).stdin_is, stdin_content::fresh);
  EXPECT_EQ(mistake(run_base + " --stdin new"), "--stdin is for INPUT - only");
}

TEST(RunOptions, RetentionDefaultsToSizePlusGraceAndIsNeverSmaller) {
  EXPECT_EQ(run_given("--grace 2h").retention_ms, 10'800'000);
  EXPECT_EQ(run_given("--grace 2h --retention 3h").retention_ms, 10'800'000);
  EXPECT_EQ(mistake(run_base + " --grace 2h --retention 2h"),
            "--retention 2h is smaller than window size + grace, 3h");
}

TEST(RunOptions, OutputIsATableOnATerminalOnly) {
  EXPECT_EQ(run_given("", {true, false}).output, output_format::table);
  EXPECT_EQ(run_given("--state st", {true, false}).output, output_format::table);
  EXPECT_EQ(run_given("--state st", {false, true}).output, output_format::csv);
  EXPECT_EQ(run_given("--output table").output, output_format::table);
  EXPECT_EQ(mistake(run_base + " --state st --output table"),
            "--output table with --state works on a terminal only");
}

TEST(RunOptions, ProgressIsShownOnATerminalUnlessToldOtherwise) {
  EXPECT_TRUE(run_given("", {false, true}).show_progress);
  EXPECT_FALSE(run_given("--progress never", {false, true}).show_progress);
  EXPECT_TRUE(run_given("--progress always").show_progress);
}

TEST(RunOptions, RefusedValuesAreNamedWithTheAcceptedForms) {
  EXPECT_EQ(mistake(run_base + " --grace 2x"),
            "--grace \"2x\": not a duration (want a whole number and a unit: 500ms, 1s, 10m, 1h or "
            "1d)");
  EXPECT_EQ(mistake(run_base + " --output jsn"), "--output \"jsn\": want table, csv or ndjson");
  EXPECT_EQ(mistake(run_base + " --time-format rfc3393"),
            "--time-format \"rfc3393\": want rfc3339 or ms; did you mean \"rfc3339\"?");
  EXPECT_EQ(mistake(run_base + " --emit update"), "--emit \"update\": want close or changes");
  EXPECT_EQ(mistake(run_base + " --max-bad -1"), "--max-bad \"-1\": not a whole number");
  EXPECT_EQ(mistake(run_base + " --max-bad 1.5"), "--max-bad \"1.5\": not a whole number");
  EXPECT_EQ(mistake(run_base + " --stats csv"), "--stats \"csv\": want json");
  EXPECT_TRUE(mistake(run_base + " --commit-interval 0").starts_with("--commit-interval \"0\": "));
  EXPECT_TRUE(
      mistake("run i --ts t --key k --agg count --window 1h").starts_with("--window \"1h\""));
  EXPECT_EQ(mistake("run i --ts t --key k --window tumbling:1h --agg cuont"),
            "--agg: no function \"cuont\"; did you mean \"count\"?");
}

TEST(RunOptions, MissingOnesAreNamed) {
  EXPECT_EQ(mistake("run in.csv --key k --window tumbling:1h --agg count"), "--ts is required");
  EXPECT_EQ(mistake("run --ts t --key k --window tumbling:1h --agg count"), "INPUT is required");
}

TEST(RunOptions, UnknownOptionGetsASuggestionEvenWhereOneIsMissing) {
  EXPECT_EQ(mistake(run_base + " --grcae 2h"), "no option \"--grcae\"; did you mean \"--grace\"?");
  EXPECT_EQ(mistake("run in.csv --ts t --key k --windw tumbling:1h --agg count"),
            "no option \"--windw\"; did you mean \"--window\"?");
  EXPECT_EQ(mistake(run_base + " --xyzzy"), "no option \"--xyzzy\"");
}

TEST(RunOptions, SecondInputIsOneArgumentTooMany) {
  EXPECT_EQ(mistake(run_base + " more.csv"), "one argument too many: \"more.csv\"");
}

TEST(Commands, AreSuggestedAndRequired) {
  EXPECT_EQ(mistake("rnu"), "no command \"rnu\"; did you mean \"run\"?");
  EXPECT_EQ(mistake("store stta st"), "no command \"stta\"; did you mean \"stat\"?");
  EXPECT_EQ(mistake(""), "a command is missing: run, get, scan or store");
  EXPECT_EQ(mistake("store"),
            "a command is missing: stat, verify, dump, copy, salvage, digest, load or compact");
}

TEST(Commands, HintNamesTheHelpOfTheCommand) {
  const command parsed = given("get --at 5x st K");
  EXPECT_TRUE(std::get<print_and_exit>(parsed).text.ends_with("hint: lentic get --help\n"));
}

TEST(GetOptions, ReadKeyAndTimes) {
  const command parsed = given("get --state st --key ORD --at 2001-05-09T17:00Z --from 5 --to 6");
  const auto& get = std::get<get_options>(parsed);
  EXPECT_EQ(get.state_directory, "st");
  EXPECT_EQ(get.key, "ORD");
  EXPECT_EQ(get.at_ms, 989'427'600'000);
  EXPECT_EQ(get.starts, (start_range{5, 6}));
}

TEST(GetOptions, TakeDirectoryAndKeyByPosition) {
  const command parsed = given("get st ORD");
  EXPECT_EQ(std::get<get_options>(parsed).state_directory, "st");
  EXPECT_EQ(std::get<get_options>(parsed).key, "ORD");
  EXPECT_EQ(std::get<get_options>(parsed).at_ms, std::nullopt);
}

TEST(ScanOptions, ReadFiltersAndDefaultToEverything) {
  const command all = given("scan --state st", {true, true});
  EXPECT_EQ(std::get<scan_options>(all).starts, (start_range{0, INT64_MAX}));
  EXPECT_EQ(std::get<scan_options>(all).output, output_format::table);
  const command some = given("scan st --prefix O --from 2001-05-09T00:00Z --output ndjson");
  EXPECT_EQ(std::get<scan_options>(some).prefix, "O");
  EXPECT_EQ(std::get<scan_options>(some).starts.from_ms, 989'366'400'000);
  EXPECT_EQ(mistake("scan st --key A --prefix B"), "--key and --prefix do not go together");
}

TEST(StatOptions, ReadTheDirectory) {
  const command parsed = given("store stat st --time-format ms");
  EXPECT_EQ(std::get<stat_options>(parsed).state_directory, "st");
  EXPECT_EQ(std::get<stat_options>(parsed).times, time_format::ms);
}

TEST(VerifyOptions, ReadTheDirectoryAndShowProgressOnATerminal) {
  const command parsed = given("store verify st --time-format ms", {false, true});
  EXPECT_EQ(std::get<verify_options>(parsed).state_directory, "st");
  EXPECT_EQ(std::get<verify_options>(parsed).times, time_format::ms);
  EXPECT_EQ(std::get<verify_options>(parsed).progress, progress_shown::terminal);
  EXPECT_EQ(std::get<verify_options>(given("store verify st")).progress, progress_shown::never);
}

TEST(LoadOptions, ReadFileFormatStoreAndCommits) {
  const auto all = std::get<load_options>(given("store load st"));
  EXPECT_EQ(all.input, "-");
  EXPECT_EQ(all.format, input_format::csv);
  EXPECT_EQ(all.commit_rows, 10'000U);
  EXPECT_FALSE(all.from_start);
  const auto some = std::get<load_options>(
      given("store load st in.ndjson.gz --store kv --commit-rows 5 --from-start", {false, true}));
  EXPECT_EQ(some.input, "in.ndjson.gz");
  EXPECT_EQ(some.format, input_format::ndjson);
  EXPECT_EQ(some.store, "kv");
  EXPECT_EQ(some.commit_rows, 5U);
  EXPECT_TRUE(some.from_start);
  EXPECT_EQ(some.progress, progress_shown::terminal);
  EXPECT_EQ(std::get<load_options>(given("store load st in.csv --input ndjson")).format,
            input_format::ndjson);
  EXPECT_EQ(mistake("store load st --commit-rows 0"),
            "--commit-rows: a commit has at least one row");
  EXPECT_EQ(mistake("store load"), "--state is required");
}

TEST(Help, AStateThatIsAWordOrAnOptionIsRequiredOnce) {
  for (const char* command : {"get", "scan", "store stat", "store load", "store compact"}) {
    const std::string text = std::get<print_and_exit>(given(std::string(command) + " --help")).text;
    const std::size_t words = text.find("REQUIRED", text.find("Positionals"));
    ASSERT_NE(words, text.npos) << text;
    const std::size_t option = text.find("--state");
    ASSERT_NE(option, text.npos) << text;
    EXPECT_EQ(text.substr(option, text.find('\n', option) - option).find("REQUIRED"), text.npos)
        << text;
  }
}

TEST(DumpOptions, ReadTheFiltersAndDefaultToAllRowsAsCsv) {
  const command all = given("store dump st", {true, true});
  EXPECT_EQ(std::get<dump_options>(all).store, std::nullopt);
  EXPECT_EQ(std::get<dump_options>(all).rows_max, UINT64_MAX);
  EXPECT_EQ(std::get<dump_options>(all).output, output_format::csv);
  const command some = given("store dump --state st --store run --limit 5 --output ndjson");
  EXPECT_EQ(std::get<dump_options>(some).state_directory, "st");
  EXPECT_EQ(std::get<dump_options>(some).store, "run");
  EXPECT_EQ(std::get<dump_options>(some).rows_max, 5U);
  EXPECT_EQ(std::get<dump_options>(some).output, output_format::ndjson);
  EXPECT_EQ(mistake("store dump st --output table"), "--output \"table\": want csv or ndjson");
  EXPECT_EQ(mistake("store dump st --limit -1"), "--limit \"-1\": not a whole number");
}

TEST(Help, StatesTheRulesAndExitsWithZero) {
  const command parsed = given("run --help");
  const auto& help = std::get<print_and_exit>(parsed);
  EXPECT_EQ(help.code, exit_code::complete);
  for (const char* rule :
       {"--max-jump", "end > stream time - grace", "late_dropped", "the last of several lines",
        "append to the same output with >>", "130 SIGINT, 143 SIGTERM, 141 stdout closed"}) {
    EXPECT_NE(help.text.find(rule), std::string::npos) << rule;
  }
  EXPECT_EQ(std::get<print_and_exit>(given("--help")).code, exit_code::complete);
}

TEST(Help, VersionIsOneLine) {
  const command parsed = given("--version");
  EXPECT_EQ(std::get<print_and_exit>(parsed).text, "lentic 0.1.0\n");
}

TEST(UnknownColumn, NamesTheColumnsAndTheNearest) {
  constexpr std::array<std::string_view, 2> columns{"delay", "origin"};
  EXPECT_EQ(unknown_column_text("orign", columns, "f.csv"),
            "no column \"orign\" in f.csv (have: delay, origin); did you mean \"origin\"?");
  EXPECT_EQ(unknown_column_text("carrier", columns, "f.csv"),
            "no column \"carrier\" in f.csv (have: delay, origin)");
}

TEST(Topology, RoundTrips) {
  for (const char* more :
       {"", "--grace 2h --retention 1d --output ndjson --time-format ms", "--emit changes"}) {
    const topology before = topology_of(run_given(more));
    const topology after = decode_topology(encode_topology(before)).value();
    EXPECT_EQ(topology_difference(before, after), std::nullopt);
    EXPECT_EQ(after.window, before.window);
    EXPECT_EQ(after.aggregates.columns, before.aggregates.columns);
    EXPECT_EQ(after.times, before.times);
    EXPECT_EQ(after.emit, before.emit);
  }
}

TEST(Topology, BytesAreAsDrawn) {
  const std::string expected = "k|t|tumbling:1h|2h|3h|count,sum:d|close|csv|rfc3339|";
  std::string record = encode_topology(topology_of(run_given("--grace 2h")));
  for (char& c : record) c = c == '\0' ? '|' : c;
  EXPECT_EQ(record, expected);
}

TEST(Topology, OtherFlagsMayChange) {
  const topology before = topology_of(run_given(""));
  const topology after = topology_of(run_given(
      "--input ndjson --max-bad 5 --commit-interval 5rows --stats json --progress never"));
  EXPECT_EQ(topology_difference(before, after), std::nullopt);
}

TEST(Topology, DifferenceNamesTheOptionAndBothValues) {
  const topology before = topology_of(run_given("--grace 2h --retention 1d"));
  EXPECT_EQ(topology_difference(before, topology_of(run_given("--grace 1h --retention 1d"))),
            "--grace is 2h in the state, now 1h");
  EXPECT_EQ(topology_difference(
                before, topology_of(run_given("--grace 2h --retention 1d --output ndjson"))),
            "--output is csv in the state, now ndjson");
}

TEST(Topology, EveryTruncationAndForeignTextIsRefused) {
  const std::string record = encode_topology(topology_of(run_given("--grace 2h")));
  for (std::size_t length = 0; length < record.size(); ++length) {
    EXPECT_EQ(decode_topology(record.substr(0, length)).error(), errc::bad_record) << length;
  }
  EXPECT_EQ(decode_topology(record + "x").error(), errc::bad_record);
  std::string other = record;
  other.replace(other.find("tumbling"), 8, "tumblinG");
  EXPECT_EQ(decode_topology(other).error(), errc::bad_record);
  other = record;
  other.replace(other.find("close"), 5, "clone");
  EXPECT_EQ(decode_topology(other).error(), errc::bad_record);
}

}  // namespace
}  // namespace lentic::tool
