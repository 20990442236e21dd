// SPDX-License-Identifier: Apache-2.0
// What an allocation that fails leaves behind in a store: nothing lost, nothing resurrected. An
// executable of its own, with failing_new.cpp.
#include "environment_life.hpp"
#include "failing_new.hpp"

#include <lentic/coro/sync_wait.hpp>
#include <lentic/digest.hpp>
#include <lentic/store/memory_store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <new>
#include <string>

namespace lentic::test {
namespace {

using model = std::map<std::string, std::string>;

text_rows rows_of(const model& known) {
  return text_rows(known.begin(), known.end());
}

// Puts and erases on a store and on a model of it. Their nth allocation fails (0: none); the
// operation that meets it is tried again or given up.
class story {
 public:
  story(byte_store& store, model& known, std::uint64_t nth, bool tries_again)
      : store_(&store), known_(&known), left_(nth), tries_again_(tries_again) {}

  void put(const std::string& key, const std::string& value) {
    if (insist([&] { store_->put(as_bytes(key), as_bytes(value)).take(); })) (*known_)[key] = value;
  }
  void erase(const std::string& key) {
    bool existed = false;
    if (!insist([&] { existed = store_->erase(as_bytes(key)).take(); })) return;
    EXPECT_EQ(existed, known_->contains(key)) << key;
    known_->erase(key);
  }

  // True when there was no nth.
  bool went_well() const { return left_ != 0; }

  // New keys, values that grow and shrink, rows of a run and of the young table that go.
  void tell(unsigned round) {
    for (unsigned i = 0; i < 40; ++i) {
      const unsigned number = (i * 7 + round) % 25;
      const std::string key = "a key that needs room of its own " + std::to_string(number);
      if (i % 4 == 3) {
        erase(key);
      } else {
        put(key, std::string((i * 37 + number) % 500, static_cast<char>('a' + i % 26)));
      }
    }
  }

 private:
  template <class Operation>
  bool insist(Operation operation) {
    const std::uint64_t before = allocations;
    fail_at = left_ == 0 ? 0 : before + left_;
    const bool done = attempt(operation) || (tries_again_ && attempt(operation));
    fail_at = 0;
    left_ -= std::min(left_, allocations - before);
    return done;
  }
  template <class Operation>
  static bool attempt(Operation& operation) {
    try {
      operation();
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  byte_store* store_;
  model* known_;
  std::uint64_t left_;  // allocations until the one that fails, that one included
  bool tries_again_;
};

class StoreAllocation : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(After, StoreAllocation, testing::Bool(), [](const auto& again) {
  return again.param ? "TryingAgain" : "GivingUp";
});

void memory_store_meets_failures(young_layout layout, bool tries_again) {
  for (std::uint64_t nth = 1;; ++nth) {
    coro::sim_disk disk(1);
    coro::sim_runtime runtime(disk, 1);
    memory_store store(layout);
    model known;
    story told(store, known, nth, tries_again);
    told.tell(0);
    store_shell shell(runtime, store);
    ASSERT_EQ(shell.scan(), rows_of(known)) << "allocation " << nth;
    std::uint64_t bytes_known = 0;
    for (const auto& [key, value] : known) bytes_known += key.size() + value.size();
    ASSERT_EQ(store.approximate_count(), known.size()) << "allocation " << nth;
    ASSERT_EQ(store.size_bytes(), bytes_known) << "allocation " << nth;
    for (unsigned i = 0; i < 25; ++i) {
      const std::string key = "a key that needs room of its own " + std::to_string(i);
      ASSERT_EQ(shell.get(key).has_value(), known.contains(key)) << "allocation " << nth;
    }
    if (told.went_well()) break;
  }
}

TEST_P(StoreAllocation, AMemoryStoreIsAsBeforeTheOperationThatFailed) {
  memory_store_meets_failures(young_layout::hashed, GetParam());
  memory_store_meets_failures(young_layout::ordered, GetParam());
}

// Of segment 1, the only one with rows.
void expect_digest(environment_life& life, const model& known) {
  segment_digest expected;
  expected.segment = 1;
  for (const auto& [key, value] : known) expected.add(as_bytes(key), as_bytes(value));
  const store_digest found = sync_wait(life.runtime(), life.env().digest("s"));
  ASSERT_EQ(found.segments.size(), 1U);
  ASSERT_EQ(found.segments[0], expected);
}

TEST_P(StoreAllocation, ACommitHoldsEveryRowOfTheOperationsThatWereDone) {
  for (std::uint64_t nth = 1;; ++nth) {
    coro::sim_disk disk(1);
    model known;
    bool ended = false;
    {
      environment_life life(disk, 1);
      life.open();
      story(life.env().open_segmented_store("s").segment(1), known, 0, true).tell(0);
      life.seal("s", 1);
      life.close();
    }
    {
      environment_life life(disk, 2);
      life.open();
      ASSERT_EQ(life.shell("s", 1).scan(), rows_of(known)) << "and from then on in memory";
      story told(life.env().open_segmented_store("s").segment(1), known, nth, GetParam());
      told.tell(1);
      ended = told.went_well();
      ASSERT_EQ(life.shell("s", 1).scan(), rows_of(known)) << "allocation " << nth;
      expect_digest(life, known);
      life.commit();
      expect_digest(life, known);
      life.kill();
    }
    environment_life life(disk, 3);
    life.open();
    ASSERT_EQ(life.shell("s", 1).scan(), rows_of(known)) << "allocation " << nth;
    expect_digest(life, known);
    life.seal("s", 1);
    ASSERT_EQ(life.shell("s", 1).scan(), rows_of(known)) << "allocation " << nth << ", sealed";
    expect_digest(life, known);
    life.close();
    if (ended) break;
  }
}

// Rows enter the digest as they are cut; those of a cut that fails are cut again.
TEST(CutAllocation, ACutThatFailsCountsNoRowTwice) {
  bool failed_once = false;
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    coro::sim_disk disk(1);
    model known;
    environment_life life(disk, 1);
    life.open();
    story told(life.env().open_segmented_store("s").segment(1), known, 0, true);
    told.tell(0);
    life.commit();
    told.tell(1);
    fail_at = allocations + nth;
    bool failed = false;
    try {
      life.env().cut();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    fail_at = 0;
    expect_digest(life, known);
    life.commit();
    expect_digest(life, known);
    told.tell(2);
    life.commit();
    expect_digest(life, known);
    if (HasFatalFailure() || (!failed && nth > 20)) break;
    failed_once = failed_once || failed;
  }
  EXPECT_TRUE(failed_once);
}

}  // namespace
}  // namespace lentic::test
