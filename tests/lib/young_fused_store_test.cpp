// SPDX-License-Identifier: Apache-2.0
// Fused caches whose entries are rows of young tables, against ones that keep an index of their own
// over the same operations: the same changes in the same order, while rows are frozen, written into
// runs, given back by seals that fail, cleared and dropped. What both promise by themselves:
// caching_store_test.cpp.
#include "cache_rig.hpp"
#include "environment_life.hpp"

#include <lentic/coro/scope.hpp>
#include <lentic/coro/sim_random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace lentic::test {
namespace {

using lines = std::vector<std::string>;

// Hides what a store offers to caches.
class plain_rows final : public byte_store {
 public:
  explicit plain_rows(byte_store& rows) noexcept : rows_(rows) {}
  maybe_ready<std::optional<value_view>> get(bytes_view key) override { return rows_.get(key); }
  maybe_ready<void> put(bytes_view key, bytes_view value) override { return rows_.put(key, value); }
  maybe_ready<bool> erase(bytes_view key) override { return rows_.erase(key); }
  cursor range(const key_range& range, direction order) override {
    return rows_.range(range, order);
  }
  maybe_ready<void> clear() override { return rows_.clear(); }
  std::uint64_t approximate_count() const override { return rows_.approximate_count(); }
  std::uint64_t size_bytes() const override { return rows_.size_bytes(); }

 private:
  byte_store& rows_;
};

// A fused cache over `rows`, and what it told.
struct told_cache {
  told_cache(coro::run_queue& queue, byte_store& rows, const record_context& current,
             std::uint64_t bytes_max)
      : listener(queue, pace::ready), budget(queue, bytes_max) {
    caching_options options;
    options.listener = &listener;
    options.current = &current;
    store = make_caching_store(caching::fused, rows, budget, "cache", options);
  }

  recorder listener;
  thread_cache budget;
  std::unique_ptr<caching_store> store;
};

struct young_setting {
  young_layout layout = young_layout::hashed;
  bool durable = true;
};

class YoungFusedStore : public testing::TestWithParam<young_setting> {};

INSTANTIATE_TEST_SUITE_P(Layout, YoungFusedStore,
                         testing::Values(young_setting{young_layout::hashed, true},
                                         young_setting{young_layout::ordered, true},
                                         young_setting{young_layout::hashed, false},
                                         young_setting{young_layout::ordered, false}),
                         [](const auto& setting) {
                           std::string name = setting.param.durable ? "Durable" : "InMemory";
                           name +=
                               setting.param.layout == young_layout::hashed ? "Hashed" : "Ordered";
                           return name;
                         });

// Both caches side by side. Erases of rows that are neither there nor dirty are left out: only an
// index of its own counts them as dirty.
class side_by_side {
 public:
  side_by_side(const young_setting& setting, std::uint64_t seed, std::uint64_t budget)
      : random_(seed), disk_(seed), life_(disk_, seed), layout_(setting.layout) {
    environment_options options = small_options();
    if (!setting.durable) options.directory.clear();
    life_.open(options);
    young_ = std::make_unique<told_cache>(life_.runtime().queue(), rows(), current_, budget);
    index_ = std::make_unique<told_cache>(life_.runtime().queue(), hidden_, current_, budget);
  }

  void step(std::uint64_t number) {
    const std::uint64_t dice = random_.below(1000);
    current_.timestamp_ms = static_cast<std::int64_t>(number);
    if (dice < 600) {
      put(number);
    } else if (dice < 750) {
      erase();
    } else if (dice < 800) {
      flush();
    } else if (dice < 830) {
      retire();
    } else if (dice < 834) {
      clear();
    } else if (dice < 860) {
      life_.env().open_segmented_store("s", layout_).seal_hint(1);
      commit();
      if (random_.below(3) == 0) life_.engine().fail_kind(coro::io_kind::open, 1, EIO);
    } else if (dice < 880) {
      commit();
    } else if (dice < 900) {
      life_.let_work();
    } else {
      life_.runtime().turn();
    }
    compare();
  }

  void finish() {
    flush();
    compare();
    EXPECT_EQ(young_->store->dirty_count(), 0U);
    life_.let_work();
    EXPECT_EQ(store_shell(life_.runtime(), rows()).scan(),
              store_shell(life_.runtime(), model_).scan());
  }
  std::uint64_t runs_written() { return life_.env().statistics().runs_written; }

 private:
  byte_store& rows() { return life_.env().open_segmented_store("s", layout_).segment(1); }
  template <class Work>
  void with_both(Work work) {
    work(*young_);
    work(*index_);
  }

  void put(std::uint64_t number) {
    const std::string key = any_key();
    const std::string value =
        random_.below(20) == 0 ? std::string(6000, 'x') : numbered_text("v", number);
    touched_.insert(key);
    with_both([&](told_cache& each) { each.store->put(as_bytes(key), as_bytes(value)).take(); });
  }
  void erase() {
    const std::string key = any_key();
    if (!touched_.contains(key) && !model_.get(as_bytes(key)).take()) return;
    touched_.insert(key);
    bool existed[2] = {};
    bool* answer = existed;
    with_both([&](told_cache& each) { *answer++ = each.store->erase(as_bytes(key)).take(); });
    EXPECT_EQ(existed[0], existed[1]);
  }
  void flush() {
    touched_.clear();
    with_both([&](told_cache& each) { sync_wait(life_.runtime(), each.store->flush()); });
  }
  void retire() {
    const std::string bound = any_key();
    touched_.erase(touched_.begin(), touched_.lower_bound(bound));
    const bytes end = to_bytes(bound);
    compare();
    with_both([&](told_cache& each) { sync_wait(life_.runtime(), each.store->retire_below(end)); });
    EXPECT_EQ(sorted(young_->listener.lines()), sorted(index_->listener.lines()));
    young_->listener.contexts.clear();
    index_->listener.contexts.clear();
  }
  void clear() {
    touched_.clear();
    with_both([&](told_cache& each) { sync_wait(life_.runtime(), each.store->clear()); });
  }
  // Failures that were meant for runs may hit the journal.
  void commit() {
    for (;;) {
      try {
        life_.commit();
        return;
      } catch (const std::system_error&) {
        ++failed_commits_;
        ASSERT_LT(failed_commits_, 500);
      }
    }
  }
  void compare() {
    if (index_->store->dirty_count() == 0) touched_.clear();  // for lack of room
    ASSERT_EQ(young_->listener.lines(), index_->listener.lines());
    ASSERT_EQ(young_->listener.contexts, index_->listener.contexts);
    ASSERT_EQ(young_->store->dirty_count(), index_->store->dirty_count());
    ASSERT_EQ(young_->store->dirty_bytes(), index_->store->dirty_bytes());
  }
  std::string any_key() { return numbered_text("k", 100 + random_.below(40)); }
  static lines sorted(lines told) {
    std::sort(told.begin(), told.end());
    return told;
  }

  coro::sim_random random_;
  coro::sim_disk disk_;
  environment_life life_;
  young_layout layout_;
  memory_store model_;
  plain_rows hidden_{model_};
  record_context current_;
  std::set<std::string> touched_;
  int failed_commits_ = 0;
  std::unique_ptr<told_cache> young_;
  std::unique_ptr<told_cache> index_;
};

TEST_P(YoungFusedStore, TellsWhatAnIndexBesideTheStoreTells) {
  std::uint64_t runs = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    side_by_side both(GetParam(), seed, seed % 4 == 0 ? 2000 : 1 << 20);
    for (std::uint64_t number = 0; number < 1500; ++number) {
      both.step(number);
      if (testing::Test::HasFailure()) FAIL() << "step " << number;
    }
    both.finish();
    runs += both.runs_written();
  }
  if (GetParam().durable) {
    EXPECT_GT(runs, 100U);
  }
}

// The rows that a run holds now were touched while they were young.
TEST(YoungFusedStore, ARowThatIsSealedBetweenTwoPutsKeepsItsOldValueAndItsPlace) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  byte_store& rows = life.env().open_segmented_store("s").segment(1);
  const record_context current;
  told_cache cache(life.runtime().queue(), rows, current, 1 << 20);
  const auto put = [&cache](std::string_view key, std::string_view value) {
    cache.store->put(as_bytes(key), as_bytes(value)).take();
  };
  put("a", "1");
  put("b", "1");
  sync_wait(life.runtime(), cache.store->flush());
  cache.listener.lines();
  put("b", "2");
  put("a", "2");
  life.seal("s", 1);
  put("c", "3");
  put("a", "3");
  cache.store->erase(as_bytes("b")).take();
  EXPECT_EQ(cache.store->dirty_count(), 3U);
  sync_wait(life.runtime(), cache.store->flush());
  EXPECT_EQ(cache.listener.lines(), (lines{"b: 1 > -", "a: 1 > 3", "c: - > 3"}));
}

TEST(YoungFusedStore, ACacheThatGoesLeavesNoRowTouched) {
  memory_store rows;
  coro::run_queue queue;
  const record_context current;
  {
    told_cache first(queue, rows, current, 1 << 20);
    first.store->put(as_bytes("a"), as_bytes("1")).take();
    first.store->erase(as_bytes("a")).take();
    first.store->put(as_bytes("b"), as_bytes("1")).take();
  }
  EXPECT_EQ(rows.approximate_count(), 1U);
  told_cache second(queue, rows, current, 1 << 20);
  second.store->put(as_bytes("b"), as_bytes("2")).take();
  second.store->flush().take();
  EXPECT_EQ(second.listener.lines(), (lines{"b: 1 > 2"}));
}

// The store may go first; what it held is gone.
TEST(YoungFusedStore, ACacheOutlivesTheTablesOfItsRows) {
  memory_segments segments;
  coro::run_queue queue;
  const record_context current;
  told_cache cache(queue, segments.segment(1), current, 1 << 20);
  cache.store->put(as_bytes("a"), as_bytes("1")).take();
  segments.drop_below(2).take();
  EXPECT_EQ(cache.store->dirty_count(), 1U);
  cache.store->flush().take();
  EXPECT_EQ(cache.listener.lines(), lines());
}

}  // namespace
}  // namespace lentic::test
