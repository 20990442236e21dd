// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a value on the command line is read: the same messages whichever command it belongs to, and
// the texts that several commands have in common. For options.cpp and run_texts.cpp only: CLI11
// takes seconds to compile.
// Errors: usage_error. Threads: pure functions.

#include "options.hpp"
#include "suggest.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::tool {

// A value that its parser refused: `--grace "2x": not a duration (want ...)`.
usage_error refused(std::string_view option, std::string_view text, const std::string& reason);

// For names of directories: an unset variable of a shell must not mean "in memory".
inline CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.empty() ? std::string("is empty; is a variable not set?") : std::string();
      },
      "");
}

template <class Parse>
auto parsed(std::string_view option, const std::string& text, Parse parse) {
  auto value = parse(text);
  if (!value) throw refused(option, text, value.error().message());
  return *std::move(value);
}

template <class Value>
struct choice {
  std::string_view name;
  Value value;
};

template <class Value, std::size_t count>
Value chosen(std::string_view option, const std::string& text,
             const std::array<choice<Value>, count>& choices) {
  std::array<std::string_view, count> names;
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    if (choices[i].name == text) return choices[i].value;
    names[i] = choices[i].name;
    if (i != 0) list += i + 1 == count ? " or " : ", ";
    list += choices[i].name;
  }
  const std::string guess = did_you_mean(text, names);
  throw refused(option, text, "want " + list + (guess.empty() ? "" : "; " + guess));
}

// Digits only. Errors: usage_error.
std::uint64_t whole_number(std::string_view option, const std::string& text);

// Output format and times of a command.
struct output_texts {
  std::string output;
  std::string times = "rfc3339";

  void add_to(CLI::App& app);
  void add_times_to(CLI::App& app);
  output_format format(const terminal_facts& terminal) const;
  time_format time() const;
};

}  // namespace lentic::tool
