// SPDX-License-Identifier: Apache-2.0
//
// CLI11 splits the command line into texts; every value is read by our own parsers, so that all
// messages have one form.
#include "options.hpp"

#include "help_text.hpp"
#include "option_values.hpp"
#include "run_texts.hpp"
#include "suggest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

namespace lentic::tool {

namespace {

constexpr std::array<choice<output_format>, 2> dump_outputs{
    {{"csv", output_format::csv}, {"ndjson", output_format::ndjson}}};

constexpr std::array<choice<input_format>, 2> load_inputs{
    {{"csv", input_format::csv}, {"ndjson", input_format::ndjson}}};

progress_shown shown_on(const terminal_facts& terminal) {
  return terminal.stderr_is_terminal ? progress_shown::terminal : progress_shown::never;
}

// An option that may stand alone as a word, too, is listed in both places and REQUIRED in one.
class help_formatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    constexpr std::string_view mark = " REQUIRED";
    const bool twice = option->get_positional() && !option->get_lnames().empty();
    const std::size_t at = text.find(mark);
    if (twice && !in_words_ && at != text.npos) text.erase(at, mark.size());
    return text;
  }
  std::string make_option(const CLI::Option* option, bool is_word) const override {
    in_words_ = is_word;
    return CLI::Formatter::make_option(option, is_word);
  }

 private:
  mutable bool in_words_ = false;
};

struct range_texts {
  std::string from;
  std::string to;

  void add_to(CLI::App& app) {
    app.add_option("--from", from, "only windows that start at this time or later")
        ->type_name("TIME");
    app.add_option("--to", to, "only windows that start at this time or earlier")
        ->type_name("TIME");
  }
  start_range range() const {
    start_range starts;
    if (!from.empty()) starts.from_ms = parsed("--from", from, parse_time);
    if (!to.empty()) starts.to_ms = parsed("--to", to, parse_time);
    return starts;
  }
};

struct get_texts {
  std::string state, key, at;
  range_texts range;
  output_texts output;

  void add_to(CLI::App& app) {
    app.footer(read_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    app.add_option("--key,KEY", key, "the key")->required();
    app.add_option("--at", at, "only windows that hold this time")->type_name("TIME");
    range.add_to(app);
    output.add_to(app);
  }
  get_options read(const terminal_facts& terminal) const {
    get_options get;
    get.state_directory = state;
    get.key = key;
    get.starts = range.range();
    if (!at.empty()) get.at_ms = parsed("--at", at, parse_time);
    get.output = output.format(terminal);
    get.times = output.time();
    return get;
  }
};

struct scan_texts {
  std::string state;
  std::optional<std::string> key, prefix;
  range_texts range;
  output_texts output;

  void add_to(CLI::App& app) {
    app.footer(read_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    app.add_option("--key", key, "only this key")->type_name("KEY");
    app.add_option("--prefix", prefix, "only keys that begin so")->type_name("TEXT");
    range.add_to(app);
    output.add_to(app);
  }
  scan_options read(const terminal_facts& terminal) const {
    if (key && prefix) throw usage_error("--key and --prefix do not go together");
    scan_options scan;
    scan.state_directory = state;
    scan.key = key;
    scan.prefix = prefix;
    scan.starts = range.range();
    scan.output = output.format(terminal);
    scan.times = output.time();
    return scan;
  }
};

struct stat_texts {
  std::string state;
  output_texts output;

  void add_to(CLI::App& app) {
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    output.add_times_to(app);
  }
};

struct verify_texts {
  std::string state;
  output_texts output;

  void add_to(CLI::App& app) {
    app.footer(verify_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    output.add_times_to(app);
  }
  verify_options read(const terminal_facts& terminal) const {
    return {state, output.time(), shown_on(terminal)};
  }
};

struct dump_texts {
  std::string state, limit, format = "csv";
  std::optional<std::string> store;
  output_texts output;

  void add_to(CLI::App& app) {
    app.footer(dump_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    app.add_option("--store", store, "only this store")->type_name("NAME");
    app.add_option("--limit", limit, "stop after so many rows")->type_name("N");
    app.add_option("--output", format, "csv or ndjson")->type_name("FORMAT")->capture_default_str();
    output.add_times_to(app);
  }
  dump_options read() const {
    dump_options dump;
    dump.state_directory = state;
    dump.store = store;
    if (!limit.empty()) dump.rows_max = whole_number("--limit", limit);
    dump.output = chosen("--output", format, dump_outputs);
    dump.times = output.time();
    return dump;
  }
};

struct copy_texts {
  std::string state, target;

  void add_to(CLI::App& app) {
    app.footer(copy_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    app.add_option("--to,NEW", target, "an empty or missing directory")
        ->required()
        ->check(not_empty());
  }
};

struct salvage_texts {
  std::string state;
  std::optional<std::string> target;

  void add_to(CLI::App& app) {
    app.footer(salvage_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    app.add_option("--to", target, "write what is left into this directory")
        ->check(not_empty())
        ->type_name("NEW");
  }
};

struct digest_texts {
  std::string state, key;
  bool scan = false;

  void add_to(CLI::App& app) {
    app.footer(digest_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
    app.add_option("--hash-key", key, "a secret, the same for the states to compare")
        ->type_name("TEXT");
    app.add_flag("--scan", scan, "read all rows; the sums are the same");
  }
};

struct load_texts {
  std::string state, input = "-", format, commit;
  std::optional<std::string> store;
  bool from_start = false;

  void add_to(CLI::App& app) {
    app.footer(load_footer);
    app.add_option("--state,DIR", state, "the state directory; made where it is missing")
        ->required()
        ->check(not_empty());
    app.add_option("FILE", input, "rows to load; \"-\" is standard input")->capture_default_str();
    app.add_option("--input", format, "csv or ndjson (default: by the name of the file)")
        ->type_name("FORMAT");
    app.add_option("--store", store, "the store of all rows, whatever the column says")
        ->type_name("NAME");
    app.add_option("--commit-rows", commit, "rows of a commit (default: 10000)")->type_name("N");
    app.add_flag("--from-start", from_start, "load all rows, also after an interrupted load");
  }
  load_options read(const terminal_facts& terminal) const {
    load_options load;
    load.state_directory = state;
    load.input = input;
    load.format = format.empty() ? format_of_name(input) : chosen("--input", format, load_inputs);
    load.store = store;
    if (!commit.empty()) load.commit_rows = whole_number("--commit-rows", commit);
    if (load.commit_rows == 0) throw usage_error("--commit-rows: a commit has at least one row");
    load.from_start = from_start;
    load.progress = shown_on(terminal);
    return load;
  }
};

struct compact_texts {
  std::string state;

  void add_to(CLI::App& app) {
    app.footer(compact_footer);
    app.add_option("--state,DIR", state, "the state directory")->required()->check(not_empty());
  }
};

// The whole command line, and the subcommand that stood on it.
struct parser {
  parser();
  command parse(std::span<const std::string> arguments, const terminal_facts& terminal);
  command read(const terminal_facts& terminal) const;
  // The subcommand given, `app` if none.
  const CLI::App& current() const;
  std::string name() const;
  usage_error mistake(const CLI::ParseError& error) const;
  void refuse_unknown() const;

  CLI::App app{"Windowed statistics over streams, in durable state."};
  CLI::App* run = app.add_subcommand("run", "read rows, print windows as they close");
  CLI::App* get = app.add_subcommand("get", "show the windows of one key in a state directory");
  CLI::App* scan = app.add_subcommand("scan", "show the windows in a state directory");
  CLI::App* store = app.add_subcommand("store", "look at a state directory itself");
  CLI::App* stat = store->add_subcommand("stat", "show what a state directory holds");
  CLI::App* verify = store->add_subcommand("verify", "read all of a state, name what is damaged");
  CLI::App* dump = store->add_subcommand("dump", "print the rows of a state as they are stored");
  CLI::App* copy = store->add_subcommand("copy", "copy a state that is not in use");
  CLI::App* salvage = store->add_subcommand("salvage", "name what is lost of a damaged state");
  CLI::App* digest = store->add_subcommand("digest", "sums of rows, to compare states");
  CLI::App* load = store->add_subcommand("load", "put rows into a state, such as those of a dump");
  CLI::App* compact =
      store->add_subcommand("compact", "write all rows into runs, drop the journal");
  run_texts run_values;
  get_texts get_values;
  scan_texts scan_values;
  stat_texts stat_values;
  verify_texts verify_values;
  dump_texts dump_values;
  copy_texts copy_values;
  salvage_texts salvage_values;
  digest_texts digest_values;
  load_texts load_values;
  compact_texts compact_values;
};

parser::parser() {
  app.name("lentic");
  const auto formatter = std::make_shared<help_formatter>();
  app.formatter(formatter);
  for (CLI::App* each : app.get_subcommands(nullptr)) each->formatter(formatter);
  for (CLI::App* each : store->get_subcommands(nullptr)) each->formatter(formatter);
  app.footer(main_footer);
  store->footer(store_footer);
  app.set_version_flag("--version", "lentic " LENTIC_VERSION);
  app.require_subcommand(0, 1);
  store->require_subcommand(0, 1);
  run_values.add_to(*run);
  get_values.add_to(*get);
  scan_values.add_to(*scan);
  stat_values.add_to(*stat);
  verify_values.add_to(*verify);
  dump_values.add_to(*dump);
  copy_values.add_to(*copy);
  salvage_values.add_to(*salvage);
  digest_values.add_to(*digest);
  load_values.add_to(*load);
  compact_values.add_to(*compact);
}

const CLI::App& parser::current() const {
  for (const CLI::App* each :
       {run, get, scan, stat, verify, dump, copy, salvage, digest, load, compact, store}) {
    if (each->parsed()) return *each;
  }
  return app;
}

std::string parser::name() const {
  const CLI::App& where = current();
  if (&where == &app) return "lentic";
  return (where.get_parent() == store ? "lentic store " : "lentic ") + where.get_name();
}

// An unknown option or word, before whatever else is wrong: it may be why something is missing.
void parser::refuse_unknown() const {
  const std::vector<std::string> rest = app.remaining(true);
  if (rest.empty()) return;
  const auto option = std::find_if(rest.begin(), rest.end(), [](const std::string& text) {
    return text.size() > 1 && text.front() == '-';
  });
  const std::string& word = option == rest.end() ? rest.front() : *option;
  const CLI::App& where = current();
  const bool command_wanted = option == rest.end() && (&where == &app || &where == store);
  std::vector<std::string> names;
  if (command_wanted) {
    for (const CLI::App* each : where.get_subcommands(nullptr)) names.push_back(each->get_name());
  } else {
    for (const CLI::Option* each : where.get_options()) {
      for (const std::string& long_name : each->get_lnames()) names.push_back("--" + long_name);
    }
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string guess = did_you_mean(word.substr(0, word.find('=')), candidates);
  const char* const what = option != rest.end() ? "no option "
                         : command_wanted       ? "no command "
                                                : "one argument too many: ";
  throw usage_error(what + in_quotes(word) + (guess.empty() ? "" : "; " + guess));
}

usage_error parser::mistake(const CLI::ParseError& error) const {
  std::string text = error.what();
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return usage_error(text);
}

command parser::parse(std::span<const std::string> arguments, const terminal_facts& terminal) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& help) {
    std::ostringstream out;
    std::ostringstream err;
    app.exit(help, out, err);
    return print_and_exit{out.str(), exit_code::complete};
  } catch (const CLI::ParseError& error) {
    refuse_unknown();
    throw mistake(error);
  }
  return read(terminal);
}

command parser::read(const terminal_facts& terminal) const {
  if (run->parsed()) return run_values.read(terminal, run->count("--stdin") != 0);
  if (get->parsed()) return get_values.read(terminal);
  if (scan->parsed()) return scan_values.read(terminal);
  if (stat->parsed()) return stat_options{stat_values.state, stat_values.output.time()};
  if (verify->parsed()) return verify_values.read(terminal);
  if (dump->parsed()) return dump_values.read();
  const progress_shown progress = shown_on(terminal);
  if (copy->parsed()) return copy_options{copy_values.state, copy_values.target, progress};
  if (salvage->parsed())
    return salvage_options{salvage_values.state, salvage_values.target, progress};
  if (load->parsed()) return load_values.read(terminal);
  if (compact->parsed()) return compact_options{compact_values.state, progress};
  if (digest->parsed())
    return digest_options{digest_values.state, digest_values.key, digest_values.scan, progress};
  throw usage_error(store->parsed() ? "a command is missing: stat, verify, dump, copy, salvage, "
                                      "digest, load or compact"
                                    : "a command is missing: run, get, scan or store");
}

}  // namespace

command parse_options(std::span<const std::string> arguments, terminal_facts terminal) {
  parser line;
  try {
    return line.parse(arguments, terminal);
  } catch (const usage_error& error) {
    const std::string hint = error.hint().empty() ? line.name() + " --help" : error.hint();
    return print_and_exit{"lentic: " + std::string(error.what()) + "\nhint: " + hint + "\n",
                          exit_code::usage};
  }
}

std::string unknown_column_text(std::string_view column, std::span<const std::string_view> columns,
                                std::string_view file) {
  std::string text = "no column " + in_quotes(column) + " in " + std::string(file) + " (have: ";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i != 0) text += ", ";
    text += columns[i];
  }
  const std::string guess = did_you_mean(column, columns);
  return text + (guess.empty() ? ")" : "); " + guess);
}

}  // namespace lentic::tool
