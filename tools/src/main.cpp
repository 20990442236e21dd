// SPDX-License-Identifier: Apache-2.0
// The `lentic` command: arguments, descriptors, signals and exit codes. The rest is in the library
// of its parts.
#include "change_commands.hpp"
#include "failure_text.hpp"
#include "options.hpp"
#include "run_command.hpp"
#include "store_commands.hpp"
#include "stored_windows.hpp"
#include "verify_command.hpp"
#include "view_commands.hpp"

#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/standard_streams.hpp>
#include <lentic/errc.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lentic::tool {
namespace {

void print_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::optional<struct stat> facts_of(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return std::nullopt;
  return facts;
}

job_streams find_streams() {
  job_streams streams;
  streams.error_text = print_error;
  if (const auto out = facts_of(1); out && S_ISREG(out->st_mode)) {
    streams.output = output_kind::regular_file;
    streams.output_is_empty = out->st_size == 0;
  }
  struct winsize size {};
  if (::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) streams.terminal_width = size.ws_col;
  return streams;
}

// One line for a failure, with what to do about it, and the exit code.
int report(const std::exception_ptr& error, const std::string& input) {
  try {
    std::rethrow_exception(error);
  } catch (const usage_error& failure) {
    print_error("lentic: " + std::string(failure.what()) + "\n");
    if (!failure.hint().empty()) print_error("        " + failure.hint() + "\n");
    return exit_code::usage;
  } catch (const input_error& failure) {
    print_error("lentic: " + std::string(failure.what()) + "\n");
    return exit_code::input;
  } catch (const not_of_a_run& failure) {
    print_error("lentic: " + input + ": " + failure.what()
                + "; store stat, verify and dump read any state\n");
    return exit_code::state;
  } catch (const std::system_error& failure) {
    return report_system(failure, input, print_error);
  } catch (const std::exception& failure) {
    print_error("lentic: " + std::string(failure.what()) + "\n");
    return exit_code::system;
  }
}

// The same failure with the path of the state in its text.
std::exception_ptr named(const std::exception_ptr& error, const std::string& path) {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& failure) {
    const bool is_named = std::string_view(failure.what()).find(path) != std::string_view::npos;
    if (is_named || failure.code() == std::errc::broken_pipe) return error;
    std::string text = failure.what();
    const std::string tail = ": " + failure.code().message();
    if (text.ends_with(tail)) text.resize(text.size() - tail.size());
    const bool is_bare = text == failure.code().message();
    const std::string place = is_bare ? path : path + ": " + text;
    return std::make_exception_ptr(std::system_error(failure.code(), place));
  } catch (...) {  // named by report(), or without a path
    return error;
  }
}

coro::asio_runtime_options runtime_options() {
  coro::asio_runtime_options chosen;
  chosen.log = [](std::string_view line) { print_error("lentic: " + std::string(line) + "\n"); };
  const char* const engine = std::getenv("LENTIC_IO");
  if (engine != nullptr && std::string_view(engine) == "threads")
    chosen.engine = coro::engine_choice::threads;
  if (engine != nullptr && std::string_view(engine) == "io_uring")
    chosen.engine = coro::engine_choice::uring;
  return chosen;
}

int run_job(const run_options& options) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context, runtime_options());
  run_command job(runtime, options, find_streams());
  asio::signal_set signals(context, SIGINT, SIGTERM);
  const bool durable = options.state_directory.has_value();
  signals.async_wait([&job, &signals, durable](std::error_code failed, int signal) {
    if (failed) return;
    signals.clear();  // a second one ends the process at once
    print_error(durable
                    ? "\nlentic: stopping: what was read is committed and its rows are written; "
                      "again to force\n"
                    : "\nlentic: stopping: without --state, windows that are open are lost\n");
    job.interrupt(128 + signal);
  });
  int code = exit_code::complete;
  try {
    code = sync_wait(runtime, job.run());
  } catch (...) {  // the boundary of the program: reported below
    code = report(std::current_exception(), options.input);
  }
  signals.cancel();
  if (options.statistics == statistics_format::json)
    print_error(statistics_json(job.figures()) + "\n");
  return code;
}

// The exit code of what looks at a state: of verify, whether it is sound.
int look(coro::runtime& runtime, const verify_options& options, output_sink& sink) {
  const verify_report found = sync_wait(runtime, verify(runtime, options, print_error));
  sync_wait(runtime, sink.write(found.text));
  if (found.damages == 0) return exit_code::complete;
  print_error("lentic: " + options.state_directory
              + " is damaged; restore it from a copy, or run again from the start with another "
                "--state. What is left of a journal: lentic store salvage; of rows: lentic store "
                "dump, and lentic store load into another state\n");
  return exit_code::state;
}

int look(coro::runtime& runtime, const salvage_options& options, output_sink& sink) {
  const salvage_report found = sync_wait(runtime, salvage(runtime, options, print_error));
  sync_wait(runtime, sink.write(found.text));
  return found.losses == 0 ? exit_code::complete : exit_code::state;
}

template <class Options>
int look(coro::runtime& runtime, const Options& options, output_sink& sink) {
  sync_wait(runtime, show(runtime, options, sink, print_error));
  return exit_code::complete;
}

template <class Options>
int view(const Options& options) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context, runtime_options());
  output_sink sink(runtime.io(), 1, output_kind::stream, output_sync::never);
  try {
    return look(runtime, options, sink);
  } catch (...) {  // the boundary of the program
    return report(named(std::current_exception(), options.state_directory),
                  options.state_directory);
  }
}

int print(const print_and_exit& message) {
  std::FILE* const to = message.code == exit_code::complete ? stdout : stderr;
  const bool written =
      std::fwrite(message.text.data(), 1, message.text.size(), to) == message.text.size();
  return written && std::fflush(to) == 0 ? message.code : exit_code::system;
}

int dispatch(const command& chosen) {
  if (const auto* run = std::get_if<run_options>(&chosen)) return run_job(*run);
  if (const auto* get = std::get_if<get_options>(&chosen)) return view(*get);
  if (const auto* scan = std::get_if<scan_options>(&chosen)) return view(*scan);
  if (const auto* stat = std::get_if<stat_options>(&chosen)) return view(*stat);
  if (const auto* check = std::get_if<verify_options>(&chosen)) return view(*check);
  if (const auto* dump = std::get_if<dump_options>(&chosen)) return view(*dump);
  if (const auto* copy = std::get_if<copy_options>(&chosen)) return view(*copy);
  if (const auto* rescue = std::get_if<salvage_options>(&chosen)) return view(*rescue);
  if (const auto* sums = std::get_if<digest_options>(&chosen)) return view(*sums);
  if (const auto* rows = std::get_if<load_options>(&chosen)) return view(*rows);
  if (const auto* dense = std::get_if<compact_options>(&chosen)) return view(*dense);
  return print(std::get<print_and_exit>(chosen));
}

}  // namespace
}  // namespace lentic::tool

int main(int count, char** values) {
  using namespace lentic::tool;
  std::signal(SIGPIPE, SIG_IGN);  // a closed standard output is an error of its write
  if (lentic::coro::fill_standard_streams().output_was_closed) {
    print_error("lentic: standard output is closed: there is nowhere to write rows to\n");
    return exit_code::stdout_closed;
  }
  const std::vector<std::string> arguments(values + 1, values + count);
  terminal_facts terminal;
  terminal.stdout_is_terminal = ::isatty(1) == 1;
  terminal.stderr_is_terminal = ::isatty(2) == 1;
  return dispatch(parse_options(arguments, terminal));
}
