// SPDX-License-Identifier: Apache-2.0
#pragma once

// The conformance suite of snapshots, over every world of snapshot_worlds.hpp.

#include "byte_store_suite.hpp"
#include "snapshot_story.hpp"
#include "snapshot_worlds.hpp"

#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lentic::test {

template <class World>
class snapshot_suite : public testing::Test {
 protected:
  coro::sim_runtime& runtime() { return world_.runtime(); }
  store_shell shell() { return store_shell(runtime(), world_.store()); }
  store_shell shell(shot& of) { return store_shell(runtime(), of.rows()); }
  shot open(const snapshot_limits& limits = {}) { return world_.open(limits); }
  void settle() { world_.settle(); }
  World& world() { return world_; }

  void put_all(const text_rows& rows) {
    for (const auto& [key, value] : rows) shell().put(key, value);
  }
  void expect_rows(shot& of, const text_rows& rows) {
    EXPECT_EQ(shell(of).scan(), rows);
    EXPECT_EQ(shell(of).scan(direction::backward), backwards(rows));
    for (const auto& [key, value] : rows) EXPECT_EQ(shell(of).get(key), value);
  }
  AssertionResult has_expired(shot& of) {
    if (!of.expired()) return AssertionFailure() << "it says that it has not";
    if (of.bytes() != 0) return AssertionFailure() << "it keeps " << of.bytes() << " bytes";
    return fails_with(errc::snapshot_expired, [&] { shell(of).get("a"); });
  }

 private:
  World world_;
};

TYPED_TEST_SUITE_P(snapshot_suite);

TYPED_TEST_P(snapshot_suite, ShowsTheRowsOfItsMoment) {
  const text_rows before = {{"", "0"}, {"a", "1"}, {"b", "2"}, {"d", ""}};
  this->put_all(before);
  this->settle();
  this->shell().put("b", "young");
  shot then = this->open();
  const text_rows shown = {{"", "0"}, {"a", "1"}, {"b", "young"}, {"d", ""}};
  this->expect_rows(then, shown);
  this->put_all({{"a", "changed"}, {"c", "new"}, {"b", "again"}, {"b", "and again"}});
  this->shell().erase("d");
  this->shell().erase("");
  this->expect_rows(then, shown);
  EXPECT_EQ(this->shell(then).get("c"), std::nullopt);
  this->settle();
  this->shell().put("d", "back");
  this->expect_rows(then, shown);
  EXPECT_FALSE(then.expired());
  EXPECT_EQ(this->shell().scan(),
            (text_rows{{"a", "changed"}, {"b", "and again"}, {"c", "new"}, {"d", "back"}}));
}

TYPED_TEST_P(snapshot_suite, EachOfSeveralShowsItsOwnMoment) {
  std::vector<shot> shots;
  std::vector<text_rows> shown;
  std::map<std::string, std::string> model;
  for (int round = 0; round < 4; ++round) {
    for (int i = round; i < 12; i += round + 1) {
      const std::string key = numbered_text("k", i);
      this->shell().put(key, numbered_text("round ", round));
      model[key] = numbered_text("round ", round);
    }
    shots.push_back(this->open());
    shown.emplace_back(model.begin(), model.end());
  }
  this->put_all({{"k0", "last"}, {"k11", "last"}});
  this->settle();
  for (std::size_t i = 0; i < shots.size(); ++i) this->expect_rows(shots[i], shown[i]);
  for (const std::size_t gone : {2U, 0U}) {  // a middle one, whose rows older ones need; the oldest
    shots.erase(shots.begin() + static_cast<std::ptrdiff_t>(gone));
    shown.erase(shown.begin() + static_cast<std::ptrdiff_t>(gone));
    for (std::size_t i = 0; i < shots.size(); ++i) this->expect_rows(shots[i], shown[i]);
  }
  shots.pop_back();
  this->put_all({{"k1", "later"}, {"k2", "later"}});
  this->expect_rows(shots.front(), shown.front());
}

TYPED_TEST_P(snapshot_suite, CursorGoesOnWhileRowsChange) {
  text_rows before;
  for (int i = 0; i < 400; i += 2) before.emplace_back(numbered_text("k", 1000 + i), "old");
  this->put_all(before);
  this->settle();
  for (const direction order : {direction::forward, direction::backward}) {
    shot then = this->open();
    const text_rows expected = this->shell(then).scan(order);
    cursor rows = then.rows().scan(order);
    coro::sim_random random(11);
    text_rows seen;
    for (text_rows block = this->shell().next(rows); !block.empty();
         block = this->shell().next(rows)) {
      seen.insert(seen.end(), block.begin(), block.end());
      for (int n = 0; n < 60; ++n) {
        const std::string key = numbered_text("k", 1000 + random.below(400));
        if (n % 3 == 0) {
          this->shell().erase(key);
        } else {
          this->shell().put(key, numbered_text("new ", n));
        }
      }
      if (seen.size() > 100) this->settle();
    }
    EXPECT_EQ(seen, expected);
  }
}

TYPED_TEST_P(snapshot_suite, RangeIsHalfOpen) {
  this->put_all({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}});
  this->settle();
  shot then = this->open();
  this->shell().erase("b");
  this->put_all({{"bb", "new"}, {"c", "changed"}, {"e", "changed"}});
  EXPECT_EQ(this->shell(then).range("b", "e"), (text_rows{{"b", "2"}, {"c", "3"}, {"d", "4"}}));
  EXPECT_EQ(this->shell(then).range("b", "e", direction::backward),
            (text_rows{{"d", "4"}, {"c", "3"}, {"b", "2"}}));
  EXPECT_EQ(this->shell(then).range("bb", "c"), text_rows());
  EXPECT_EQ(this->shell(then).prefix("b"), (text_rows{{"b", "2"}}));
  using found = std::vector<std::optional<std::string>>;
  EXPECT_EQ(this->shell(then).multi_get({"e", "bb", "b"}), (found{"5", std::nullopt, "2"}));
}

TYPED_TEST_P(snapshot_suite, RefusesChanges) {
  this->shell().put("a", "1");
  shot then = this->open();
  EXPECT_TRUE(fails_with(errc::read_only, [&] { this->shell(then).put("a", "2"); }));
  EXPECT_TRUE(fails_with(errc::read_only, [&] { this->shell(then).erase("a"); }));
  EXPECT_TRUE(fails_with(errc::read_only, [&] { this->shell(then).clear(); }));
  this->expect_rows(then, {{"a", "1"}});
}

TYPED_TEST_P(snapshot_suite, PastItsBytesItExpiresAloneAndTheStoreGoesOn) {
  text_rows before;
  for (int i = 0; i < 200; ++i)
    before.emplace_back(numbered_text("k", 100 + i), std::string(500, 'o'));
  this->put_all(before);
  this->settle();
  shot older = this->open();
  snapshot_limits limits;
  limits.max_bytes = 60'000;
  shot small = this->open(limits);
  cursor rows = small.rows().scan();
  EXPECT_FALSE(this->shell().next(rows).empty());
  std::uint64_t most = 0;
  for (const auto& [key, value] : before) {
    this->shell().put(key, "new");
    most = std::max(most, small.bytes());
  }
  EXPECT_GT(most, 10'000U);
  EXPECT_LE(most, limits.max_bytes);
  EXPECT_TRUE(this->has_expired(small));
  EXPECT_TRUE(fails_with(errc::snapshot_expired, [&] { this->shell().next(rows); }));
  EXPECT_TRUE(fails_with(errc::snapshot_expired, [&] { this->shell(small).scan(); }));
  this->expect_rows(older, before);
  EXPECT_GT(older.bytes(), 100'000U);
  EXPECT_EQ(this->shell().get("k100"), "new");
}

TYPED_TEST_P(snapshot_suite, PastItsAgeItExpires) {
  this->shell().put("a", "1");
  shot older = this->open();
  snapshot_limits limits;
  limits.max_age_ms = 60'000;
  shot aged = this->open(limits);
  this->shell().put("a", "2");
  cursor rows = aged.rows().scan();
  this->runtime().advance_ms(50'000);
  this->expect_rows(aged, {{"a", "1"}});
  shot younger = this->open(limits);
  this->runtime().advance_ms(10'000);
  EXPECT_TRUE(fails_with(errc::snapshot_expired, [&] { this->shell().next(rows); }));
  EXPECT_TRUE(this->has_expired(aged));
  this->shell().put("a", "3");
  this->expect_rows(older, {{"a", "1"}});
  this->expect_rows(younger, {{"a", "2"}});
}

TYPED_TEST_P(snapshot_suite, ClearEndsIt) {
  this->put_all({{"a", "1"}, {"b", "2"}});
  this->settle();
  shot then = this->open();
  this->shell().put("a", "2");
  cursor rows = then.rows().scan();
  this->shell().clear();
  EXPECT_TRUE(this->has_expired(then));
  EXPECT_TRUE(fails_with(errc::snapshot_expired, [&] { this->shell().next(rows); }));
  this->shell().put("c", "3");
  shot next = this->open();
  this->shell().erase("c");
  this->expect_rows(next, {{"c", "3"}});
}

TYPED_TEST_P(snapshot_suite, CursorOfAClosedOneExpires) {
  this->shell().put("a", "1");
  std::optional<shot> then(this->open());
  cursor rows = then->rows().scan();
  then.reset();
  EXPECT_TRUE(fails_with(errc::snapshot_expired, [&] { this->shell().next(rows); }));
}

TYPED_TEST_P(snapshot_suite, RandomHistoriesAgreeWithCopies) {
  for (std::uint64_t seed = 1; seed <= 4 && !this->HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    this->shell().clear();
    snapshot_story story(this->world(), seed);
    for (int step = 0; step < 1500 && !this->HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      story.step();
    }
    story.end();
  }
}

REGISTER_TYPED_TEST_SUITE_P(snapshot_suite, ShowsTheRowsOfItsMoment, EachOfSeveralShowsItsOwnMoment,
                            CursorGoesOnWhileRowsChange, RangeIsHalfOpen, RefusesChanges,
                            PastItsBytesItExpiresAloneAndTheStoreGoesOn, PastItsAgeItExpires,
                            ClearEndsIt, CursorOfAClosedOneExpires, RandomHistoriesAgreeWithCopies);

}  // namespace lentic::test
