// SPDX-License-Identifier: Apache-2.0
// The index with hashes of our own choice, and the arena below it.
#include "young_index.hpp"

#include "record_arena.hpp"
#include "young_record.hpp"
#include "young_table_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace lentic::detail {
namespace {

using hash_of_number = std::function<std::uint32_t(std::uint32_t)>;

// Keys 0 to `count`, found by the hash that `hash` gives them.
class crafted {
 public:
  crafted(std::uint32_t count, hash_of_number hash) : hash_(std::move(hash)) {
    for (std::uint32_t n = 0; n < count; ++n) {
      const std::string key = test::numbered_key(n);
      made_.push_back(records_.allocate(sizeof(young_record) + key.size()));
      write_record(made_.back(), key);
      index_.make_room(hash_(n));
      index_.insert(hash_(n), made_.back());
    }
  }

  void erase(std::uint32_t n) { index_.erase(hash_(n), made_[n]); }
  bool finds(std::uint32_t n) const {
    const record_number found = index_.find(as_bytes(test::numbered_key(n)), hash_(n), records_);
    EXPECT_TRUE(found == no_record || found == made_[n]);
    return found != no_record;
  }
  const young_index& index() const { return index_; }

 private:
  // The bytes of young_record: the header is drawn there.
  void write_record(record_number at, const std::string& key) {
    auto* const raw = static_cast<std::byte*>(records_[at]);
    std::memset(raw, 0, sizeof(young_record));
    const auto key_bytes = static_cast<std::uint32_t>(key.size());
    std::memcpy(raw, &key_bytes, sizeof(key_bytes));
    std::memcpy(raw + sizeof(young_record), key.data(), key.size());
  }

  hash_of_number hash_;
  record_arena records_;
  young_index index_;
  std::vector<record_number> made_;
};

void finds_all_and_then_half(std::uint32_t count, const hash_of_number& hash) {
  crafted keys(count, hash);
  for (std::uint32_t n = 0; n < count; ++n) ASSERT_TRUE(keys.finds(n)) << n;
  for (std::uint32_t n = 0; n < count; n += 2) keys.erase(n);
  for (std::uint32_t n = 0; n < count; ++n) ASSERT_EQ(keys.finds(n), n % 2 == 1) << n;
  ASSERT_EQ(keys.index().size(), count / 2);
}

TEST(YoungIndex, FindsKeysThatAllHaveOneHash) {
  for (const std::uint32_t hash : {0U, 0xffffffffU, 4095U})
    finds_all_and_then_half(3000, [hash](std::uint32_t) { return hash; });
}

TEST(YoungIndex, FindsKeysThatShareOnePageOfTheDirectory) {
  finds_all_and_then_half(40'000, [](std::uint32_t n) { return n & 0xffffU; });
}

TEST(YoungIndex, FindsKeysThatShareOneSlotOfEachPage) {
  finds_all_and_then_half(5000, [](std::uint32_t n) { return n << 16 | 4095U; });
}

TEST(YoungIndex, FindsKeysOfWhichAllButOneGoToOneSideOfASplit) {
  finds_all_and_then_half(20'000, [](std::uint32_t n) { return n == 0 ? 0U : 0xffff0000U | n; });
}

// Each split parts a page whose hashes begin with one zero more.
TEST(YoungIndex, SkewedHashesDoNotDoubleTheDirectoryForEver) {
  const crafted keys(72'000, [](std::uint32_t n) {
    const std::uint32_t zeros = n % 20;
    return 0x80000000U >> zeros | (n * 0x9e3779b1U & 0x7fffffffU >> zeros);
  });
  EXPECT_LE(keys.index().held_bytes(), 72'000U * 48U);
  for (std::uint32_t n = 0; n < 72'000; n += 7) ASSERT_TRUE(keys.finds(n)) << n;
}

TEST(YoungIndex, PagesHoldEachRecordOnce) {
  const crafted keys(50'000, [](std::uint32_t n) { return n * 0x9e3779b1U; });
  std::vector<record_number> seen;
  std::uint32_t from = 0;
  for (auto last = keys.index().page_of(from, seen); last; last = keys.index().page_of(from, seen))
    from = *last + 1;
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(seen.size(), 50'000U);
}

TEST(RecordArena, BlocksOfAnySizeDoNotOverlap) {
  record_arena arena;
  std::vector<record_number> blocks;
  for (std::size_t bytes = 4; bytes < 3000; ++bytes) {
    blocks.push_back(arena.allocate(bytes));
    ASSERT_NE(blocks.back(), no_record);
    std::memset(arena[blocks.back()], static_cast<int>(bytes % 251), bytes);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto* const block = static_cast<const std::byte*>(arena[blocks[i]]);
    for (std::size_t n = 0; n < i + 4; ++n)
      ASSERT_EQ(block[n], static_cast<std::byte>((i + 4) % 251)) << i + 4 << " at " << n;
  }
}

TEST(RecordArena, ABlockThatWasGivenBackIsGivenOutForItsSize) {
  record_arena arena;
  for (const std::size_t bytes : {8U, 24U, 257U, 70'000U}) {
    const record_number first = arena.allocate(bytes);
    const record_number second = arena.allocate(bytes);
    arena.release(first, bytes);
    arena.release(second, size_class_of(bytes).bytes);
    EXPECT_EQ(arena.allocate(bytes), second) << bytes;
    EXPECT_EQ(arena.allocate(bytes), first) << bytes;
  }
}

TEST(RecordArena, BeginsSmall) {
  record_arena arena;
  EXPECT_EQ(arena.held_bytes(), 0U);
  arena.allocate(64);
  EXPECT_EQ(arena.held_bytes(), 4096U);
}

}  // namespace
}  // namespace lentic::detail
