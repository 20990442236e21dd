// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rig of the tests of cold reads: a state in the simulator with a sealed segment that was found
// by an open, so that no block of it is known to be in memory; and work that is begun and watched.
// Threads: the test's.

#include "environment_life.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/when_all.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>

namespace lentic::test {

inline constexpr int row_count = 2'000;  // about 40 blocks

inline std::string key_of(int row) {
  return numbered_text("key", 100'000 + row);
}
inline std::string value_of(int row) {
  return numbered_text("value of the row ", row) + std::string(40, '.');
}

using answer = std::optional<std::string>;

inline task<answer> text_of(byte_store& store, std::string key) {
  const std::optional<value_view> found = co_await store.get(as_bytes(key));
  if (!found) co_return std::nullopt;
  co_return std::string(as_text(*found));
}

// What became of work that was begun and not awaited: its answer, or its error.
struct outcome {
  bool is_over = false;
  answer value;
  std::error_code error;
  std::string what;
};

inline task<void> note(task<answer> work, outcome& into) {
  try {
    into.value = co_await std::move(work);
  } catch (const std::system_error& failure) {
    into.error = failure.code();
    into.what = failure.what();
  }
  into.is_over = true;
}

inline task<answer> count_rows(cursor rows) {
  std::size_t count = 0;
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (block.empty()) co_return std::to_string(count);
    count += block.size();
  }
}

// A state with a sealed segment 1 of the store "cold", found by an open.
class ColdReads : public ::testing::Test {
 protected:
  explicit ColdReads(std::uint64_t seed = 7) : life_(disk_, seed) {
    life_.open();
    for (int row = 0; row < row_count; ++row) shell().put(key_of(row), value_of(row));
    life_.seal("cold", 1);
    life_.close();
    life_.open();
  }
  ~ColdReads() override { life_.let_work(); }

  environment& env() { return life_.env(); }
  segmented_store& segments() { return env().open_segmented_store("cold"); }
  byte_store& store() { return segments().segment(1); }
  store_shell shell() { return life_.shell("cold", 1); }
  std::uint64_t cold_reads() { return env().statistics().cold_reads; }
  coro::sim_engine& engine() { return life_.engine(); }

  // Begins a get and lets nothing run.
  void begin(outcome& into, int row) { works_.spawn(note(text_of(store(), key_of(row)), into)); }
  bool is_ready(int row) {
    const std::string key = key_of(row);
    return store().get(as_bytes(key)).ready();
  }
  std::string run_path() {
    for (const auto& [path, content] : files_of(disk_)) {
      if (path.ends_with(".run")) return path;
    }
    return "";
  }
  void truncate_run(std::uint64_t bytes) {
    const int process = disk_.begin_process();
    const auto fd = static_cast<int>(disk_.open(process, AT_FDCWD, run_path(), O_RDWR));
    ASSERT_EQ(disk_.truncate(fd, bytes), 0);
    disk_.end_process(process);
  }

  coro::sim_disk disk_{7};
  environment_life life_;
  coro::scope works_{life_.runtime().queue()};
};

}  // namespace lentic::test
