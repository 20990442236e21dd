// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/store/cursor.hpp>
#include <lentic/store/memory_store.hpp>

#include <gtest/gtest.h>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/reverse.hpp>
#include <range/v3/view/transform.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

class Cursor : public testing::Test {
 protected:
  Cursor() {
    for (int i = 0; i < rows; ++i) {
      const std::string key = "k" + std::to_string(1000 + i);
      const std::string value = std::to_string(i);
      sync_wait(runtime_, store_.put(as_bytes(key), as_bytes(value)));
    }
  }

  static constexpr int rows = 300;
  coro::sim_disk disk_{1};
  coro::sim_runtime runtime_{disk_, 1};
  memory_store store_;
};

struct summing_visitor {
  int sum = 0;
  int count = 0;
  void operator()(const row& each) {
    sum += std::stoi(std::string(as_text(each.value)));
    ++count;
  }
};

TEST_F(Cursor, ForEachRowVisitsEveryRowOnce) {
  cursor all = store_.scan();
  summing_visitor visitor;
  sync_wait(runtime_, for_each_row(all, visitor));
  EXPECT_EQ(visitor.count, rows);
  EXPECT_EQ(visitor.sum, rows * (rows - 1) / 2);
}

TEST_F(Cursor, VisitorThatThrowsEndsTheWalk) {
  cursor all = store_.scan();
  int visited = 0;
  const auto third_is_bad = [&](const row&) {
    if (++visited == 3) throw std::runtime_error("third");
  };
  EXPECT_THROW(sync_wait(runtime_, for_each_row(all, third_is_bad)), std::runtime_error);
  EXPECT_EQ(visited, 3);
}

TEST_F(Cursor, PipelineOfRangeV3RunsOverABlock) {
  cursor all = store_.prefix(as_bytes("k100"));
  maybe_ready<std::span<const row>> next = all.next();
  ASSERT_TRUE(next.ready());
  const std::span<const row> block = next.take();
  const auto odd = [](const row& each) { return std::stoi(std::string(as_text(each.value))) % 2; };
  const auto key = [](const row& each) { return std::string(as_text(each.key)); };
  const auto keys = block | ranges::views::filter(odd) | ranges::views::transform(key)
                  | ranges::views::reverse | ranges::to<std::vector>();
  EXPECT_EQ(keys, (std::vector<std::string>{"k1009", "k1007", "k1005", "k1003", "k1001"}));
}

}  // namespace
}  // namespace lentic::test
