// SPDX-License-Identifier: Apache-2.0
// The n-th operation and the n-th allocation fail while puts wait for memory: the put fails, or it
// is done; nothing of it is lost or half there, nobody waits for ever, and no byte stays charged.
// An executable of its own, with failing_new.cpp.
#include "environment_life.hpp"
#include "failing_new.hpp"

#include <lentic/coro/io_request.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <new>
#include <string>
#include <system_error>
#include <utility>

namespace lentic::test {
namespace {

constexpr std::uint64_t budget = std::uint64_t{128} << 10;
constexpr std::size_t value_bytes = 900;
constexpr int row_count = 400;
constexpr int rows_per_commit = 20;
constexpr int rows_per_segment = 50;

environment_options tight_options() {
  environment_options options = small_options();
  options.memory_budget = budget;
  options.journal_file_bytes_max = 256 << 10;
  options.journal_bytes_kept = 1 << 20;
  return options;
}

// Four times the budget goes through it. What a put or a commit throws is counted, and the story
// goes on with the next row.
struct story {
  std::map<std::string, std::string> known;      // of puts that were done
  std::map<std::string, std::string> committed;  // of commits that were acknowledged
  int errors = 0;
  int refused = 0;  // of them over_budget
  bool poisoned = false;
  bool ended = false;
  bool disk_failed = false;
  std::string key;  // of the last put, which may go on after that
  std::string value;

  template <class Work>
  bool attempt(Work work) {
    bool done = false;
    --exempt;  // what the test itself allocates does not count
    try {
      work();
      done = true;
    } catch (const std::system_error& error) {
      ++errors;
      if (error.code() == errc::over_budget) ++refused;
      if (error.code() == errc::poisoned) poisoned = true;
    } catch (const std::bad_alloc&) {
      ++errors;
    }
    ++exempt;
    return done;
  }

  // The simulator allocates as well. Where it fails, its disk may have lost what it was about to
  // do, and it shows as a wait that ends before what is waited for.
  template <class Value>
  void wait(environment_life& life, maybe_ready<Value> work) {
    ended = false;
    try {
      sync_wait(life.runtime(), noted(std::move(work), ended));
    } catch (...) {
      disk_failed = disk_failed || !ended;
      throw;
    }
  }
  template <class Value>
  static task<void> noted(maybe_ready<Value> work, bool& ended) {
    const at_end mark(ended);
    co_await std::move(work);
  }
  class at_end {
   public:
    explicit at_end(bool& flag) noexcept : flag_(&flag) {}
    at_end(const at_end&) = delete;
    at_end& operator=(const at_end&) = delete;
    ~at_end() { *flag_ = true; }

   private:
    bool* flag_;
  };

  // Without an allocation of the test's own behind a put that is done.
  void put(environment_life& life, segment_id segment) {
    byte_store& store = life.env().open_segmented_store("s").segment(segment);
    maybe_ready<void> done = store.put(as_bytes(key), as_bytes(value));
    if (!done.ready()) wait(life, std::move(done));
  }

  void tell(environment_life& life) {
    const not_counted own;
    for (int row = 0; row < row_count && !poisoned; ++row) {
      key = numbered_text("key", row);
      value.assign(value_bytes, static_cast<char>('a' + row % 26));
      const auto segment = static_cast<segment_id>(row / rows_per_segment);
      if (attempt([&] { put(life, segment); })) known[key] = value;
      if (disk_failed) return;
      if (row % rows_per_commit != 0) continue;
      if (attempt([&] { wait(life, life.env().commit()); })) committed = known;
      if (disk_failed) return;
    }
  }
};

std::map<std::string, std::string> rows_of(environment_life& life) {
  std::map<std::string, std::string> rows;
  for (int segment = 0; segment <= row_count / rows_per_segment; ++segment) {
    for (auto& [key, value] : life.shell("s", static_cast<segment_id>(segment)).scan())
      rows[key] = value;
  }
  return rows;
}

// The keys that only one of them has, or with another value.
std::string difference(const std::map<std::string, std::string>& left,
                       const std::map<std::string, std::string>& right) {
  std::string text;
  for (const auto& [key, value] : left) {
    const auto found = right.find(key);
    if (found == right.end() || found->second != value) text += " +" + key;
  }
  for (const auto& [key, value] : right) {
    if (!left.contains(key)) text += " -" + key;
  }
  return text;
}

bool holds(const std::map<std::string, std::string>& all,
           const std::map<std::string, std::string>& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

void expect_nothing_stays_charged(environment_life& life) {
  life.let_work();
  const auto& memory = *life.env().memory();
  for (const memory_holder each :
       {memory_holder::uncommitted, memory_holder::frozen_rows, memory_holder::seals})
    EXPECT_EQ(memory.bytes_of(each), 0U) << to_text(each);
  EXPECT_LE(memory.bytes_of(memory_holder::frames), 4096U) << "what direct writes are copied to";
  EXPECT_EQ(memory.waiters(), 0U);
}

// One life with the failure, then one without.
void expect_all_of(coro::sim_disk& disk, environment_life& life, story& told) {
  ASSERT_EQ(difference(rows_of(life), told.known), "");
  life.commit();
  expect_nothing_stays_charged(life);
  life.kill();
  disk.power_cut();
  environment_life next(disk, 7);
  next.open(tight_options());
  EXPECT_EQ(difference(rows_of(next), told.known), "") << "after a power cut";
  next.close();
}

// After a sync that failed: at least what was acknowledged.
void expect_acknowledged(coro::sim_disk& disk, environment_life& life, const story& told) {
  life.kill();
  environment_life next(disk, 7);
  next.open(tight_options());
  EXPECT_TRUE(holds(rows_of(next), told.committed));
  next.close();
}

TEST(MemoryFailure, WithoutOneAllRowsFit) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(tight_options());
  story told;
  told.tell(life);
  EXPECT_EQ(told.errors, 0);
  EXPECT_EQ(told.known.size(), static_cast<std::size_t>(row_count));
  EXPECT_GE(life.env().statistics().runs_written, 4U);
  // A seal takes a block of its cursor at once, which is half of so small a budget.
  EXPECT_LE(life.env().statistics().memory_bytes_max, budget + budget / 2);
  expect_all_of(disk, life, told);
}

class MemoryFailures : public testing::TestWithParam<int> {};

TEST_P(MemoryFailures, OfTheNthOperationLoseNothing) {
  std::uint64_t n = 1;
  for (bool reached = true; reached && !HasFailure(); n += 1 + n / 40) {
    SCOPED_TRACE(testing::Message() << "operation " << n);
    coro::sim_disk disk(n);
    environment_life life(disk, n);
    life.open(tight_options());
    life.engine().fail_operation(life.engine().operations() + n, GetParam());
    story told;
    const std::uint64_t before = life.engine().operations();
    told.tell(life);
    reached = life.engine().operations() >= before + n;
    if (!reached) break;  // it would be one of those that look at the outcome
    if (!told.poisoned) {
      EXPECT_LE(told.errors, 2) << "the next call works again";
    }
    EXPECT_EQ(told.refused, 0) << "it is the system's error";
    if (told.poisoned) {
      expect_acknowledged(disk, life, told);
    } else if (!HasFailure()) {
      expect_all_of(disk, life, told);
    }
  }
  EXPECT_GT(n, 50U);
}

INSTANTIATE_TEST_SUITE_P(Of, MemoryFailures, testing::Values(ENOSPC, EIO));

TEST(MemoryFailure, AFailedSyncPoisonsAndEndsThoseWhoWait) {
  for (std::uint64_t nth = 1; nth < 12; ++nth) {
    SCOPED_TRACE(testing::Message() << "sync " << nth);
    coro::sim_disk disk(nth);
    story told;
    environment_life life(disk, nth);
    life.open(tight_options());
    life.engine().fail_kind(coro::io_kind::data_sync, nth, EIO);
    told.tell(life);
    EXPECT_TRUE(told.poisoned) << "each put is refused from then on, and none waits";
    EXPECT_EQ(told.refused, 0);
    expect_acknowledged(disk, life, told);
  }
}

TEST(MemoryFailure, OfTheNthAllocationLosesNothing) {
  std::uint64_t n = 1;
  int judged = 0;
  for (bool reached = true; reached && !HasFailure(); n += 1 + n / 16) {
    SCOPED_TRACE(testing::Message() << "allocation " << n);
    coro::sim_disk disk(n);
    story told;
    environment_life life(disk, n);
    life.open(tight_options());
    fail_at = allocations + n;
    told.tell(life);
    reached = allocations >= fail_at;
    fail_at = 0;
    if (told.disk_failed) continue;
    ++judged;
    // After a cut that failed half-way nothing can go to disk until the next one.
    EXPECT_LE(told.errors, rows_per_commit);
    if (!HasFailure()) expect_all_of(disk, life, told);
  }
  EXPECT_GT(n, 500U);
  EXPECT_GT(judged, 30);
}

// The n-th allocation of a cut fails; who waits for an earlier commit gets an answer.
TEST(MemoryFailure, WaitBehindACutThatFailedEnds) {
  for (std::uint64_t nth = 1; nth < 60; ++nth) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    environment_options options = small_options();
    options.commit_level = durability::cached;
    life.open(options);
    life.shell("s").put("a", "1");
    const commit_sequence first = life.env().cut();
    for (int i = 0; i < 50; ++i) life.shell("t").put(numbered_text("k", i), std::string(100, 'v'));
    bool failed = false;
    fail_at = allocations + nth;
    try {
      life.env().cut();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    fail_at = 0;
    try {
      sync_wait(life.runtime(), life.env().wait_durable(first, durability::synced));
    } catch (const std::bad_alloc&) {  // told
    }
    life.kill();
    if (!failed) break;
  }
}

}  // namespace
}  // namespace lentic::test
