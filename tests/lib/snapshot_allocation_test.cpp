// SPDX-License-Identifier: Apache-2.0
// The n-th allocation fails, with snapshots open: what failed has changed nothing, and a snapshot
// shows its moment or has expired. An executable of its own, with failing_new.cpp.
#include "failing_new.hpp"
#include "store_shell.hpp"

#include <lentic/coro/sim_runtime.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

using model = std::map<std::string, std::string>;

class failing_story {
 public:
  explicit failing_story(std::uint64_t nth) : nth_(nth) {}

  void tell() {
    for (unsigned i = 0; i < 90; ++i) {
      const std::string key = "a key that needs room of its own " + std::to_string(i * 7 % 25);
      const std::string value((i * 37) % 500, static_cast<char>('a' + i % 26));
      if (i % 20 == 5) open();
      if (i % 20 == 19 && shots_.size() > 1) shots_.erase(shots_.end() - 1 - (i / 20) % 2);
      if (i % 4 == 3) {
        if (nth_.attempt([&] { store_->erase(as_bytes(key)).take(); })) now_.erase(key);
      } else if (nth_.attempt([&] { store_->put(as_bytes(key), as_bytes(value)).take(); })) {
        now_[key] = value;
      }
    }
  }

  void check() {
    ASSERT_EQ(shell(*store_).scan(), text_rows(now_.begin(), now_.end()));
    for (const kept& each : shots_) {
      if (each.of->expired()) {
        ++expired;
        continue;
      }
      ASSERT_EQ(shell(*each.of).scan(), text_rows(each.rows.begin(), each.rows.end()));
    }
  }

  // True when there was no nth.
  bool went_well() const { return nth_.was_not_reached(); }
  int expired = 0;

 private:
  struct kept {
    std::unique_ptr<live_snapshot> of;
    model rows;
  };

  store_shell shell(byte_store& rows) { return store_shell(life_, rows); }

  void open() {
    std::unique_ptr<live_snapshot> made;
    if (nth_.attempt([&] { made = store_->open_snapshot().take(); }))
      shots_.push_back({std::move(made), now_});
  }

  coro::sim_disk disk_{1};
  coro::sim_runtime life_{disk_, 1};
  memory_store inner_;
  std::unique_ptr<snapshot_store> store_ = make_snapshot_store(inner_, life_);
  model now_;
  std::vector<kept> shots_;
  nth_allocation nth_;
};

TEST(SnapshotAllocation, APutThatFailsChangesNothingAndNoSnapshotIsWrong) {
  for (std::uint64_t nth = 1;; ++nth) {
    failing_story story(nth);
    story.tell();
    story.check();
    ASSERT_FALSE(HasFatalFailure()) << "allocation " << nth;
    if (story.went_well()) break;
  }
}

// Two snapshots whose rows meet when the newer one is closed: without memory for that the older one
// expires, and never shows what it did not see.
TEST(SnapshotAllocation, AnHeirWithoutMemoryExpires) {
  int expired = 0;
  bool inherited = false;
  for (std::uint64_t nth = 1; !inherited; ++nth) {
    coro::sim_disk disk(1);
    coro::sim_runtime life(disk, 1);
    memory_store inner;
    const auto store = make_snapshot_store(inner, life);
    store_shell shell(life, *store);
    text_rows before;
    for (int i = 0; i < 300; ++i) before.emplace_back(numbered_text("k", 1000 + i), "before");
    for (const auto& [key, value] : before) shell.put(key, value);
    const auto older = store->open_snapshot().take();
    for (int i = 0; i < 100; ++i) shell.put(numbered_text("k", 1000 + i), "between");
    auto newer = store->open_snapshot().take();
    for (int i = 0; i < 300; ++i) shell.put(numbered_text("k", 1000 + i), std::string(100, 'a'));
    fail_at = allocations + nth;
    newer.reset();
    inherited = allocations < fail_at;
    fail_at = 0;
    if (older->expired()) {
      ++expired;
    } else {
      ASSERT_EQ(store_shell(life, *older).scan(), before) << "allocation " << nth;
    }
    ASSERT_EQ(shell.get("k1000"), std::string(100, 'a'));
  }
  EXPECT_GT(expired, 0);
}

// Changes of keys that are saved already need no memory of the snapshot.
TEST(SnapshotAllocation, TheSecondChangeOfAKeyAllocatesNothing) {
  coro::sim_disk disk(1);
  coro::sim_runtime life(disk, 1);
  memory_store inner;
  const auto store = make_snapshot_store(inner, life);
  store_shell shell(life, *store);
  shell.put("k", "before");
  const auto then = store->open_snapshot().take();
  shell.put("k", "changed");
  const bytes_view key = as_bytes("k");
  const std::uint64_t before = allocations;
  for (int i = 0; i < 10; ++i) store->put(key, key).take();
  EXPECT_TRUE(then->get(key).ready());
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace lentic::test
