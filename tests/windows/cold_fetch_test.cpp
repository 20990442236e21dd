// SPDX-License-Identifier: Apache-2.0
// fetch and fetch_all over windows in runs that an open has found: what has to be read is read side
// by side, and no more than the answer needs: a block for a window of a key.
#include "environment_life.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lentic::windows {
namespace {

using lentic::test::environment_life;
using lentic::test::numbered_text;

constexpr int key_count = 400;

// A segment for each of 64 windows, each sealed and each of more blocks than one.
class ColdFetch : public ::testing::Test {
 protected:
  void fill(const window_store_options& options, int windows) {
    options_ = options;
    life_.open(test::small_options());
    make();
    for (int window = 0; window < windows; ++window) {
      for (int key = 0; key < key_count; ++key)
        sync_wait(life_.runtime(), windows_->put(as_bytes(numbered_text("key", 1'000 + key)),
                                                 window * options.advance_ms, as_bytes(value_)));
    }
    windows_->closed_below(windows * options.advance_ms);
    life_.commit();
    life_.let_work();
    windows_.reset();
    life_.close();
    life_.open(test::small_options());
    make();
    // Stream time, which a topology restores.
    sync_wait(life_.runtime(),
              windows_->put(as_bytes("last"), windows * options.advance_ms, as_bytes("v")));
  }
  void make() {
    windows_ = std::make_unique<segmented_window_store>(life_.env().open_segmented_store("windows"),
                                                        options_);
  }
  std::uint64_t cold_reads() { return life_.env().statistics().cold_reads; }

  static task<void> fetch_into(window_store& from, std::string key, std::int64_t last_ms,
                               std::vector<window_entry>& to) {
    to = co_await from.fetch(as_bytes(key), 0, last_ms);
  }

  const std::string value_ = std::string(40, 'v');
  window_store_options options_;
  coro::sim_disk disk_{3};
  environment_life life_{disk_, 3};
  std::unique_ptr<segmented_window_store> windows_;
};

window_store_options one_segment_a_window() {
  window_store_options options;
  options.window_size_ms = 60'000;
  options.advance_ms = 60'000;
  options.retention_ms = 100 * 60'000;
  options.segment_interval_ms = 60'000;
  options.start_alignment_ms = 60'000;
  return options;
}

TEST_F(ColdFetch, WindowsOfOneKeyAreReadSideBySide) {
  fill(one_segment_a_window(), 60);
  const std::uint64_t before = cold_reads();
  std::vector<window_entry> found;
  coro::scope work(life_.runtime().queue());
  work.spawn(fetch_into(*windows_, "key1200", 59 * 60'000, found));
  EXPECT_EQ(life_.engine().in_flight(), 60);
  life_.let_work();
  EXPECT_EQ(found.size(), 60);
  EXPECT_EQ(cold_reads() - before, 60) << "one block for each window, and none twice";
}

TEST_F(ColdFetch, AKeyThatIsNotThereIsReadNowhere) {
  fill(one_segment_a_window(), 60);
  const std::uint64_t before = cold_reads();
  EXPECT_TRUE(
      sync_wait(life_.runtime(), windows_->fetch(as_bytes("nobody"), 0, 59 * 60'000)).empty());
  EXPECT_LE(cold_reads() - before, 3) << "filters let through about one key in 200";
}

// 24 hours that advance by one second, 64 segments: windows of a key lie next to each other.
TEST_F(ColdFetch, HoppingWindowsOfOneKeyTouchTheirBlocksAlone) {
  window_store_options hopping;
  hopping.window_size_ms = 24 * 3'600'000;
  hopping.advance_ms = 1'000;
  hopping.retention_ms = 24 * 3'600'000;
  hopping.segment_interval_ms = 10'000;
  hopping.start_alignment_ms = 1'000;
  fill(hopping, 640);
  ASSERT_EQ(life_.env().open_segmented_store("windows").segments(0, ~segment_id{0}).size(), 65);
  const std::uint64_t before = cold_reads();
  const auto found =
      sync_wait(life_.runtime(), windows_->fetch(as_bytes("key1200"), 0, 639 * 1'000));
  EXPECT_EQ(found.size(), 640);
  // The rows of a key in a segment lie in one block or two; a cursor reads a few ahead.
  EXPECT_LE(cold_reads() - before, 64 * 2);
}

TEST_F(ColdFetch, FetchAllReadsTheSegmentsThatItTouches) {
  fill(one_segment_a_window(), 20);
  const std::uint64_t before = cold_reads();
  window_cursor rows = windows_->fetch_all({5 * 60'000, 7 * 60'000});
  const auto found = sync_wait(life_.runtime(), collect(std::move(rows)));
  EXPECT_EQ(found.size(), 3 * key_count);
  EXPECT_LE(cold_reads() - before, 3 * 4) << "a few growing reads for each of three segments";
}

}  // namespace
}  // namespace lentic::windows
