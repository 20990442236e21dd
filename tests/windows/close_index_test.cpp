// SPDX-License-Identifier: Apache-2.0
#include <lentic/windows/close_index.hpp>

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lentic::windows {
namespace {

using pairs = std::vector<std::pair<std::int64_t, std::string>>;

time_windows tumbling(std::int64_t size_ms) {
  time_windows_options options;
  options.size_ms = size_ms;
  return time_windows::make(options).value();
}

pairs listed(const close_index::closed_starts& closed) {
  pairs all;
  for (std::size_t i = 0; i < closed.size(); ++i)
    for (std::size_t k = 0; k < closed.keys(i).size(); ++k)
      all.emplace_back(closed.start_ms(i), as_text(closed.keys(i)[k]));
  return all;
}

pairs open_pairs(close_index& index) {
  pairs all;
  index.for_each_open(
      [&](std::int64_t start, bytes_view key) { all.emplace_back(start, as_text(key)); });
  return all;
}

TEST(CloseIndex, ClosedWindowsComeInStartThenKeyOrder) {
  close_index index(tumbling(10));
  for (const char* key : {"b", "a", "ab"}) {
    index.add(as_bytes(key), 10);
    index.add(as_bytes(key), 0);
  }
  close_index::closed_starts closed;
  EXPECT_EQ(index.take_closed(20, closed), 6U);
  EXPECT_EQ(listed(closed),
            (pairs{{0, "a"}, {0, "ab"}, {0, "b"}, {10, "a"}, {10, "ab"}, {10, "b"}}));
  EXPECT_EQ(index.size(), 0U);
}

TEST(CloseIndex, AWindowIsAddedOnce) {
  close_index index(tumbling(10));
  index.add(as_bytes("a"), 0);
  index.add(as_bytes("a"), 10);
  index.add(as_bytes("a"), 0);
  EXPECT_EQ(index.size(), 2U);
}

TEST(CloseIndex, OnlyWindowsWhoseEndIsReachedAreTaken) {
  close_index index(tumbling(10));
  index.add(as_bytes("a"), 0);
  index.add(as_bytes("a"), 10);
  close_index::closed_starts closed;
  EXPECT_EQ(index.take_closed(9, closed), 0U);
  EXPECT_EQ(index.take_closed(10, closed), 1U);
  EXPECT_EQ(listed(closed), (pairs{{0, "a"}}));
  EXPECT_EQ(open_pairs(index), (pairs{{10, "a"}}));
}

TEST(CloseIndex, ATakenWindowIsNotTakenAgain) {
  close_index index(tumbling(10));
  index.add(as_bytes("a"), 0);
  close_index::closed_starts closed;
  index.take_closed(10, closed);
  index.recycle(closed);
  EXPECT_EQ(index.take_closed(time_max, closed), 0U);
  EXPECT_TRUE(closed.empty());
}

TEST(CloseIndex, RecycledMemoryHoldsNoOldKeys) {
  close_index index(tumbling(10));
  close_index::closed_starts closed;
  for (std::int64_t start = 0; start < 200; start += 10) {
    index.add(as_bytes(std::to_string(start)), start);
    EXPECT_EQ(index.take_closed(start + 10, closed), 1U);
    EXPECT_EQ(listed(closed), (pairs{{start, std::to_string(start)}}));
    index.recycle(closed);
  }
}

TEST(CloseIndex, KeysCanBeAddedAfterTheyWereListed) {
  close_index index(tumbling(10));
  index.add(as_bytes("b"), 0);
  index.add(as_bytes("a"), 0);
  EXPECT_EQ(open_pairs(index), (pairs{{0, "a"}, {0, "b"}}));
  index.add(as_bytes("b"), 0);
  index.add(as_bytes("aa"), 0);
  EXPECT_EQ(open_pairs(index), (pairs{{0, "a"}, {0, "aa"}, {0, "b"}}));
}

TEST(CloseIndex, AgreesWithASetUnderRandomAdds) {
  std::mt19937_64 random(99);
  close_index index(tumbling(10));
  std::map<std::int64_t, std::set<std::string>> model;
  close_index::closed_starts closed;
  for (int i = 0; i < 20'000; ++i) {
    const auto start = static_cast<std::int64_t>(i / 200 + static_cast<int>(random() % 8)) * 10;
    const std::string key(random() % 4, static_cast<char>(random() % 2 == 0 ? 0xff : 'a'));
    const std::string name = key + std::to_string(random() % 50);
    index.add(as_bytes(name), start);
    model[start].insert(name);
    if (random() % 500 != 0) continue;
    const std::int64_t close = i / 20;
    index.take_closed(close, closed);
    pairs expected;
    while (!model.empty() && model.begin()->first + 10 <= close) {
      for (const std::string& k : model.begin()->second)
        expected.emplace_back(model.begin()->first, k);
      model.erase(model.begin());
    }
    ASSERT_EQ(listed(closed), expected);
    index.recycle(closed);
  }
  pairs expected;
  for (const auto& [start, keys] : model)
    for (const std::string& k : keys) expected.emplace_back(start, k);
  EXPECT_EQ(open_pairs(index), expected);
  EXPECT_EQ(index.size(), expected.size());
}

}  // namespace
}  // namespace lentic::windows
