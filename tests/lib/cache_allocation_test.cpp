// SPDX-License-Identifier: Apache-2.0
// What caches allocate, and what an allocation that fails leaves behind. An executable of its own,
// with failing_new.cpp.
#include "failing_new.hpp"

#include <lentic/cache/caching_store.hpp>
#include <lentic/errc.hpp>
#include <lentic/store/memory_store.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

// Overwrites in place; a put that fails changes nothing.
class plain_store final : public byte_store {
 public:
  maybe_ready<std::optional<value_view>> get(bytes_view key) override {
    const auto found = rows.find(key);
    if (found == rows.end()) return std::optional<value_view>();
    return std::optional<value_view>(value_view(found->second));
  }
  maybe_ready<void> put(bytes_view key, bytes_view value) override {
    const auto found = rows.find(key);
    if (found == rows.end()) {
      rows.emplace(to_bytes(key), to_bytes(value));
    } else {
      found->second.assign(value.begin(), value.end());
    }
    return {};
  }
  maybe_ready<bool> erase(bytes_view key) override {
    const auto found = rows.find(key);
    if (found == rows.end()) return false;
    rows.erase(found);
    return true;
  }
  cursor range(const key_range&, direction) override {
    fail(errc::invalid_argument, "plain_store has no ranges");
  }
  maybe_ready<void> clear() override {
    rows.clear();
    return {};
  }
  std::uint64_t approximate_count() const override { return rows.size(); }
  std::uint64_t size_bytes() const override { return 0; }

  std::map<bytes, bytes, bytes_less> rows;
};

// Keeps the last value told of each key; counts what breaks the chain. Allocates before it changes.
class chain final : public change_listener {
 public:
  maybe_ready<void> on_change(const change& told) override {
    ++count;
    if (only_counts) return {};
    bytes value = told.new_value ? to_bytes(*told.new_value) : bytes();
    const auto known = last.find(told.key);
    const bool had = known != last.end();
    const bool same =
        had == told.old_value.has_value() && (!had || equal(known->second, *told.old_value));
    if (!told.new_value) {
      if (had) last.erase(known);
    } else if (had) {
      known->second = std::move(value);
    } else {
      last.emplace(to_bytes(told.key), std::move(value));
    }
    if (!same) ++broken;
    return {};
  }

  std::map<bytes, bytes, bytes_less> last;
  int broken = 0;
  bool only_counts = false;
  std::uint64_t count = 0;
};

enum class cached { kafka, fused, fused_young };  // the last: over a young table

struct world {
  explicit world(cached mode, std::uint64_t bytes_max) : budget(queue, bytes_max) {
    caching_options options;
    options.listener = &told;
    options.current = &context;
    byte_store& below = mode == cached::fused_young ? static_cast<byte_store&>(young) : inner;
    store = make_caching_store(mode == cached::kafka ? caching::kafka : caching::fused, below,
                               budget, "cache", options);
  }
  std::map<bytes, bytes, bytes_less> rows() {
    std::map<bytes, bytes, bytes_less> all = inner.rows;
    cursor found = young.scan();
    for (;;) {
      const std::span<const row> block = found.next().take();
      if (block.empty()) return all;
      for (const row& each : block) all.emplace(to_bytes(each.key), to_bytes(each.value));
    }
  }

  coro::run_queue queue;
  thread_cache budget;
  plain_store inner;
  memory_store young{young_layout::hashed};
  chain told;
  record_context context;
  std::unique_ptr<caching_store> store;
};

class CacheAllocation : public testing::TestWithParam<cached> {};

std::string name_of(const testing::TestParamInfo<cached>& mode) {
  if (mode.param == cached::kafka) return "Kafka";
  return mode.param == cached::fused ? "Fused" : "FusedYoung";
}

INSTANTIATE_TEST_SUITE_P(Modes, CacheAllocation,
                         testing::Values(cached::kafka, cached::fused, cached::fused_young),
                         name_of);

std::string key_of(int number) {
  return "key-" + std::to_string(1000 + number);
}

TEST_P(CacheAllocation, PutsAndGetsOfKnownKeysAllocateNothing) {
  world here(GetParam(), 1 << 20);
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(key_of(i));
  for (const std::string& key : keys) here.store->put(as_bytes(key), as_bytes("value 1")).take();
  const std::uint64_t before = allocations;
  for (const std::string& key : keys) {
    maybe_ready<void> put = here.store->put(as_bytes(key), as_bytes("value 2"));
    ASSERT_TRUE(put.ready());
    maybe_ready<std::optional<value_view>> found = here.store->get(as_bytes(key));
    ASSERT_TRUE(found.ready());
    ASSERT_EQ(as_text(*found.take()), "value 2");
  }
  EXPECT_EQ(allocations - before, 0U);
}

// A round puts all keys and flushes them; what the first rounds allocated serves the later ones.
TEST_P(CacheAllocation, RoundsOfPutsAndFlushesAllocateNothingOnceTheyHaveRoom) {
  for (const std::uint64_t budget : {std::uint64_t{0}, std::uint64_t{1} << 20}) {
    world here(GetParam(), budget);
    std::vector<std::string> keys;
    for (int i = 0; i < 100; ++i) keys.push_back(key_of(i));
    std::uint64_t before = 0;
    here.told.only_counts = true;
    for (int round = 0; round < 5; ++round) {
      if (round == 2) before = allocations;
      for (const std::string& key : keys)
        ASSERT_TRUE(here.store->put(as_bytes(key), as_bytes("value of it")).ready());
      ASSERT_TRUE(here.store->flush().ready());
    }
    EXPECT_EQ(allocations - before, 0U) << "budget " << budget;
    EXPECT_EQ(here.told.count, 500U);
  }
}

// What is erased is kept for reuse, in room that was there before.
TEST_P(CacheAllocation, AfterAFailureInTheFirstPutNothingAllocatesToForget) {
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(key_of(i));
  for (std::uint64_t nth = 1; nth <= 12; ++nth) {
    world here(GetParam(), 1 << 20);
    fail_at = allocations + nth;
    for (const std::string& key : keys) {
      try {
        here.store->put(as_bytes(key), as_bytes("v")).take();
      } catch (const std::bad_alloc&) {  // only the nth fails
        here.store->put(as_bytes(key), as_bytes("v")).take();
      }
    }
    fail_at = 0;
    const std::uint64_t before = allocations;
    here.store->clear().take();
    // A young table is replaced by an empty one.
    if (GetParam() != cached::fused_young) {
      EXPECT_EQ(allocations - before, 0U) << "allocation " << nth;
    }
    EXPECT_EQ(here.store->dirty_count(), 0U);
  }
}

// Each operation is tried again until it is done: the rows and the chain must come out right.
TEST_P(CacheAllocation, AFailureAtAnyAllocationLosesAndRepeatsNothing) {
  const std::string large(5000, 'x');
  const std::uint64_t budgets[] = {0, 300, 1 << 20};
  for (const std::uint64_t budget : budgets) {
    for (std::uint64_t nth = 1;; ++nth) {
      world here(GetParam(), budget);
      here.context.headers.push_back(header{"a header", to_bytes("that allocates when copied")});
      fail_at = allocations + nth;
      const std::uint64_t limit = fail_at;
      const auto insist = [](auto operation) {
        for (int i = 0; i < 3; ++i) {
          try {
            operation();
            return;
          } catch (const std::bad_alloc&) {  // only the nth fails
          }
        }
      };
      for (int i = 0; i < 12; ++i) {
        const std::string key = key_of(i % 5);
        const std::string& value = i == 7 ? large : key;
        insist([&] { here.store->put(as_bytes(key), as_bytes(value)).take(); });
        if (i % 4 == 3) insist([&] { here.store->erase(as_bytes(key)).take(); });
        if (i == 6) insist([&] { here.store->flush().take(); });
      }
      insist([&] { here.store->flush().take(); });
      fail_at = 0;
      ASSERT_EQ(here.store->dirty_count(), 0U) << "allocation " << nth;
      ASSERT_EQ(here.told.broken, 0) << "allocation " << nth << ", budget " << budget;
      const auto rows = here.rows();
      ASSERT_EQ(here.told.last, rows) << "allocation " << nth;
      ASSERT_EQ(rows.size(), 3U);
      if (allocations < limit) break;  // there was no nth
    }
  }
}

}  // namespace
}  // namespace lentic::test
