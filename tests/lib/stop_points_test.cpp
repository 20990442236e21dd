// SPDX-License-Identifier: Apache-2.0
// A script of puts, commits, queries and cursors is asked to stop at its k-th suspension, for every
// k, on a simulated disk. Whoever waits leaves or completes; what was cut goes on.

#include "environment_life.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/use_task.hpp>
#include <lentic/query.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

constexpr std::size_t steps_of_script = 6;

// The rows after `steps` steps: each adds one, and all of them hold the number of the last.
std::string rows_after(std::size_t steps) {
  std::string rows;
  for (std::size_t i = 1; i <= steps; ++i) {
    rows += "k" + std::to_string(i) + "=" + std::to_string(steps) + " ";
  }
  return rows;
}

struct row_text {
  std::string text;
  void operator()(const row& each) {
    text += std::string(as_text(each.key)) + "=" + std::string(as_text(each.value)) + " ";
  }
};

task<std::string> rows_of(environment& env) {
  cursor rows = env.open_byte_store("s").scan();
  row_text visitor;
  co_await for_each_row(rows, visitor);
  co_return visitor.text;
}

task<std::string> rows_for_a_query(environment& env) {
  co_return co_await rows_of(env);
}

struct outcome {
  std::size_t cuts = 0;          // steps whose commit was cut
  std::size_t acknowledged = 0;  // steps whose commit was waited for to its end
  commit_sequence last_cut = 0;
  bool ended = false;
  bool aborted = false;
  std::error_code other;
};

class stop_points {
 public:
  stop_points(coro::sim_disk& disk, std::uint64_t seed) : life_(disk, seed), context_(1) {
    life_.open();
  }

  // Steps until the script has ended; at the k-th, asks it to stop. False when it ended before.
  bool run(std::size_t k, bool cut_power) {
    coro::scope work(life_.runtime().queue());
    work.spawn(noted_script());
    bool asked = false;
    for (std::size_t i = 1; !end_.ended; ++i) {
      if (i == k) {
        asked = true;
        source_.request_stop();
        if (cut_power) life_.engine().cut_power();
      }
      step();
    }
    sync_wait(life_.runtime(), work.join());
    return asked;
  }
  const outcome& end() const noexcept { return end_; }
  environment_life& life() noexcept { return life_; }

 private:
  void step() {
    if (life_.runtime().queue().run_one()) return;
    context_.restart();
    if (context_.poll_one() != 0) return;
    ASSERT_TRUE(life_.runtime().turn()) << "the script waits for ever";
  }

  task<void> script(coro::stop_token stop) {
    environment& env = life_.env();
    byte_store& store = env.open_byte_store("s");
    for (std::size_t step = 1; step <= steps_of_script; ++step) {
      const std::string value = std::to_string(step);
      for (std::size_t i = 1; i <= step; ++i) {
        const std::string key = "k" + std::to_string(i);
        co_await store.put(as_bytes(key), as_bytes(value));
      }
      if (step == 3) env.open_segmented_store("s").seal_hint(0);
      co_await commit_step(env, stop, step);
      auto token = asio::bind_executor(context_, coro::use_task);
      const std::string queried = co_await async_query(env, rows_for_a_query, token);
      EXPECT_EQ(queried, rows_after(step));
    }
  }

  // In odd steps by hand, in even ones at once.
  task<void> commit_step(environment& env, coro::stop_token stop, std::size_t step) {
    if (step % 2 == 0) {
      const commit_sequence before = end_.last_cut;
      maybe_ready<commit_sequence> committing = env.commit(stop);
      end_.last_cut = before + 1;
      end_.cuts = step;
      co_await committing;
    } else {
      end_.last_cut = env.cut();
      end_.cuts = step;
      co_await env.wait_durable(end_.last_cut, stop);
    }
    end_.acknowledged = step;
  }

  task<void> noted_script() {
    try {
      co_await script(coro::stop_token(source_));
    } catch (const std::system_error& failure) {
      end_.aborted = coro::is_aborted(failure.code());
      if (!end_.aborted) end_.other = failure.code();
    }
    end_.ended = true;
  }

  environment_life life_;
  asio::io_context context_;
  coro::stop_source source_;
  outcome end_;
};

std::string rows_on(coro::sim_disk& disk, std::uint64_t seed) {
  environment_life life(disk, seed);
  life.open();
  const std::string rows = sync_wait(life.runtime(), rows_of(life.env()));
  life.close();
  return rows;
}

class stop_points_suite : public testing::TestWithParam<std::uint64_t> {};

TEST_P(stop_points_suite, StoppedCommitGoesOnAndItsFateIsLastDurable) {
  const std::uint64_t seed = GetParam();
  std::size_t left_while_waiting = 0;
  std::size_t k = 1;
  for (bool asked = true; asked; ++k) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", suspension " + std::to_string(k));
    coro::sim_disk disk(seed);
    stop_points points(disk, seed);
    asked = points.run(k, false);
    const outcome end = points.end();
    ASSERT_FALSE(end.other) << end.other.message();
    ASSERT_TRUE(asked || !end.aborted);
    ASSERT_EQ(end.aborted, end.acknowledged != steps_of_script);
    points.life().let_work();
    ASSERT_EQ(points.life().env().last_durable(), end.last_cut);
    if (end.cuts > end.acknowledged) ++left_while_waiting;
    points.life().close();
    ASSERT_EQ(rows_on(disk, seed), rows_after(end.cuts));
  }
  EXPECT_GT(left_while_waiting, 0U) << "no commit was ever left";
  EXPECT_GT(k, 2 * steps_of_script);
}

TEST_P(stop_points_suite, PowerCutWhileStoppingLeavesAPrefixThatHoldsEveryAcknowledgedStep) {
  const std::uint64_t seed = GetParam();
  bool asked = true;
  for (std::size_t k = 1; asked; ++k) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", suspension " + std::to_string(k));
    coro::sim_disk disk(seed);
    outcome end;
    {
      stop_points points(disk, seed);
      asked = points.run(k, true);
      end = points.end();
    }
    const std::string rows = rows_on(disk, seed);
    std::size_t steps = 0;
    while (steps <= steps_of_script && rows != rows_after(steps)) ++steps;
    ASSERT_LE(steps, end.cuts) << "found " << rows;
    ASSERT_GE(steps, end.acknowledged) << "found " << rows;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, stop_points_suite, testing::Values(1, 2, 3));

}  // namespace
}  // namespace lentic::test
