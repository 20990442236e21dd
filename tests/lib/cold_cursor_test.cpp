// SPDX-License-Identifier: Apache-2.0
// Cursors over runs whose blocks are not known to be in memory; and a failure of each read of a
// script in turn.
#include "cold_reads_rig.hpp"

namespace lentic::test {
namespace {

TEST_F(ColdReads, CursorsReadAheadInBothDirections) {
  for (const direction order : {direction::forward, direction::backward}) {
    env().forget_residency();
    const std::uint64_t before = cold_reads();
    const text_rows all = shell().scan(order);
    ASSERT_EQ(all.size(), row_count);
    for (int row = 0; row < row_count; ++row) {
      const auto at =
          static_cast<std::size_t>(order == direction::forward ? row : row_count - 1 - row);
      ASSERT_EQ(all[at], (text_row{key_of(row), value_of(row)}));
    }
    EXPECT_LE(cold_reads() - before, 8) << "not a read for each block";
  }
}

TEST_F(ColdReads, ARangeStartsInAColdBlock) {
  for (const direction order : {direction::forward, direction::backward}) {
    env().forget_residency();
    const text_rows some = shell().range(key_of(777), key_of(783), order);
    ASSERT_EQ(some.size(), 6);
    EXPECT_EQ(some.front().first, key_of(order == direction::forward ? 777 : 782));
    EXPECT_EQ(some.back().first, key_of(order == direction::forward ? 782 : 777));
  }
}

// Young rows over a run that is forgotten now and then, changed between the blocks.
TEST_F(ColdReads, AMergeOverAColdRunSeesEachStayingKeyOnce) {
  for (const direction order : {direction::forward, direction::backward}) {
    for (int row = 0; row < row_count; row += 3) shell().put(key_of(row), "young");
    for (int row = 1; row < row_count; row += 3) static_cast<void>(shell().erase(key_of(row)));
    env().forget_residency();
    cursor rows = store().scan(order);
    std::vector<std::string> keys;
    int blocks = 0;
    for (text_rows block = shell().next(rows); !block.empty(); block = shell().next(rows)) {
      for (const auto& [key, value] : block) {
        if (key.starts_with("key")) keys.push_back(key);
      }
      if (++blocks % 2 == 0) env().forget_residency();
      if (blocks % 3 == 0) shell().put(numbered_text("other", blocks), "x");
      if (blocks == 5) segments().seal_hint(1);
      if (blocks % 5 == 0) life_.commit();
    }
    std::vector<std::string> expected;
    for (int row = 0; row < row_count; ++row) {
      if (row % 3 != 1) expected.push_back(key_of(row));
    }
    if (order == direction::backward) std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(keys, expected);
  }
}

// What is read ahead and cannot be is no error before the cursor comes there.
TEST_F(ColdReads, RowsBeforeABlockThatCannotBeReadAreHandedOut) {
  truncate_run(8'192);
  cursor rows = store().scan();
  std::size_t count = 0;
  std::error_code error;
  try {
    for (text_rows block = shell().next(rows); !block.empty(); block = shell().next(rows))
      count += block.size();
  } catch (const std::system_error& failure) {
    error = failure.code();
  }
  EXPECT_EQ(error, errc::damaged);
  EXPECT_GT(count, 60) << "two blocks";
}

TEST_F(ColdReads, ADropUnderACursorEndsIt) {
  outcome counted;
  works_.spawn(note(count_rows(store().scan()), counted));
  EXPECT_EQ(engine().in_flight(), 1);
  life_.drop_below("cold", 2);
  life_.let_work();
  EXPECT_EQ(counted.value, "0");
}

// The n-th operation fails, for n = 1, 2, ... until none does. What fails answers the code; what
// answers, answers right; and the same again, without a failure, answers right.
TEST_F(ColdReads, WhicheverReadFailsNothingIsWrongAndNothingIsLost) {
  const auto check = [this](bool strict) {
    int failures = 0;
    const auto attempt = [&failures, strict](const std::function<void()>& step) {
      try {
        step();
      } catch (const std::system_error& error) {
        EXPECT_FALSE(strict) << error.what();
        EXPECT_EQ(error.code(), std::error_code(EIO, std::system_category()));
        ++failures;
      }
    };
    env().forget_residency();
    attempt([this] { EXPECT_EQ(shell().get(key_of(50)), value_of(50)); });
    attempt([this] { EXPECT_EQ(shell().scan().size(), row_count); });
    env().forget_residency();
    attempt([this] { EXPECT_EQ(shell().scan(direction::backward).size(), row_count); });
    env().forget_residency();
    attempt([this] {
      const auto values = shell().multi_get({key_of(1), key_of(700), "absent", key_of(1'400)});
      EXPECT_EQ(values, (std::vector<answer>{value_of(1), value_of(700), {}, value_of(1'400)}));
    });
    env().forget_residency();
    attempt([this] { EXPECT_TRUE(shell().contains(key_of(1'999))); });
    return failures;
  };
  int failed = 0;
  for (std::uint64_t n = 1; n < 1'000; ++n) {
    const std::uint64_t number = engine().operations() + n;
    engine().fail_operation(number, EIO);
    failed += check(false);
    if (engine().operations() < number) break;
  }
  EXPECT_GE(failed, 5);
  static_cast<void>(check(false));  // past the last number
  life_.close();
  life_.open();
  EXPECT_EQ(check(true), 0);
}

}  // namespace
}  // namespace lentic::test
