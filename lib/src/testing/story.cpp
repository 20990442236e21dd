// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/sync_wait.hpp>
#include <lentic/testing/story.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <system_error>

namespace lentic::sim {

namespace {

// What is wrong with this life; empty when nothing is.
std::string play(life& now, job& work, reader& out) {
  try {
    sync_wait(now.runtime(), work.live(now, out));
  } catch (const std::system_error& error) {
    if (!now.is_struck()) return std::string("an error without a cause: ") + error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
  if (!now.is_struck()) now.strike_now();
  return {};
}

std::string judge(job& work, const reader& out) {
  return out.failure().empty() ? work.check(out.text()) : out.failure();
}

// Answers how many operations it took.
std::uint64_t run_undisturbed(std::uint64_t seed, job& work, story_outcome& outcome) {
  lives_options alone;
  alone.crashes_min = 0;
  alone.crashes_max = 0;
  alone.faulty_permille = 0;
  reader out;
  std::uint64_t operations = 0;
  const auto live = [&](life& now) {
    outcome.failure = play(now, work, out);
    operations = now.engine().operations();
    return true;
  };
  outcome.trace = run_lives(seed, alone, live).trace;
  if (outcome.failure.empty()) outcome.failure = judge(work, out);
  if (!outcome.failure.empty()) outcome.failure = "undisturbed: " + outcome.failure;
  return operations;
}

// Takes the first line off; "the end" when there is none.
std::string next_line(std::string_view& text) {
  if (text.empty()) return "the end";
  const std::size_t end = std::min(text.find('\n'), text.size() - 1);
  std::string line = '"' + std::string(text.substr(0, end + (text[end] == '\n' ? 0 : 1))) + '"';
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

std::string difference(std::string_view output, std::string_view expected) {
  for (std::size_t number = 1; !output.empty() || !expected.empty(); ++number) {
    const std::string found = next_line(output);
    const std::string wanted = next_line(expected);
    if (found == wanted) continue;
    std::string told = "line " + std::to_string(number);
    told.append(" is ").append(found).append(", not ").append(wanted);
    return told;
  }
  return {};
}

lives_options story_lives() {
  lives_options options;
  options.odds = {1, 5, 2, 2};
  return options;
}

story_outcome run_story(std::uint64_t seed, job& work, const lives_options& options) {
  story_outcome outcome;
  const std::uint64_t operations = run_undisturbed(seed, work, outcome);
  if (!outcome.failure.empty()) return outcome;
  reader out;
  const auto live = [&](life& now) {
    // Half of the lives are short, so that several crashes find work left to do.
    now.strike_within(now.random().chance(500) ? operations : operations / 3 + 1);
    outcome.failure = play(now, work, out);
    return outcome.failure.empty();
  };
  outcome.lives = run_lives(seed, options, live);
  outcome.repeated = out.repeated();
  outcome.trace = outcome.trace * 31 + outcome.lives.trace;
  outcome.trace = outcome.trace * 31 + std::hash<std::string>()(out.text());
  if (outcome.failure.empty()) outcome.failure = judge(work, out);
  return outcome;
}

}  // namespace lentic::sim
