// SPDX-License-Identifier: Apache-2.0
#include <lentic/memory_account.hpp>

#include <gtest/gtest.h>

namespace lentic {
namespace {

TEST(MemoryAccount, WithoutABudgetAdmitsEverythingAndCounts) {
  memory_account account;
  account.charge(memory_holder::rows, 100);
  account.charge(memory_holder::frames, 50);
  account.credit(memory_holder::rows, 40);
  EXPECT_TRUE(account.admits(std::uint64_t{1} << 61));
  EXPECT_EQ(account.bytes(), 110U);
  EXPECT_EQ(account.bytes_max(), 150U);
  EXPECT_EQ(account.bytes_of(memory_holder::rows), 60U);
}

TEST(MemoryAccount, KeepsAnEighthForFlushes) {
  memory_account account(800);
  account.charge(memory_holder::rows, 690);
  EXPECT_TRUE(account.admits(10));
  EXPECT_FALSE(account.admits(11));
  {
    const memory_account::flush_guard flushing(account);
    EXPECT_TRUE(account.admits(110));
    EXPECT_FALSE(account.admits(111));
  }
  EXPECT_FALSE(account.admits(11));
}

TEST(MemoryAccount, NobodyOvertakesAWaiterButAFlush) {
  memory_account account(800);
  {
    const memory_account::wait_guard waiting(account);
    EXPECT_FALSE(account.admits(1));
    EXPECT_TRUE(account.admits_waiter(700));
    const memory_account::flush_guard flushing(account);
    EXPECT_TRUE(account.admits(800));
  }
  EXPECT_TRUE(account.admits(700));
}

TEST(MemoryAccount, NamesTheLargestHolderFirst) {
  memory_account account(1000);
  account.charge(memory_holder::frames, 10);
  account.charge(memory_holder::uncommitted, 30);
  account.charge(memory_holder::outbox, 20);
  EXPECT_EQ(account.describe(), "60 of 1000 bytes: uncommitted rows 30, outbox 20, frames 10");
}

TEST(MemoryShare, EndsWithItsHolderAndMovesWhole) {
  memory_account account;
  {
    memory_share share(&account, memory_holder::rows);
    share.set(100);
    share.set(60);
    share.move_to(memory_holder::frozen_rows);
    EXPECT_EQ(account.bytes_of(memory_holder::rows), 0U);
    EXPECT_EQ(account.bytes_of(memory_holder::frozen_rows), 60U);
    share.add(5);
    EXPECT_EQ(account.bytes(), 65U);
  }
  EXPECT_EQ(account.bytes(), 0U);
  EXPECT_EQ(account.bytes_of(memory_holder::frozen_rows), 0U);
}

class donor final : public memory_donor {
 public:
  explicit donor(std::uint64_t bytes) : left_(bytes) {}
  std::uint64_t give_up(std::uint64_t wanted) noexcept override {
    const std::uint64_t given = wanted < left_ ? wanted : left_;
    left_ -= given;
    return given;
  }

 private:
  std::uint64_t left_;
};

TEST(MemoryAccount, AsksItsDonorsInTurn) {
  memory_account account(1000);
  donor first(30);
  donor second(30);
  account.add_donor(first);
  account.add_donor(second);
  EXPECT_EQ(account.collect(40), 40U);
  EXPECT_EQ(account.collect(40), 20U);
  account.remove_donor(first);
  account.remove_donor(second);
  EXPECT_EQ(account.collect(40), 0U);
}

}  // namespace
}  // namespace lentic
