// SPDX-License-Identifier: Apache-2.0
#include "failure_text.hpp"

#include "options.hpp"

#include <lentic/errc.hpp>

#include <fmt/format.h>

namespace lentic::tool {

namespace {

std::string_view state_remedy(std::error_code code) {
  if (code == lentic::errc::in_use) return "; stop the other process, or choose another --state";
  if (code == lentic::errc::not_a_state_directory)
    return "; give the directory of an earlier run (to lentic run also an empty one)";
  if (code == lentic::errc::newer_format) return "; use the newer lentic, or another --state";
  if (code == lentic::errc::journal_damaged)
    return "; restore the directory from a copy, see what is left with lentic store salvage, or "
           "run again from the start with another --state";
  if (code == lentic::errc::manifest_damaged || code == lentic::errc::damaged)
    return "; restore the directory from a copy, or run again from the start with another --state";
  if (code == lentic::errc::over_budget)
    return "; run the command again with a larger --memory (without --state also give --state DIR, "
           "so that windows can go to disk)";
  if (code == lentic::errc::poisoned) return "; run the command again";
  return "";
}

std::string_view system_remedy(std::error_code code) {
  if (code == std::errc::no_space_on_device)
    return "; free some space and run the command again; lentic run goes on where it stopped";
  if (code == std::errc::read_only_file_system) return "; choose a directory that can be written";
  if (code == std::errc::permission_denied)
    return "; check owner and mode, or choose another directory";
  return "";
}

// For another topology the text says it all; the code's own words would only repeat it.
std::string reason_of(const std::system_error& failure) {
  return failure.code() == lentic::errc::store_mismatch ? without_code_words(failure)
                                                        : failure.what();
}

}  // namespace

int report_system(const std::system_error& failure, const std::string& input,
                  const std::function<void(std::string_view)>& say) {
  const std::error_code code = failure.code();
  if (code == std::errc::broken_pipe) {
    say("lentic: standard output is closed; lentic run with --state writes the rows that it could "
        "not write when it is run again\n");
    return exit_code::stdout_closed;
  }
  if (code.category() == lentic::error_category() || code == make_error_code(errc::bad_record)) {
    say(fmt::format("lentic: {}{}\n", reason_of(failure), state_remedy(code)));
    return code == lentic::errc::over_budget ? exit_code::system : exit_code::state;
  }
  if (code.category() == tool_category()) {
    say(fmt::format("lentic: {}: {}\n", input, failure.what()));
    return exit_code::input;
  }
  say(fmt::format("lentic: {}{}\n", failure.what(), system_remedy(code)));
  return exit_code::system;
}

std::string without_code_words(const std::system_error& failure) {
  const std::string text = failure.what();
  const std::string tail = ": " + failure.code().message();
  return text.ends_with(tail) ? text.substr(0, text.size() - tail.size()) : text;
}

}  // namespace lentic::tool
