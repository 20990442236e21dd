// SPDX-License-Identifier: Apache-2.0
// What verify says of a state whose bytes all pass their checksums, and of one that is no run's.
// Flipped bytes are tried from outside: tests/integration/command/verify.py.
#include "verify_command.hpp"

#include "position_proof.hpp"
#include "row_job.hpp"
#include "run_state.hpp"
#include "stored_windows.hpp"

#include <lentic/coro/sim_runtime.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/environment.hpp>
#include <lentic/timestamped_value.hpp>
#include <lentic/windows/key_schema.hpp>

#include <gtest/gtest.h>

namespace lentic::tool {
namespace {

// Of `--window tumbling:1h --agg count`, retention 1 h: segments of four hours.
run_options options_of_hours() {
  run_options options;
  options.key_field = "k";
  options.ts_field = "t";
  options.window = parse_window("tumbling:1h").value();
  options.retention_ms = options.window.size_ms;
  options.aggregates = parse_aggregates("count");
  return options;
}

stored_run run_of_hours() {
  const run_options options = options_of_hours();
  stored_run run;
  run.topology = encode_topology(topology_of(options));
  run.types = aggregator(options.aggregates).encode_types();
  return run;
}

struct state_on_disk {
  state_on_disk() : disk(1), runtime(disk, 1) {
    environment_options chosen;
    chosen.directory = "state";
    env = coro::sync_wait(runtime, environment::open(runtime, chosen));
  }
  void put(std::string_view store, segment_id segment, bytes_view key, bytes_view value) {
    byte_store& target = env->open_segmented_store(store).segment(segment);
    const auto done = [](byte_store& to, bytes_view row_key, bytes_view row_value) -> task<void> {
      co_await to.put(row_key, row_value);
    };
    coro::sync_wait(runtime, done(target, key, value));
  }
  void put_run(stored_run run) {
    byte_store& target = env->open_byte_store(run_store_name);
    coro::sync_wait(runtime, save_run(target, run));
    coro::sync_wait(runtime, put_clock());
  }
  task<void> put_clock() {
    const run_options options = options_of_hours();
    row_job job(*env, options);
    co_await job.open();
    co_await job.stage();
    co_await job.close();
  }
  verify_report verified() {
    const auto end = [](environment& closing) -> task<void> {
      co_await closing.commit();
      co_await closing.close();
    };
    coro::sync_wait(runtime, end(*env));
    verify_options options;
    options.state_directory = "state";
    options.times = time_format::ms;
    return coro::sync_wait(runtime, verify(runtime, options, [](std::string_view) {}));
  }

  coro::sim_disk disk;
  coro::sim_runtime runtime;
  std::unique_ptr<environment> env;
};

bytes window_key_of(std::string_view key, std::int64_t start_ms) {
  windows::window_key window;
  window.key = as_bytes(key);
  window.start_ms = start_ms;
  return windows::encode(window).value();
}

// One row counted.
bytes count_of(std::size_t value_bytes) {
  bytes counted(value_bytes);
  counted.back() = std::byte{1};
  timestamped_value stored;
  stored.value = counted;
  return encode(stored);
}

TEST(Verify, SoundRunIsCountedAndCalledSound) {
  state_on_disk state;
  state.put_run(run_of_hours());
  state.put("windows", 1, window_key_of("a", 14'400'000), count_of(8));
  state.env->set_position("input", as_bytes(encode_position({})));
  const verify_report found = state.verified();
  EXPECT_EQ(found.damages, 0U) << found.text;
  EXPECT_NE(found.text.find("store windows: 1 segments, 1 rows, 29 bytes\n"), std::string::npos)
      << found.text;
  EXPECT_NE(found.text.find("\nsound: commit 1, 3 stores, 3 segments, 6 rows"), std::string::npos)
      << found.text;
}

TEST(Verify, StoresOfAnotherProgramAreReadAndNotInterpreted) {
  state_on_disk state;
  state.put("windows", 3, as_bytes("no window's key"), as_bytes("v"));
  state.put("other", 0, {}, {});
  const verify_report found = state.verified();
  EXPECT_EQ(found.damages, 0U) << found.text;
  EXPECT_NE(found.text.find("sound: commit 1, 2 stores, 2 segments, 2 rows, 16 bytes"),
            std::string::npos)
      << found.text;
}

TEST(Verify, RowsOfARunThatDoNotDecodeAreEachNamed) {
  state_on_disk state;
  state.put_run(run_of_hours());
  state.put("windows", 1, as_bytes("short"), count_of(8));
  state.put("windows", 1, window_key_of("a", 0), count_of(8));
  state.put("windows", 1, window_key_of("b", 14'400'000), count_of(7));
  state.put("windows", 1, window_key_of("c", 14'400'000), as_bytes("x"));
  const verify_report found = state.verified();
  EXPECT_EQ(found.damages, 4U) << found.text;
  for (const char* line :
       {"damaged: store windows, segment 1, row 73686f7274: its key is no window's key\n",
        "row 61000000000000000000000000: its window belongs to another segment\n",
        "row 620000000000dbba0000000000: its value does not decode\n",
        "row 630000000000dbba0000000000: its value does not decode\n", "damaged, 4 found: "})
    EXPECT_NE(found.text.find(line), std::string::npos) << line << found.text;
}

TEST(Verify, ManyBadRowsOfASegmentAreCountedNotListed) {
  state_on_disk state;
  state.put_run(run_of_hours());
  for (int n = 10; n < 40; ++n) state.put("windows", 0, as_bytes(std::to_string(n)), {});
  const verify_report found = state.verified();
  EXPECT_EQ(found.damages, 30U);
  EXPECT_NE(found.text.find("and 20 more rows of this segment\n"), std::string::npos) << found.text;
}

TEST(Verify, RecordsAndPositionOfARunThatDoNotDecodeAreNamed) {
  state_on_disk position;
  position.put_run(run_of_hours());
  position.env->set_position("input", as_bytes("nonsense"));
  const verify_report first = position.verified();
  EXPECT_EQ(first.damages, 1U);
  EXPECT_NE(first.text.find("damaged: position input: "), std::string::npos) << first.text;

  state_on_disk records;
  stored_run run = run_of_hours();
  run.topology = "nonsense";
  records.put_run(run);
  const verify_report second = records.verified();
  EXPECT_EQ(second.damages, 1U);
  EXPECT_NE(second.text.find("damaged: the records of the run, store run: "), std::string::npos)
      << second.text;
}

TEST(Verify, RecordsThatMakeNoTopologyAreNamedAndTheStoresAreRead) {
  state_on_disk state;
  run_options options = options_of_hours();
  options.retention_ms = 1;
  stored_run run = run_of_hours();
  run.topology = encode_topology(topology_of(options));
  state.put_run(run);
  state.put("windows", 1, window_key_of("a", 14'400'000), count_of(8));
  const verify_report found = state.verified();
  EXPECT_EQ(found.damages, 1U) << found.text;
  for (const char* line : {"damaged: the records of the run, store run: ",
                           "store windows: 1 segments, 1 rows, 29 bytes\n"})
    EXPECT_NE(found.text.find(line), std::string::npos) << line << found.text;
}

}  // namespace
}  // namespace lentic::tool
