// SPDX-License-Identifier: Apache-2.0
// The harness itself: it passes a sound job, finds each kind of broken one, and repeats itself.
#include <lentic/errc.hpp>
#include <lentic/testing/campaign.hpp>

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>

namespace lentic::sim {
namespace {

enum class mistake {
  none,
  position_apart,       // position and row in two commits
  acknowledged_unread,  // output that nobody read is acknowledged
  output_twice,         // a static counter decides what is written
  breaks_an_invariant,
  throws_without_cause,
};

// Counts to 24 in a store, tells each number, commits every third.
class counter final : public job {
 public:
  explicit counter(mistake made) : made_(made) {}

  task<void> live(life& now, reader& out) override {
    const auto env = co_await environment::open(now.runtime(), now.options());
    byte_store& store = env->open_byte_store("counter");
    const auto stored = env->position("source");
    int number = stored ? std::stoi(std::string(as_text(*stored))) : 0;
    ++lives_;
    while (number < 24) {
      const std::string text = std::to_string(++number);
      co_await store.put(as_bytes("last"), as_bytes(text));
      env->append_output(as_bytes(line_of(number) + "\n"));
      if (number % 3 != 0) continue;
      if (made_ == mistake::position_apart) co_await env->commit();
      env->set_position("source", as_bytes(text));
      const commit_sequence sequence = co_await env->commit();
      if (made_ == mistake::acknowledged_unread && number == 12) env->acknowledge(sequence);
      out.read(*env);
    }
    out.read(*env);
    co_await env->commit();
    end(now);
    co_await env->close();
  }
  std::string check(const std::string& output) override {
    std::string expected;
    for (int number = 1; number <= 24; ++number) expected += std::to_string(number) + "\n";
    return difference(output, expected);
  }

 private:
  std::string line_of(int number) const {
    const bool wrong = made_ == mistake::output_twice && lives_ > 40;
    return std::to_string(number) + (wrong ? "!" : "");
  }
  void end(const life& now) const {
    if (made_ == mistake::throws_without_cause && now.is_last())
      fail(errc::invalid_argument, "the last life");
    if (made_ == mistake::breaks_an_invariant && now.is_last())
      throw std::logic_error("an invariant");
  }

  mistake made_;
  int lives_ = 0;
};

campaign_report run(mistake made, std::uint64_t stories) {
  counter work(made);
  campaign_options options;
  options.stories = stories;
  options.again = [](std::uint64_t seed) { return "run " + std::to_string(seed); };
  return run_campaign(options, work);
}

TEST(Testing, ASoundJobPassesAndIsStruckInEveryWay) {
  const campaign_report report = run(mistake::none, 200);
  EXPECT_EQ(report.failure, "");
  EXPECT_EQ(report.stories, 200U);
  EXPECT_GT(report.lives.power_cuts, 100U);
  EXPECT_GT(report.lives.kills, 30U);
  EXPECT_GT(report.lives.failures, 30U);
  EXPECT_GT(report.repeated, 50U);
  EXPECT_EQ(run(mistake::none, 200).lives.trace, report.lives.trace);
}

TEST(Testing, SeedsDiffer) {
  std::set<std::uint64_t> traces;
  counter work(mistake::none);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) traces.insert(run_story(seed, work).trace);
  EXPECT_EQ(traces.size(), 50U);
}

TEST(Testing, APositionCommittedApartIsFoundAndItsSeedShowsItAgain) {
  const campaign_report report = run(mistake::position_apart, 200);
  ASSERT_NE(report.failure, "");
  EXPECT_EQ(report.failure.rfind("line ", 0), 0U) << report.failure;
  const std::size_t at = report.failure.find("\nseed ");
  ASSERT_NE(at, std::string::npos);
  const std::uint64_t seed = std::stoull(report.failure.substr(at + 6));
  EXPECT_TRUE(report.failure.ends_with("; again: run " + std::to_string(seed)));
  counter work(mistake::position_apart);
  EXPECT_EQ(run_story(seed, work).failure, report.failure.substr(0, at));
}

TEST(Testing, OutputThatNobodyReadIsFoundWithoutACrash) {
  EXPECT_EQ(run(mistake::acknowledged_unread, 1).failure,
            "undisturbed: line 10 is \"13\", not \"10\"\nseed 1; again: run 1");
}

TEST(Testing, StateThatAProcessWouldLoseIsFound) {
  EXPECT_NE(run(mistake::output_twice, 200).failure, "");
}

TEST(Testing, ErrorsWithoutACauseAreFound) {
  EXPECT_NE(run(mistake::throws_without_cause, 1).failure.find("an error without a cause"),
            std::string::npos);
  EXPECT_NE(run(mistake::breaks_an_invariant, 1).failure.find("an invariant"), std::string::npos);
}

TEST(Testing, AJobThatIsNotFromTheSeedIsTold) {
  std::uint64_t call = 0;
  const auto story = [&call](std::uint64_t) {
    story_outcome outcome;
    outcome.trace = ++call;
    return outcome;
  };
  campaign_options options;
  options.stories = 5;
  EXPECT_NE(run_campaign(options, story).failure.find("ran twice"), std::string::npos);
}

TEST(Testing, TheFirstDifferentLineIsNamed) {
  EXPECT_EQ(difference("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(difference("a\nc\n", "a\nb\n"), "line 2 is \"c\", not \"b\"");
  EXPECT_EQ(difference("a\n", "a\nb\n"), "line 2 is the end, not \"b\"");
  EXPECT_EQ(difference("a\nb", "a\n"), "line 2 is \"b\", not the end");
}

TEST(Testing, ArgumentsAreReadAndWrongOnesRefused) {
  const std::array<const char*, 5> good{"prog", "--seed", "7", "--stories", "3"};
  const campaign_options options = campaign_from_arguments(5, good.data(), 100);
  EXPECT_EQ(options.first_seed, 7U);
  EXPECT_EQ(options.stories, 3U);
  EXPECT_EQ(options.again(9), "prog --seed 9 --stories 1");
  EXPECT_EQ(campaign_from_arguments(1, good.data(), 100).stories, 100U);
  EXPECT_THROW(campaign_from_arguments(2, good.data(), 1), std::invalid_argument);
  const std::array<const char*, 3> wrong{"prog", "--seed", "x"};
  EXPECT_THROW(campaign_from_arguments(3, wrong.data(), 1), std::invalid_argument);
  const std::array<const char*, 3> unknown{"prog", "--sed", "1"};
  EXPECT_THROW(campaign_from_arguments(3, unknown.data(), 1), std::invalid_argument);
}

}  // namespace
}  // namespace lentic::sim
