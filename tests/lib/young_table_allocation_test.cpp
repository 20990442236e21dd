// SPDX-License-Identifier: Apache-2.0
// A young table whose nth allocation fails is as before the operation that met it, and goes on. An
// executable of its own, with failing_new.cpp.
#include "failing_new.hpp"
#include "young_table_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

class YoungTableAllocation : public testing::TestWithParam<young_layout> {};

INSTANTIATE_TEST_SUITE_P(Layout, YoungTableAllocation,
                         testing::Values(young_layout::hashed, young_layout::ordered),
                         [](const auto& layout) {
                           return layout.param == young_layout::hashed ? "Hashed" : "Ordered";
                         });

// Tells a table and its model the same; the nth allocation of the table fails.
class failing_story {
 public:
  failing_story(young_layout layout, std::uint64_t nth) : both_(layout), nth_(nth) {}

  void put(const std::string& key, const std::string& value) {
    detail::young_table& table = both_.table();
    if (nth_.attempt([&] { table.settle(table.put(as_bytes(key), as_bytes(value))); }))
      both_.put(key, value);
    both_.find(key);
  }
  void entomb(const std::string& key) {
    if (nth_.attempt([&] { both_.table().entomb(as_bytes(key)); })) both_.entomb(key);
    both_.find(key);
  }
  void remove(const std::string& key) {
    nth_.attempt([&] { both_.remove(key); });
    both_.find(key);
  }
  void walk() {
    nth_.attempt([&] { both_.table().walk({}); });
  }
  void slice() {
    detail::young_table::slice_place from;
    std::vector<detail::young_record*> found;
    nth_.attempt([&] { both_.table().next_slice(from, found); });
  }
  table_model& both() noexcept { return both_; }
  bool went_well() const noexcept { return nth_.was_not_reached(); }

 private:
  table_model both_;
  nth_allocation nth_;
};

TEST_P(YoungTableAllocation, TheOperationThatFailsChangesNothing) {
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    failing_story told(GetParam(), nth);
    for (std::uint64_t n = 0; n < 60; ++n) {
      told.put(odd_key(n * 13 % 50), std::string(n * n % 3000, 'v'));
      if (n % 5 == 0) told.walk();
      if (n % 7 == 0) told.remove(odd_key(n));
      if (n % 9 == 0) told.entomb(odd_key(n * 3));
      if (n % 11 == 0) told.slice();
    }
    told.both().compare_all();
    if (HasFatalFailure() || told.went_well()) break;
  }
}

// Growth of chunks, pages and directory, and the order over all of it.
TEST_P(YoungTableAllocation, ATableThatGrowsLosesNoRow) {
  for (std::uint64_t nth = 1;; nth += 1 + nth / 50) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    failing_story told(GetParam(), nth);
    for (std::uint64_t n = 0; n < 9000; ++n) {
      told.put(numbered_key(n * 7919 % 9000), "v");
      if (n % 3000 == 2999) told.walk();
    }
    told.walk();
    told.both().compare_all();
    if (HasFatalFailure() || told.went_well()) break;
  }
}

}  // namespace
}  // namespace lentic::test
