// SPDX-License-Identifier: Apache-2.0
#include "option_values.hpp"

#include <charconv>
#include <system_error>

namespace lentic::tool {

namespace {

constexpr std::array<choice<output_format>, 3> outputs{{{"table", output_format::table},
                                                        {"csv", output_format::csv},
                                                        {"ndjson", output_format::ndjson}}};
constexpr std::array<choice<time_format>, 2> time_formats{
    {{"rfc3339", time_format::rfc3339}, {"ms", time_format::ms}}};

}  // namespace

usage_error refused(std::string_view option, std::string_view text, const std::string& reason) {
  return usage_error(std::string(option) + " " + in_quotes(text) + ": " + reason);
}

std::uint64_t whole_number(std::string_view option, const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end) throw refused(option, text, "not a whole number");
  return value;
}

void output_texts::add_to(CLI::App& app) {
  app.add_option("--output", output, "table, csv or ndjson; table on a terminal, else csv")
      ->type_name("FORMAT");
  add_times_to(app);
}

void output_texts::add_times_to(CLI::App& app) {
  app.add_option("--time-format", times, "rfc3339 or ms since 1970, for output")
      ->type_name("FORMAT")
      ->capture_default_str();
}

output_format output_texts::format(const terminal_facts& terminal) const {
  if (!output.empty()) return chosen("--output", output, outputs);
  return terminal.stdout_is_terminal ? output_format::table : output_format::csv;
}

time_format output_texts::time() const {
  return chosen("--time-format", times, time_formats);
}

}  // namespace lentic::tool
