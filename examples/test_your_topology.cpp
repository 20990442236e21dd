// SPDX-License-Identifier: Apache-2.0
// A topology of your own on a disk that tears, forgets and fails, on virtual time, from a seed.
// Runs 300 stories, or `[--seed N] [--stories N]`; a broken one is named with its seed, which shows
// it again. With MISTAKEN in its environment it makes a mistake that is there to be found.
#include <lentic/process/pipe.hpp>
#include <lentic/testing/campaign.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

// README: from here
using namespace lentic;
using balance_change = process::change_of<std::int64_t>;
using balance_record = process::record<std::string, balance_change>;

// What runs in production, too: each payment is told with the balance that it leaves.
process::topology balances() {
  process::topology work;
  work.source<std::string, std::int64_t>("payments") | process::group_by_key()
      | process::reduce("balances",
                        [](std::int64_t sum, std::int64_t value) { return sum + value; })
      | process::sink("told", [](const balance_record& next, std::string& line) {
          line += next.key + ' ' + std::to_string(next.value.new_value.value()) + '\n';
        });
  return work;
}

constexpr std::int64_t payments = 60;
std::string account_of(std::int64_t number) {
  return number % 3 == 0 ? "anna" : "ben";
}

class balances_job final : public sim::job {
 public:
  explicit balances_job(bool mistaken) : mistaken_(mistaken) {}

  // One process: as main() of the real one, on the runtime that it is given.
  task<void> live(sim::life& now, sim::reader& out) override {
    const auto env = co_await environment::open(now.runtime(), now.options());
    process::stream_task work(*env, balances());
    co_await work.open();
    auto& source = work.source_of<std::string, std::int64_t>("payments");
    const auto stored = env->position("payments");
    std::int64_t number = stored ? std::stol(std::string(as_text(*stored))) : 0;
    while (number < payments) {
      process::record<std::string, std::int64_t> next(account_of(number), number, number);
      co_await work.process(source, next);
      ++number;
      if (number % 5 != 0) continue;
      if (mistaken_) co_await work.commit();  // the mistake: sums without their position
      work.set_position("payments", as_bytes(std::to_string(number)));
      co_await work.commit();
      out.read(*env);  // what is durable goes to the reader
    }
    out.read(*env);
    co_await work.commit();  // that it was read
    co_await work.close();
    co_await env->close();
  }

  // The same without lentic.
  std::string check(const std::string& output) override {
    std::map<std::string, std::int64_t> sums;
    std::string expected;
    for (std::int64_t number = 0; number < payments; ++number) {
      const std::int64_t sum = sums[account_of(number)] += number;
      expected += account_of(number) + ' ' + std::to_string(sum) + '\n';
    }
    return sim::difference(output, expected);
  }

 private:
  bool mistaken_;
};

int main(int count, char** values) try {
  balances_job job(std::getenv("MISTAKEN") != nullptr);
  const auto options = sim::campaign_from_arguments(count, values, 300);
  const sim::campaign_report report = sim::run_campaign(options, job);
  std::cout << report.summary() << '\n';
  std::cerr << report.failure << (report.failure.empty() ? "" : "\n");
  return report.failure.empty() ? 0 : 1;
} catch (const std::invalid_argument& wrong) {
  std::cerr << wrong.what() << '\n';
  return 2;
}
