// SPDX-License-Identifier: Apache-2.0
// Reads of runs whose blocks are not known to be in memory: they go through the engine, many at a
// time, and what happens to the store, the file and the environment meanwhile harms nobody.
#include "cold_reads_rig.hpp"

namespace lentic::test {
namespace {

TEST_F(ColdReads, ABlockFoundAtTheOpenIsReadThroughTheEngineOnce) {
  const std::uint64_t before = cold_reads();
  EXPECT_FALSE(is_ready(500));
  EXPECT_EQ(shell().get(key_of(500)), value_of(500));
  EXPECT_EQ(cold_reads(), before + 1);
  EXPECT_TRUE(is_ready(500));
  EXPECT_TRUE(is_ready(499)) << "its neighbour, in the same block";
  EXPECT_EQ(shell().get(key_of(500)), value_of(500));
  EXPECT_EQ(cold_reads(), before + 1);
}

TEST_F(ColdReads, AnAbsentKeyNeedsNoBlock) {
  EXPECT_TRUE(is_ready(row_count + 5'000));
}

TEST_F(ColdReads, ARunThatWasJustWrittenIsResident) {
  shell().put("one more", "row");
  life_.seal("cold", 1);
  const std::uint64_t before = cold_reads();
  for (const int row : {0, 700, row_count - 1}) EXPECT_TRUE(is_ready(row));
  EXPECT_EQ(cold_reads(), before);
}

TEST_F(ColdReads, WhatIsForgottenIsReadAgain) {
  EXPECT_EQ(shell().get(key_of(500)), value_of(500));
  env().forget_residency();
  EXPECT_FALSE(is_ready(500));
  const std::uint64_t before = cold_reads();
  EXPECT_EQ(shell().get(key_of(500)), value_of(500));
  EXPECT_EQ(cold_reads(), before + 1);
}

// Resident rows are read until the next look at the faults of the thread.
TEST_F(ColdReads, StallsAreCountedAndForgetEverything) {
  EXPECT_EQ(shell().get(key_of(500)), value_of(500));
  EXPECT_EQ(env().statistics().stalls, 0);
  engine().add_blocking_faults(3);
  int reads = 0;
  while (is_ready(500) && reads < 1'000) ++reads;
  EXPECT_LE(reads, 64);
  EXPECT_EQ(env().statistics().stalls, 3);
  EXPECT_EQ(shell().get(key_of(500)), value_of(500));
  EXPECT_TRUE(is_ready(500));
}

TEST_F(ColdReads, ABlockThatIsAskedForTwiceIsReadOnce) {
  const std::uint64_t before = cold_reads();
  outcome first;
  outcome second;
  begin(first, 500);
  begin(second, 499);
  EXPECT_EQ(engine().in_flight(), 1);
  life_.let_work();
  EXPECT_EQ(first.value, value_of(500));
  EXPECT_EQ(second.value, value_of(499));
  EXPECT_EQ(cold_reads(), before + 1);
}

TEST_F(ColdReads, ManyAreInFlight) {
  std::vector<outcome> found(20);
  for (int i = 0; i < 20; ++i) begin(found[static_cast<std::size_t>(i)], i * 100);
  EXPECT_EQ(engine().in_flight(), 20);
  EXPECT_GT(env().statistics().block_buffer_bytes, 20U * 1'000);
  life_.let_work();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(found[static_cast<std::size_t>(i)].value, value_of(i * 100));
  EXPECT_EQ(env().statistics().block_buffer_bytes, 0);
}

TEST_F(ColdReads, BuffersInFlightStayInTheirBudget) {
  env().set_block_buffer_bytes_max(10'000);
  std::vector<outcome> found(20);
  for (int i = 0; i < 20; ++i) begin(found[static_cast<std::size_t>(i)], i * 100);
  EXPECT_EQ(engine().in_flight(), 2);
  do {
    EXPECT_LE(env().statistics().block_buffer_bytes, 10'000);
    EXPECT_LE(engine().in_flight(), 2);
  } while (life_.runtime().turn());
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(found[static_cast<std::size_t>(i)].value, value_of(i * 100));
}

TEST_F(ColdReads, AnyBudgetLetsOneReadGoOn) {
  env().set_block_buffer_bytes_max(0);
  std::vector<outcome> found(5);
  for (int i = 0; i < 5; ++i) begin(found[static_cast<std::size_t>(i)], i * 100);
  EXPECT_EQ(engine().in_flight(), 1);
  life_.let_work();
  for (const outcome& each : found) EXPECT_TRUE(each.value.has_value());
}

TEST_F(ColdReads, MultiGetReadsAllItsBlocksTogether) {
  std::vector<std::string> texts;
  for (int i = 0; i < 16; ++i) texts.push_back(key_of(i * 100));
  texts.push_back("absent");
  shell().put(key_of(300), "young");
  shell().erase(key_of(400));
  std::vector<bytes_view> keys;
  for (const std::string& each : texts) keys.push_back(as_bytes(each));
  std::vector<std::optional<bytes>> values;
  const auto run = [](byte_store& from, std::span<const bytes_view> wanted,
                      std::vector<std::optional<bytes>>& to) -> task<void> {
    to = co_await from.multi_get(wanted);
  };
  works_.spawn(run(store(), keys, values));
  EXPECT_EQ(engine().in_flight(), 14);
  life_.let_work();
  ASSERT_EQ(values.size(), 17);
  for (int i = 0; i < 16; ++i) {
    const std::optional<bytes>& value = values[static_cast<std::size_t>(i)];
    if (i == 4) {
      EXPECT_FALSE(value);
    } else {
      ASSERT_TRUE(value);
      EXPECT_EQ(as_text(*value), i == 3 ? "young" : value_of(i * 100));
    }
  }
  EXPECT_FALSE(values[16]);
}

TEST_F(ColdReads, PrefetchBringsBlocksThatAGetThenFinds) {
  const std::string keys[] = {key_of(100), key_of(900)};
  const bytes_view wanted[] = {as_bytes(keys[0]), as_bytes(keys[1])};
  const std::uint64_t before = cold_reads();
  store().prefetch(wanted);
  store().prefetch(wanted);
  EXPECT_EQ(engine().in_flight(), 2);
  outcome joined;
  begin(joined, 100);
  life_.let_work();
  EXPECT_EQ(joined.value, value_of(100));
  EXPECT_TRUE(is_ready(900));
  EXPECT_EQ(cold_reads(), before + 2);
}

TEST_F(ColdReads, PrefetchThatFailsIsToldByTheGet) {
  const std::string key = key_of(100);
  const bytes_view wanted[] = {as_bytes(key)};
  engine().fail_kind(coro::io_kind::read, 1, EIO);
  store().prefetch(wanted);
  life_.let_work();
  EXPECT_EQ(shell().get(key), value_of(100));
}

TEST_F(ColdReads, EraseReadsWhatItHasToKnow) {
  EXPECT_TRUE(shell().erase(key_of(500)));
  EXPECT_FALSE(shell().get(key_of(500)));
  EXPECT_FALSE(shell().erase(key_of(500)));
  EXPECT_FALSE(shell().erase("absent"));
}

TEST_F(ColdReads, AReadErrorIsACodeThatNamesTheFile) {
  engine().fail_kind(coro::io_kind::read, 1, EIO);
  outcome failed;
  begin(failed, 500);
  life_.let_work();
  EXPECT_EQ(failed.error, std::error_code(EIO, std::system_category()));
  EXPECT_NE(failed.what.find(".run"), std::string::npos) << failed.what;
  EXPECT_EQ(shell().get(key_of(500)), value_of(500)) << "the next one tries again";
}

TEST_F(ColdReads, WhoWaitedForAReadThatFailedReadsForItself) {
  engine().fail_kind(coro::io_kind::read, 1, EIO);
  outcome failed;
  outcome joined;
  begin(failed, 500);
  begin(joined, 500);
  life_.let_work();
  EXPECT_EQ(failed.error, std::error_code(EIO, std::system_category()));
  EXPECT_EQ(joined.value, value_of(500));
}

TEST_F(ColdReads, AFileThatWasTruncatedIsACode) {
  truncate_run(8'192);
  outcome gone;
  outcome there;
  begin(gone, 1'500);
  begin(there, 1);
  life_.let_work();
  EXPECT_EQ(gone.error, errc::damaged);
  EXPECT_NE(gone.what.find(".run ends before "), std::string::npos) << gone.what;
  EXPECT_EQ(there.value, value_of(1));
  EXPECT_THROW(static_cast<void>(shell().scan()), std::system_error);
  EXPECT_THROW(static_cast<void>(shell().erase(key_of(1'500))), std::system_error);
  EXPECT_EQ(shell().get(key_of(2)), value_of(2));
}

TEST_F(ColdReads, WhatIsPutDuringAReadIsWhatItAnswers) {
  outcome got;
  begin(got, 500);
  shell().put(key_of(500), "newer");
  life_.let_work();
  EXPECT_EQ(got.value, "newer");
}

TEST_F(ColdReads, ClearDuringAReadLeavesNothing) {
  outcome got;
  begin(got, 500);
  shell().clear();
  life_.let_work();
  ASSERT_TRUE(got.is_over);
  EXPECT_FALSE(got.value);
  EXPECT_FALSE(got.error);
}

TEST_F(ColdReads, ADropDuringAReadLeavesNothing) {
  outcome got;
  begin(got, 500);
  life_.drop_below("cold", 2);
  life_.commit();
  life_.let_work();
  ASSERT_TRUE(got.is_over);
  EXPECT_FALSE(got.value);
  EXPECT_FALSE(got.error);
  EXPECT_EQ(run_path(), "") << "its file has gone";
}

TEST_F(ColdReads, ANewRunDuringAReadAnswers) {
  shell().put("more", "rows");
  for (int row = 0; row < row_count; row += 97) {
    outcome got;
    env().forget_residency();
    shell().put("more", numbered_text("rows", row));
    segments().seal_hint(1);
    life_.commit();
    begin(got, row);
    life_.let_work();
    EXPECT_EQ(got.value, value_of(row));
  }
}

// Reads that are under way answer; those that have not begun when the last of close() comes are
// refused. Which is which the seed decides.
class ClosedUnderReads : public ColdReads {
 protected:
  explicit ClosedUnderReads(std::uint64_t seed = 1) : ColdReads(seed) {}
  void TestBody() override {}

 public:
  static int refused_with(std::uint64_t seed) {
    ClosedUnderReads rig(seed);
    return rig.refused();
  }

 private:
  int refused() {
    env().set_block_buffer_bytes_max(5'000);
    std::vector<outcome> got(19);
    for (int i = 0; i < 19; ++i) begin(got[static_cast<std::size_t>(i)], i * 100);
    outcome joined;
    begin(joined, 0);
    outcome counted;
    works_.spawn(note(count_rows(store().scan()), counted));
    life_.close();
    life_.let_work();
    EXPECT_EQ(joined.value, value_of(0));
    int refusals = is_refused(counted, "2000") ? 1 : 0;
    for (int i = 0; i < 19; ++i)
      refusals += is_refused(got[static_cast<std::size_t>(i)], value_of(i * 100)) ? 1 : 0;
    return refusals;
  }
  static bool is_refused(const outcome& each, const std::string& expected) {
    EXPECT_TRUE(each.is_over);
    if (!each.error) {
      EXPECT_EQ(each.value, expected);
      return false;
    }
    EXPECT_EQ(each.error, errc::closed);
    return true;
  }
};

TEST(ColdReadsAtClose, AnswerOrAreRefused) {
  int refused = 0;
  int answered = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const int now = ClosedUnderReads::refused_with(seed);
    refused += now;
    answered += 20 - now;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(answered, 0);
}

TEST_F(ColdReads, AnEnvironmentThatIsDroppedLetsReadsEnd) {
  outcome got;
  begin(got, 500);
  life_.kill();
  life_.let_work();
  EXPECT_TRUE(got.is_over);
  EXPECT_EQ(got.error, std::error_code(EIO, std::system_category()));
}

TEST_F(ColdReads, APinOutlivesChangeDropAndFile) {
  shell().put("young", "one");
  const std::string key = key_of(500);
  std::optional<pinned_value> old = sync_wait(life_.runtime(), store().pin(as_bytes(key)));
  std::optional<pinned_value> young = sync_wait(life_.runtime(), store().pin(as_bytes("young")));
  ASSERT_TRUE(old && young);
  EXPECT_FALSE(old->is_copy());
  EXPECT_TRUE(young->is_copy());
  shell().put(key, "two");
  shell().put("young", "two");
  life_.drop_below("cold", 2);
  life_.commit();
  life_.let_work();
  EXPECT_EQ(run_path(), "");
  EXPECT_EQ(as_text(*old), value_of(500));
  EXPECT_EQ(as_text(*young), "one");
  life_.close();
  EXPECT_EQ(as_text(*old), value_of(500));
  EXPECT_FALSE(old->is_copy());
}

TEST_F(ColdReads, GetIntoCopiesIntoTheSameMemory) {
  bytes to;
  to.reserve(1'000);
  const std::byte* const memory = to.data();
  const std::string key = key_of(500);
  maybe_ready<bool> pending = store().get_into(as_bytes(key), to);
  EXPECT_FALSE(pending.ready());
  EXPECT_TRUE(sync_wait(life_.runtime(), std::move(pending)));
  EXPECT_EQ(as_text(to), value_of(500));
  EXPECT_TRUE(store().get_into(as_bytes(key), to).take());
  EXPECT_EQ(to.data(), memory);
  EXPECT_FALSE(store().get_into(as_bytes("absent"), to).take());
  EXPECT_TRUE(to.empty());
}

}  // namespace
}  // namespace lentic::test
