// SPDX-License-Identifier: Apache-2.0
#pragma once

// story: a job of your own - environment, topology, records - that dies again and again on a
// simulated disk, and what its readers make of its output. docs/testing.md shows one.
//
//   class my_job final : public lentic::sim::job {
//     task<void> live(sim::life& now, sim::reader& out) override {
//       const auto env = co_await environment::open(now.runtime(), now.options());
//       ...                    // resume from env->position(), feed, commit, out.read(*env)
//       co_await env->close();
//     }
//     std::string check(const std::string& output) override { ... }
//   };
//
// A story is one life that nothing disturbs, over a disk of its own, and then several over another:
// a power cut, a kill or a failing operation strikes each at an operation drawn from the seed; the
// last one comes to its end. Both outputs are checked. Broken is: an output that check() objects
// to, an error without a cause, a coroutine that waits for ever, a batch that comes again changed.
//
// Threads: one. Determinism: the job takes time from now.runtime(), chance from now.random(), and
// never orders by address; run_campaign() tells when it does.
// Not covered: what the job does outside of the environment, such as files that it writes itself.

#include <lentic/task.hpp>
#include <lentic/testing/lives.hpp>
#include <lentic/testing/reader.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace lentic::sim {

class job {
 public:
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  virtual ~job() = default;

  // One process, from its start to its end. After a crash every operation fails, and what it throws
  // is expected; it need not close. Nothing may be kept in the job from one life to the next that a
  // process would lose. Both arguments outlive the task.
  virtual task<void> live(life& now, reader& out) = 0;
  // What is wrong with the whole output; empty when nothing is.
  virtual std::string check(const std::string& output) = 0;
};

// For check(): the first line that differs, as "line 3 is \"b 4\", not \"b 5\"". Empty when equal.
std::string difference(std::string_view output, std::string_view expected);

struct story_outcome {
  std::string failure;  // empty when nothing was broken
  lives_outcome lives;
  std::uint64_t repeated = 0;  // batches that were delivered again
  std::uint64_t trace = 0;     // equal for equal seeds
};

// Crashes and failing operations.
lives_options story_lives();

story_outcome run_story(std::uint64_t seed, job& work,
                        const lives_options& options = story_lives());

}  // namespace lentic::sim
