// SPDX-License-Identifier: Apache-2.0
#include "task_rig.hpp"

#include <lentic/process/aggregate.hpp>
#include <lentic/process/fork.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/processor.hpp>
#include <lentic/process/sink.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::process {
namespace {

using test::task_rig;
using strings = std::vector<std::string>;
using text = std::string;

constexpr auto everything = [](const text&) { return true; };
constexpr auto nothing = [](const text&) {};

// "NAME <- NAME NAME [store]".
strings lines_of(const topology& from) {
  strings lines;
  for (const operator_description& each : from.description()) {
    text line = each.name;
    for (const std::size_t before : each.predecessors)
      line += " < " + from.description()[before].name;
    for (const text& store : each.stores) line += " [" + store + "]";
    lines.push_back(line);
  }
  return lines;
}

text message_of(const auto& build) {
  try {
    build();
  } catch (const std::system_error& failure) {
    EXPECT_EQ(failure.code(), errc::invalid_argument);
    return failure.what();
  }
  return "no error";
}

// Passes records on.
class passing final : public processor<text, text, text, text> {
 public:
  task<void> init(context_type& context) override {
    context_ = &context;
    co_return;
  }
  maybe_ready<void> process(record<text, text>& next) override { return context_->forward(next); }

 private:
  context_type* context_ = nullptr;
};

auto make_passing() {
  return std::make_unique<passing>();
}

TEST(Graph, NamesAreNumberedAsKafkas) {
  topology work;
  work.source<text, text>("in") | filter(everything) | map_values([](text v) { return v; })
      | group_by_key() | count() | to_stream() | for_each([](const auto&) {});
  EXPECT_EQ(lines_of(work), (strings{"KSTREAM-SOURCE-0000000000",
                                     "KSTREAM-FILTER-0000000001 < KSTREAM-SOURCE-0000000000",
                                     "KSTREAM-MAPVALUES-0000000002 < KSTREAM-FILTER-0000000001",
                                     "KSTREAM-AGGREGATE-0000000004 < KSTREAM-MAPVALUES-0000000002 "
                                     "[KSTREAM-AGGREGATE-STATE-STORE-0000000003]",
                                     "KTABLE-TOSTREAM-0000000005 < KSTREAM-AGGREGATE-0000000004",
                                     "KSTREAM-FOREACH-0000000006 < KTABLE-TOSTREAM-0000000005"}));
}

TEST(Graph, GivenNamesTakeNoNumber) {
  topology work;
  work.source<text, text>("in") | filter(everything, "all") | for_each(nothing, "end");
  EXPECT_EQ(lines_of(work),
            (strings{"KSTREAM-SOURCE-0000000000", "all < KSTREAM-SOURCE-0000000000", "end < all"}));
}

TEST(Graph, AForkAndAMergeAreInTheDescription) {
  topology work;
  auto all = work.source<text, text>("in") | filter(everything, "all");
  auto left = all | filter(everything, "left");
  all | filter(everything, "right") | merge(std::move(left), "both") | for_each(nothing, "end");
  EXPECT_EQ(lines_of(work),
            (strings{"KSTREAM-SOURCE-0000000000", "all < KSTREAM-SOURCE-0000000000", "left < all",
                     "right < all", "both < right < left", "end < both"}));
}

TEST(Graph, TwoOperatorsOfOneNameAreAnError) {
  topology work;
  const text message = message_of([&work] {
    work.source<text, text>("in") | filter(everything, "same") | filter(everything, "same")
        | for_each(nothing);
  });
  EXPECT_NE(message.find("same"), text::npos) << message;
}

TEST(Graph, TwoSourcesOfOneNameAreAnError) {
  topology work;
  work.source<text, text>("in") | for_each(nothing);
  const text message = message_of([&work] { work.source<text, text>("in") | for_each(nothing); });
  EXPECT_NE(message.find("in"), text::npos) << message;
}

TEST(Graph, TwoStoresOfOneNameAreAnErrorThatNamesTheOperator) {
  topology work;
  auto grouped = work.source<text, text>("in") | group_by_key();
  grouped | count("counts");
  const text message = message_of([&grouped] { grouped | count("counts"); });
  EXPECT_NE(message.find("KSTREAM-AGGREGATE-0000000002"), text::npos) << message;
  EXPECT_NE(message.find("counts"), text::npos) << message;
}

TEST(Graph, AnUnknownStoreIsAnErrorThatNamesTheProcessor) {
  topology work;
  const text message =
      message_of([&work] { work.source<text, text>("in") | process(make_passing, "missing"); });
  EXPECT_NE(message.find("KSTREAM-PROCESSOR-0000000001"), text::npos) << message;
  EXPECT_NE(message.find("missing"), text::npos) << message;
}

TEST(Graph, AnOperatorThatLeadsNowhereIsAnErrorOfTheTask) {
  topology work;
  { auto dropped = work.source<text, text>("in") | peek(nothing, "look"); }
  const text message = message_of([&work] { work.inner().seal(); });
  EXPECT_NE(message.find("look"), text::npos) << message;
}

TEST(Graph, ATopologyNeedsASource) {
  topology work;
  EXPECT_NE(message_of([&work] { work.inner().seal(); }), "no error");
}

TEST(Graph, MovingFromAStreamThatWasPipedByNameIsAnError) {
  topology work;
  auto all = work.source<text, text>("in") | filter(everything, "all");
  all | for_each(nothing);
  const text message = message_of([&all] { std::move(all) | for_each(nothing); });
  EXPECT_NE(message.find("all"), text::npos) << message;
}

TEST(Graph, ARunningTopologyTakesNoMoreOperators) {
  topology work;
  auto all = work.source<text, text>("in");
  all | for_each(nothing);
  task_rig rig([&work] { return std::move(work); });
  EXPECT_NE(message_of([&all] { all | for_each(nothing); }), "no error");
}

TEST(Graph, AFreeStoreIsFlushedBehindTheLastThatUsesIt) {
  topology work;
  work.add_store(std::make_unique<stored_bytes>("shared"));
  work.add_store(std::make_unique<stored_bytes>("unused"));
  auto all = work.source<text, text>("in");
  all | process(make_passing, "shared") | process(make_passing, "shared") | for_each(nothing);
  const std::vector<node*> order = work.inner().flush_order();
  ASSERT_EQ(order.size(), 5U);
  EXPECT_EQ(order[2], work.inner().find_store("shared"));
  EXPECT_EQ(order[4], work.inner().find_store("unused"));
  EXPECT_EQ(work.inner().opening_order()[0], work.inner().find_store("shared"));
}

}  // namespace
}  // namespace lentic::process
