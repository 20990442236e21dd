// SPDX-License-Identifier: Apache-2.0
#pragma once

// The conformance suite of byte_store: what every implementation promises. A test file makes a
// world (see store_worlds.hpp) and instantiates it:
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(My, byte_store_suite, my_world);
//
// Rows are checked after settle(), so that they are read from where the world keeps old ones.

#include "store_shell.hpp"

#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

template <class World>
class byte_store_suite : public testing::Test {
 protected:
  coro::runtime& runtime() { return world_.runtime(); }
  store_shell shell() { return store_shell(runtime(), world_.store()); }
  byte_store& store() { return world_.store(); }
  void settle() { world_.settle(); }
  std::size_t key_limit() const { return world_.key_limit(); }

  void put_all(const text_rows& rows) {
    for (const auto& [key, value] : rows) shell().put(key, value);
  }

 private:
  World world_;
};

inline text_rows backwards(text_rows rows) {
  std::reverse(rows.begin(), rows.end());
  return rows;
}

template <class Call>
AssertionResult fails_with(errc code, Call call) {
  try {
    call();
  } catch (const std::system_error& error) {
    if (error.code() == code) return AssertionSuccess();
    return AssertionFailure() << "another error: " << error.what();
  }
  return AssertionFailure() << "it succeeded";
}

TYPED_TEST_SUITE_P(byte_store_suite);

TYPED_TEST_P(byte_store_suite, GetOfAMissingKeyIsNone) {
  EXPECT_EQ(this->shell().get("k"), std::nullopt);
  this->shell().put("k", "v");
  this->settle();
  EXPECT_EQ(this->shell().get("j"), std::nullopt);
  EXPECT_EQ(this->shell().get("l"), std::nullopt);
}

TYPED_TEST_P(byte_store_suite, GetAnswersWhatWasPut) {
  this->shell().put("k", "v");
  EXPECT_EQ(this->shell().get("k"), "v");
  this->settle();
  EXPECT_EQ(this->shell().get("k"), "v");
}

TYPED_TEST_P(byte_store_suite, PutOverwritesWithSmallerAndLargerValues) {
  for (const std::size_t size : {100U, 3U, 5000U, 0U, 16U, 17U}) {
    this->shell().put("k", std::string(size, 'x'));
    EXPECT_EQ(this->shell().get("k"), std::string(size, 'x'));
    this->settle();
    EXPECT_EQ(this->shell().get("k"), std::string(size, 'x'));
  }
  EXPECT_EQ(this->shell().scan().size(), 1U);
}

TYPED_TEST_P(byte_store_suite, EraseAnswersWhetherTheKeyWasThere) {
  this->shell().put("k", "v");
  this->settle();
  EXPECT_TRUE(this->shell().erase("k"));
  EXPECT_FALSE(this->shell().erase("k"));
  EXPECT_FALSE(this->shell().erase("other"));
  this->settle();
  EXPECT_FALSE(this->shell().erase("k"));
}

TYPED_TEST_P(byte_store_suite, ErasedKeyStaysGoneUntilPutAgain) {
  this->put_all({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  this->settle();
  this->shell().erase("b");
  EXPECT_EQ(this->shell().get("b"), std::nullopt);
  this->settle();
  EXPECT_EQ(this->shell().get("b"), std::nullopt);
  EXPECT_EQ(this->shell().scan(), (text_rows{{"a", "1"}, {"c", "3"}}));
  this->shell().put("b", "again");
  this->settle();
  EXPECT_EQ(this->shell().get("b"), "again");
}

TYPED_TEST_P(byte_store_suite, PutIfAbsentLeavesAStoredValue) {
  EXPECT_TRUE(this->shell().put_if_absent("k", "first"));
  this->settle();
  EXPECT_FALSE(this->shell().put_if_absent("k", "second"));
  EXPECT_EQ(this->shell().get("k"), "first");
  this->shell().erase("k");
  EXPECT_TRUE(this->shell().put_if_absent("k", "third"));
  EXPECT_EQ(this->shell().get("k"), "third");
}

TYPED_TEST_P(byte_store_suite, ContainsTellsMissesFromEmptyValues) {
  this->shell().put("empty", "");
  this->shell().put("gone", "v");
  this->settle();
  this->shell().erase("gone");
  EXPECT_TRUE(this->shell().contains("empty"));
  EXPECT_FALSE(this->shell().contains("gone"));
  EXPECT_FALSE(this->shell().contains("never"));
}

TYPED_TEST_P(byte_store_suite, MultiGetAnswersInTheOrderOfItsKeys) {
  this->put_all({{"a", "1"}, {"b", "2"}});
  this->settle();
  this->shell().put("c", "3");
  using found = std::vector<std::optional<std::string>>;
  EXPECT_EQ(this->shell().multi_get({"c", "x", "a", "a", "b"}),
            (found{"3", std::nullopt, "1", "1", "2"}));
  EXPECT_EQ(this->shell().multi_get({}), found());
}

TYPED_TEST_P(byte_store_suite, BatchAppliesItsEntriesInOrder) {
  this->put_all({{"old", "1"}, {"kept", "2"}});
  this->settle();
  write_batch batch;
  batch.put(as_bytes("k"), as_bytes("first"));
  batch.erase(as_bytes("old"));
  batch.put(as_bytes("k"), as_bytes("last"));
  batch.put(as_bytes("brief"), as_bytes("x"));
  batch.erase(as_bytes("brief"));
  this->shell().write(batch);
  this->settle();
  EXPECT_EQ(this->shell().scan(), (text_rows{{"k", "last"}, {"kept", "2"}}));
}

TYPED_TEST_P(byte_store_suite, RangeIsHalfOpen) {
  this->put_all({{"a", "1"}, {"b", "2"}, {"d", "4"}, {"e", "5"}});
  this->settle();
  this->put_all({{"c", "3"}, {"b", "young"}});
  this->shell().erase("d");
  EXPECT_EQ(this->shell().range("b", "e"), (text_rows{{"b", "young"}, {"c", "3"}}));
  EXPECT_EQ(this->shell().range("aa", "cc"), (text_rows{{"b", "young"}, {"c", "3"}}));
  EXPECT_EQ(this->shell().rest(this->store().range(lentic::from(as_bytes("c")))),
            (text_rows{{"c", "3"}, {"e", "5"}}));
}

TYPED_TEST_P(byte_store_suite, BackwardRangeIsTheForwardOneReversed) {
  for (int i = 0; i < 300; i += 2) this->shell().put(numbered_text("k", 100 + i), "old");
  this->settle();
  for (int i = 0; i < 300; i += 3) this->shell().put(numbered_text("k", 100 + i), "young");
  for (int i = 0; i < 300; i += 10) this->shell().erase(numbered_text("k", 100 + i));
  const std::vector<std::string> bounds = {"", "k1", "k100", "k101", "k250", "k399", "k4"};
  for (const std::string& lo : bounds) {
    for (const std::string& hi : bounds) {
      EXPECT_EQ(this->shell().range(lo, hi, direction::backward),
                backwards(this->shell().range(lo, hi)))
          << lo << " to " << hi;
    }
  }
  EXPECT_EQ(this->shell().scan(direction::backward), backwards(this->shell().scan()));
}

TYPED_TEST_P(byte_store_suite, RangeThatEndsBeforeItStartsIsEmpty) {
  this->put_all({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  this->settle();
  for (const direction order : {direction::forward, direction::backward}) {
    EXPECT_EQ(this->shell().range("c", "a", order), text_rows());
    EXPECT_EQ(this->shell().range("b", "b", order), text_rows());
    EXPECT_EQ(this->shell().range("", "", order), text_rows());
  }
}

TYPED_TEST_P(byte_store_suite, PrefixFindsAllKeysThatStartWithIt) {
  const std::string ff = "\xff";
  const text_rows rows = {{"", "0"},   {"a", "1"}, {"ab", "2"},    {"ab" + ff, "3"},
                          {"ac", "4"}, {ff, "5"},  {ff + ff, "6"}, {ff + ff + "a", "7"}};
  this->put_all(rows);
  this->settle();
  EXPECT_EQ(this->shell().prefix("ab"), (text_rows{{"ab", "2"}, {"ab" + ff, "3"}}));
  EXPECT_EQ(this->shell().prefix("ab" + ff), (text_rows{{"ab" + ff, "3"}}));
  EXPECT_EQ(this->shell().prefix(ff + ff), (text_rows{{ff + ff, "6"}, {ff + ff + "a", "7"}}));
  EXPECT_EQ(this->shell().prefix(ff, direction::backward),
            (text_rows{{ff + ff + "a", "7"}, {ff + ff, "6"}, {ff, "5"}}));
  EXPECT_EQ(this->shell().prefix(""), rows);
  EXPECT_EQ(this->shell().prefix("b"), text_rows());
}

TYPED_TEST_P(byte_store_suite, ScanIsInMemcmpOrder) {
  const text_rows sorted = {{"", ""},
                            {bytes_of("\0"), "1"},
                            {bytes_of("\0\0"), "2"},
                            {bytes_of("\0\xff"), "3"},
                            {bytes_of("\x01"), "4"},
                            {"a", "5"},
                            {bytes_of("a\0"), "6"},
                            {"aa", "7"},
                            {"b", "8"},
                            {"\x7f", "9"},
                            {"\x80", "10"},
                            {"\xff", "11"},
                            {bytes_of("\xff\0"), "12"},
                            {"\xff\xff", "13"}};
  this->put_all(backwards(sorted));
  EXPECT_EQ(this->shell().scan(), sorted);
  this->settle();
  EXPECT_EQ(this->shell().scan(), sorted);
  for (const auto& [key, value] : sorted) EXPECT_EQ(this->shell().get(key), value);
}

TYPED_TEST_P(byte_store_suite, EmptyKeyIsAKeyLikeAnyOther) {
  this->shell().put("", "value of nothing");
  this->settle();
  EXPECT_EQ(this->shell().get(""), "value of nothing");
  EXPECT_EQ(this->shell().scan().size(), 1U);
  EXPECT_TRUE(this->shell().erase(""));
  this->settle();
  EXPECT_EQ(this->shell().get(""), std::nullopt);
}

TYPED_TEST_P(byte_store_suite, TooLargeIsRefusedAndChangesNothing) {
  const std::string key(this->key_limit() + 1, 'k');
  EXPECT_TRUE(fails_with(errc::too_large, [&] { this->shell().put(key, "v"); }));
  const std::string value(value_bytes_max + 1, 'v');
  EXPECT_TRUE(fails_with(errc::too_large, [&] { this->shell().put("k", value); }));
  EXPECT_EQ(this->shell().scan(), text_rows());
}

TYPED_TEST_P(byte_store_suite, LargestKeyIsAccepted) {
  const std::string key(this->key_limit(), 'k');
  this->shell().put(key, "v");
  this->shell().put("a", "1");
  this->settle();
  EXPECT_EQ(this->shell().get(key), "v");
  EXPECT_EQ(this->shell().scan(), (text_rows{{"a", "1"}, {key, "v"}}));
}

TYPED_TEST_P(byte_store_suite, ValuesLargerThanABlockComeBackWhole) {
  this->put_all({{"a", std::string(300'000, 'a')}, {"b", std::string(4096, 'b')}, {"c", "small"}});
  this->settle();
  EXPECT_EQ(this->shell().get("a"), std::string(300'000, 'a'));
  EXPECT_EQ(this->shell().range("b", "d"),
            (text_rows{{"b", std::string(4096, 'b')}, {"c", "small"}}));
}

TYPED_TEST_P(byte_store_suite, RowsOfABlockStayWhateverIsWritten) {
  for (int i = 0; i < 20; ++i) this->shell().put(numbered_text("k", 10 + i), "old value");
  this->settle();
  cursor rows = this->store().scan();
  const std::span<const row> block = sync_wait(this->runtime(), rows.next());
  ASSERT_FALSE(block.empty());
  for (int i = 0; i < 20; ++i) this->shell().put(numbered_text("k", 10 + i), std::string(99, 'n'));
  this->shell().clear();
  int number = 10;
  for (const row& each : block) {
    EXPECT_EQ(as_text(each.key), numbered_text("k", number++));
    EXPECT_EQ(as_text(each.value), "old value");
  }
}

// Every third key stays; the others come and go between the blocks.
TYPED_TEST_P(byte_store_suite, CursorSeesEachStayingKeyExactlyOnce) {
  for (const direction order : {direction::forward, direction::backward}) {
    this->shell().clear();
    for (int i = 0; i < 600; i += 2) this->shell().put(numbered_text("k", 1000 + i), "v");
    for (int i = 0; i < 600; i += 3) this->shell().put(numbered_text("k", 1000 + i), "v");
    this->settle();
    coro::sim_random random(7);
    cursor rows = this->store().scan(order);
    std::vector<std::string> seen;
    for (text_rows block = this->shell().next(rows); !block.empty();
         block = this->shell().next(rows)) {
      for (const auto& [key, value] : block) seen.push_back(key);
      for (int n = 0; n < 40; ++n) {
        const std::string key = numbered_text("k", 1000 + random.below(600));
        if ((std::stoi(key.substr(1)) - 1000) % 3 == 0) {
          this->shell().put(key, "changed");
        } else if (n % 2 == 0) {
          this->shell().erase(key);
        } else {
          this->shell().put(key, "new");
        }
      }
    }
    std::size_t staying = 0;
    for (const std::string& key : seen) staying += (std::stoi(key.substr(1)) - 1000) % 3 == 0;
    EXPECT_EQ(staying, 200U);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
    if (order == direction::backward) std::reverse(seen.begin(), seen.end());
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  }
}

TYPED_TEST_P(byte_store_suite, CursorStaysAtItsEnd) {
  this->shell().put("a", "1");
  cursor rows = this->store().scan();
  EXPECT_EQ(this->shell().next(rows).size(), 1U);
  EXPECT_TRUE(this->shell().next(rows).empty());
  EXPECT_TRUE(this->shell().next(rows).empty());
}

TYPED_TEST_P(byte_store_suite, CursorCopiesItsBounds) {
  this->put_all({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  std::string lo = "b";
  std::string hi = "c";
  cursor rows = this->store().range(between(as_bytes(lo), as_bytes(hi)));
  lo = "a";
  hi = "z";
  EXPECT_EQ(this->shell().rest(std::move(rows)), (text_rows{{"b", "2"}}));
}

TYPED_TEST_P(byte_store_suite, ClearLeavesNothing) {
  this->put_all({{"a", "1"}, {"b", "2"}});
  this->settle();
  this->shell().put("c", "3");
  this->shell().clear();
  EXPECT_EQ(this->shell().scan(), text_rows());
  EXPECT_EQ(this->shell().get("a"), std::nullopt);
  this->settle();
  EXPECT_EQ(this->shell().scan(), text_rows());
  this->shell().put("a", "new");
  this->settle();
  EXPECT_EQ(this->shell().scan(), (text_rows{{"a", "new"}}));
}

TYPED_TEST_P(byte_store_suite, RestoreBringsASnapshotBack) {
  const text_rows before = {{"", "0"}, {"a", "1"}, {"b", ""}};
  this->put_all(before);
  this->settle();
  const store_snapshot image = this->shell().snapshot();
  EXPECT_EQ(image.count(), 3U);
  this->put_all({{"a", "changed"}, {"c", "new"}});
  this->shell().erase("b");
  this->settle();
  this->shell().restore(image);
  EXPECT_EQ(this->shell().scan(), before);
  this->settle();
  EXPECT_EQ(this->shell().scan(), before);
}

TYPED_TEST_P(byte_store_suite, CountsAreExactWhileEachKeyIsStoredOnce) {
  EXPECT_EQ(this->store().approximate_count(), 0U);
  EXPECT_EQ(this->store().size_bytes(), 0U);
  for (int i = 0; i < 100; ++i) this->shell().put(numbered_text("k", 100 + i), "12345");
  EXPECT_EQ(this->store().approximate_count(), 100U);
  EXPECT_EQ(this->store().size_bytes(), 900U);
  this->settle();
  EXPECT_EQ(this->store().approximate_count(), 100U);
  EXPECT_EQ(this->store().size_bytes(), 900U);
  this->shell().clear();
  EXPECT_EQ(this->store().approximate_count(), 0U);
  EXPECT_EQ(this->store().size_bytes(), 0U);
}

// Few keys and many values, so that each key lives through every state; a scan after each settle.
TYPED_TEST_P(byte_store_suite, RandomOperationsAgreeWithAMap) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    this->shell().clear();
    std::map<std::string, std::string> model;
    coro::sim_random random(seed);
    for (int step = 0; step < 2500; ++step) {
      const std::string key = numbered_text(random.below(3) == 0 ? "" : "k", random.below(90));
      const std::uint64_t dice = random.below(1000);
      if (dice < 500) {
        const std::string value(random.below(60), static_cast<char>('a' + random.below(26)));
        this->shell().put(key, value);
        model[key] = value;
      } else if (dice < 750) {
        ASSERT_EQ(this->shell().erase(key), model.erase(key) == 1) << "step " << step;
      } else if (dice < 752) {
        this->shell().clear();
        model.clear();
      } else if (dice < 770) {
        this->settle();
        ASSERT_EQ(this->shell().scan(), text_rows(model.begin(), model.end())) << "step " << step;
      } else {
        const auto found = model.find(key);
        const auto expected =
            found == model.end() ? std::nullopt : std::optional<std::string>(found->second);
        ASSERT_EQ(this->shell().get(key), expected) << "step " << step;
      }
    }
    EXPECT_EQ(this->shell().scan(direction::backward),
              backwards(text_rows(model.begin(), model.end())));
  }
}

REGISTER_TYPED_TEST_SUITE_P(byte_store_suite, GetOfAMissingKeyIsNone, GetAnswersWhatWasPut,
                            PutOverwritesWithSmallerAndLargerValues,
                            EraseAnswersWhetherTheKeyWasThere, ErasedKeyStaysGoneUntilPutAgain,
                            PutIfAbsentLeavesAStoredValue, ContainsTellsMissesFromEmptyValues,
                            MultiGetAnswersInTheOrderOfItsKeys, BatchAppliesItsEntriesInOrder,
                            RangeIsHalfOpen, BackwardRangeIsTheForwardOneReversed,
                            RangeThatEndsBeforeItStartsIsEmpty, PrefixFindsAllKeysThatStartWithIt,
                            ScanIsInMemcmpOrder, EmptyKeyIsAKeyLikeAnyOther,
                            TooLargeIsRefusedAndChangesNothing, LargestKeyIsAccepted,
                            ValuesLargerThanABlockComeBackWhole, RowsOfABlockStayWhateverIsWritten,
                            CursorSeesEachStayingKeyExactlyOnce, CursorStaysAtItsEnd,
                            CursorCopiesItsBounds, ClearLeavesNothing, RestoreBringsASnapshotBack,
                            CountsAreExactWhileEachKeyIsStoredOnce, RandomOperationsAgreeWithAMap);

}  // namespace lentic::test
