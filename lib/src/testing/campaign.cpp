// SPDX-License-Identifier: Apache-2.0
#include <lentic/testing/campaign.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace lentic::sim {

namespace {

std::atomic<std::uint64_t> seed_now{0};

// An assertion of the library ends the process: the seed is said then, too.
void say_seed(int) {
  const std::uint64_t seed = seed_now.load(std::memory_order_relaxed);  // one thread: no partner
  std::fprintf(stderr, "aborted in the story of seed %llu\n",
               static_cast<unsigned long long>(seed));
}

class seed_sayer {
 public:
  seed_sayer() noexcept : before_(std::signal(SIGABRT, say_seed)) {}
  seed_sayer(const seed_sayer&) = delete;
  seed_sayer& operator=(const seed_sayer&) = delete;
  ~seed_sayer() { std::signal(SIGABRT, before_); }

 private:
  void (*before_)(int);
};

std::uint64_t from_variable(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t number_of(std::string_view option, const char* text) {
  char* end = nullptr;
  const std::uint64_t number = text == nullptr ? 0 : std::strtoull(text, &end, 10);
  if (text == nullptr || *text < '0' || *text > '9' || *end != '\0')
    throw std::invalid_argument(std::string(option) + " wants a number");
  return number;
}

void add(campaign_report& report, const story_outcome& outcome) {
  ++report.stories;
  report.lives.power_cuts += outcome.lives.power_cuts;
  report.lives.kills += outcome.lives.kills;
  report.lives.failures += outcome.lives.failures;
  report.lives.trace = report.lives.trace * 31 + outcome.trace;
  report.repeated += outcome.repeated;
}

}  // namespace

campaign_options campaign_from_environment(const char* seed_variable, const char* stories_variable,
                                           std::uint64_t stories) {
  campaign_options options;
  options.first_seed = from_variable(seed_variable, options.first_seed);
  options.stories = from_variable(stories_variable, stories);
  const std::string begin = std::string(seed_variable) + "=";
  const std::string end = std::string(" ") + stories_variable + "=1";
  options.again = [begin, end](std::uint64_t seed) { return begin + std::to_string(seed) + end; };
  return options;
}

campaign_options campaign_from_arguments(int count, const char* const* values,
                                         std::uint64_t stories) {
  campaign_options options;
  options.stories = stories;
  for (int i = 1; i < count; i += 2) {
    const std::string_view option = values[i];
    const char* const value = i + 1 < count ? values[i + 1] : nullptr;
    if (option == "--seed") {
      options.first_seed = number_of(option, value);
    } else if (option == "--stories") {
      options.stories = number_of(option, value);
    } else {
      throw std::invalid_argument("usage: " + std::string(values[0]) + " [--seed N] [--stories N]");
    }
  }
  if (options.stories == 0) throw std::invalid_argument("--stories 0: nothing would be tested");
  const std::string program = count > 0 ? values[0] : "";
  options.again = [program](std::uint64_t seed) {
    return program + " --seed " + std::to_string(seed) + " --stories 1";
  };
  return options;
}

std::string campaign_report::summary() const {
  std::array<char, 20> hash{};
  std::snprintf(hash.data(), hash.size(), "%016llx", static_cast<unsigned long long>(lives.trace));
  std::string text = std::to_string(stories) + " stories, " + std::to_string(lives.power_cuts);
  text += " power cuts, " + std::to_string(lives.kills) + " kills, ";
  text += std::to_string(lives.failures) + " failed operations, " + std::to_string(repeated);
  return text + " outputs repeated, trace " + hash.data();
}

campaign_report run_campaign(const campaign_options& options,
                             const std::function<story_outcome(std::uint64_t)>& story) {
  const seed_sayer sayer;
  campaign_report report;
  for (std::uint64_t i = 0; i < options.stories; ++i) {
    const std::uint64_t seed = options.first_seed + i;
    seed_now.store(seed, std::memory_order_relaxed);
    const story_outcome outcome = story(seed);
    add(report, outcome);
    std::string failure = outcome.failure;
    if (failure.empty() && options.twice_every != 0 && i % options.twice_every == 0
        && story(seed).trace != outcome.trace)
      failure = "the story ran twice and was not the same: something is not from the seed";
    if (failure.empty()) continue;
    report.failure = failure + "\nseed " + std::to_string(seed);
    if (options.again) report.failure += "; again: " + options.again(seed);
    break;
  }
  return report;
}

campaign_report run_campaign(const campaign_options& options, job& work) {
  return run_campaign(options, [&work](std::uint64_t seed) { return run_story(seed, work); });
}

}  // namespace lentic::sim
