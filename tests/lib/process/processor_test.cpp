// SPDX-License-Identifier: Apache-2.0
#include "task_rig.hpp"

#include <lentic/process/aggregate.hpp>
#include <lentic/process/operators.hpp>
#include <lentic/process/processor.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/sink.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::process {
namespace {

using test::keeps;
using test::task_rig;
using strings = std::vector<std::string>;
using text = std::string;

// Passes on the first record of each key; refuses the key "bad".
class first_of_a_key final : public processor<text, text, text, text> {
 public:
  explicit first_of_a_key(strings& life) : life_(&life) {}

  task<void> init(context_type& context) override {
    context_ = &context;
    seen_ = &context.store<byte_store>("seen");
    life_->push_back("init");
    co_return;
  }
  maybe_ready<void> process(record<text, text>& next) override {
    if (next.key == "bad") throw record_rejected(make_error_code(errc::too_large), "first");
    return look(next);
  }
  maybe_ready<void> flush(coro::stop_token) override {
    life_->push_back("flush");
    return {};
  }
  task<void> close() override {
    life_->push_back("close");
    co_return;
  }

 private:
  task<void> look(record<text, text>& next) {
    const bytes key = to_bytes(as_bytes(next.key));
    const bool first = co_await seen_->put_if_absent(key, key);
    life_->push_back("time " + std::to_string(context_->stream_time_ms()) + " offset "
                     + std::to_string(context_->current().origin.offset));
    if (first) co_await context_->forward(next);
  }

  strings* life_;
  context_type* context_ = nullptr;
  byte_store* seen_ = nullptr;
};

class Processor : public ::testing::Test {
 protected:
  topology build() {
    topology work;
    work.add_store(std::make_unique<stored_bytes>("seen"));
    work.source<text, text>("in")
        | process([this] { return std::make_unique<first_of_a_key>(life_); }, "seen")
        | for_each([this](const text& value) { out_.push_back(value); });
    return work;
  }
  auto builder() {
    return [this] { return build(); };
  }

  strings life_;
  strings out_;
};

TEST_F(Processor, HasItsStoreStreamTimeAndContext) {
  task_rig rig(builder());
  record<text, text> next("a", "1", 5);
  next.origin.offset = 17;
  rig.feed("in", next);
  rig.feed("in", text("a"), text("2"), 3);
  rig.feed("in", text("b"), text("3"), 9);
  EXPECT_EQ(out_, (strings{"1", "3"}));
  EXPECT_EQ(life_, (strings{"init", "time 5 offset 17", "time 5 offset -1", "time 9 offset -1"}));
}

TEST_F(Processor, ItsStoreIsPartOfTheCommit) {
  task_rig rig(builder(), keeps::disk);
  rig.feed("in", text("a"), text("1"), 1);
  rig.commit();
  rig.feed("in", text("b"), text("2"), 2);
  rig.restart();
  rig.feed("in", text("a"), text("3"), 3);
  rig.feed("in", text("b"), text("4"), 4);
  EXPECT_EQ(out_, (strings{"1", "2", "4"}));
}

TEST_F(Processor, IsFlushedAtACommitAndClosed) {
  task_rig rig(builder());
  rig.commit();
  rig.wait(rig.job().close());
  EXPECT_EQ(life_, (strings{"init", "flush", "close"}));
}

TEST_F(Processor, MayRefuseARecord) {
  task_rig rig(builder());
  rig.feed("in", text("a"), text("1"), 1);
  EXPECT_THROW(rig.feed("in", text("bad"), text("2"), 2), record_rejected);
  rig.feed("in", text("b"), text("3"), 3);
  EXPECT_EQ(out_, (strings{"1", "3"}));
}

// Reads the table that another operator keeps.
class reading final : public processor<text, text, text, text> {
 public:
  explicit reading(strings& seen) : seen_(&seen) {}
  task<void> init(context_type& context) override {
    counts_ = &context.store<byte_store>("counts");
    co_return;
  }
  maybe_ready<void> process(record<text, text>& next) override {
    auto found = counts_->get(as_bytes(next.key));
    const std::optional<value_view> raw = found.take();
    seen_->push_back(raw ? to_hex(*raw) : "none");
    return {};
  }

 private:
  strings* seen_;
  byte_store* counts_ = nullptr;
};

TEST_F(Processor, MayReadTheStoreOfAnAggregate) {
  strings seen;
  topology work;
  auto in = work.source<text, text>("in");
  in | group_by_key() | count("counts");
  in | process([&seen] { return std::make_unique<reading>(seen); }, "counts");
  task_rig rig([&work] { return std::move(work); });
  rig.feed("in", text("a"), text(), 7);
  EXPECT_EQ(seen, strings{"00000000000000070000000000000001"});
}

TEST_F(Processor, AStoreOfAnotherKindIsAnError) {
  topology work;
  work.add_store(std::make_unique<stored_segments>("counts"));
  strings seen;
  work.source<text, text>("in")
      | process([&seen] { return std::make_unique<reading>(seen); }, "counts");
  try {
    task_rig rig([&work] { return std::move(work); });
    FAIL() << "the task was opened";
  } catch (const std::system_error& failure) {
    EXPECT_EQ(failure.code(), errc::store_mismatch);
  }
}

}  // namespace
}  // namespace lentic::process
