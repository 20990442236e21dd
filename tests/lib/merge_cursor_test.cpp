// SPDX-License-Identifier: Apache-2.0
// Cursors over several layers. This program replaces operator new, so that allocations can be
// counted and fail.
#include "failing_new.hpp"
#include "row_layer.hpp"
#include "run_file.hpp"
#include "store_shell.hpp"

#include <lentic/coro/sim_random.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <new>

namespace lentic::detail {
namespace {

using test::numbered_text;
using test::text_rows;

// An ordered layer in memory: values, or tombstones. A change makes its walks invalid.
class map_layer final : public row_layer {
 public:
  using rows_type = std::map<std::string, std::optional<std::string>>;

  std::unique_ptr<layer_walk> walk(const walk_start& start) override {
    return std::make_unique<map_walk>(rows, start);
  }

  rows_type rows;

 private:
  class map_walk final : public layer_walk {
   public:
    map_walk(const rows_type& of, const walk_start& start)
        : rows_(&of), forward_(start.order == direction::forward) {
      const std::string key(start.key ? as_text(*start.key) : std::string_view());
      if (!start.key) {
        at_ = forward_ ? of.begin() : of.end();
      } else {
        at_ = forward_ && start.exclusive ? of.upper_bound(key) : of.lower_bound(key);
      }
      if (!forward_) step_back();
      show();
    }
    const layer_row* current() const override { return ended_ ? nullptr : &row_; }
    void advance() override {
      if (forward_) {
        ++at_;
      } else {
        step_back();
      }
      show();
    }

   private:
    void step_back() {
      ended_ = at_ == rows_->begin();
      if (!ended_) --at_;
    }
    void show() {
      if (forward_) ended_ = at_ == rows_->end();
      if (ended_) return;
      row_.key = as_bytes(at_->first);
      row_.tombstone = !at_->second.has_value();
      row_.value = row_.tombstone ? bytes_view() : as_bytes(*at_->second);
    }

    const rows_type* rows_;
    bool forward_;
    bool ended_ = false;
    rows_type::const_iterator at_;
    layer_row row_;
  };
};

// A map layer above runs. Counts how often its layers are asked for.
class layers_under_test final : public layered {
 public:
  std::vector<row_layer*> layers() override {
    ++asked;
    std::vector<row_layer*> found;
    if (has_young) found.push_back(&young);
    for (const auto& each : runs_) found.push_back(each.run.get());
    return found;
  }
  std::optional<std::uint64_t> version() const override { return changes; }

  void put(const std::string& key, std::optional<std::string> value) {
    young.rows[key] = std::move(value);
    ++changes;
  }
  void add_run(const std::map<std::string, std::string>& rows) {
    run_writer writer{run_identity()};
    for (const auto& [key, value] : rows) writer.add(as_bytes(key), as_bytes(value));
    while (!writer.finish()) {
    }
    stored_run next;
    next.raw = writer.take();
    next.run = run_reader::open(next.raw, run_identity(), "test.run").value();
    runs_.push_back(std::move(next));
    ++changes;
  }
  bytes& raw_of_first_run() { return runs_.front().raw; }

  map_layer young;
  bool has_young = true;
  std::uint64_t changes = 0;
  int asked = 0;

 private:
  struct stored_run {
    bytes raw;
    std::unique_ptr<run_reader> run;
  };
  std::vector<stored_run> runs_;
};

std::map<std::string, std::string> numbered(int first, int step, int count) {
  std::map<std::string, std::string> rows;
  for (int i = 0; i < count; ++i)
    rows[numbered_text("key", first + i * step)] = std::string(50, static_cast<char>('a' + i % 26));
  return rows;
}

text_rows next_block(cursor& rows) {
  text_rows block;
  for (const row& each : rows.next().take())
    block.emplace_back(as_text(each.key), as_text(each.value));
  return block;
}

text_rows rest(cursor& rows) {
  text_rows all;
  for (;;) {
    const text_rows block = next_block(rows);
    if (block.empty()) return all;
    all.insert(all.end(), block.begin(), block.end());
  }
}

text_rows as_rows(const std::map<std::string, std::string>& rows) {
  return {rows.begin(), rows.end()};
}

// Random layers, bounds, directions; puts and tombstones between blocks, of keys that the cursor
// has passed, so that what it must still show is known.
TEST(MergeCursor, ShowsWhatAMapShows) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    coro::sim_random random(seed);
    layers_under_test layers;
    std::map<std::string, std::string> model;
    const auto key = [&random] { return numbered_text("k", random.below(900)); };
    std::vector<std::map<std::string, std::string>> runs(random.below(3));
    for (std::uint64_t n = runs.size(); n > 0; --n) {
      for (std::uint64_t rows = random.below(500); rows > 0; --rows)
        runs[n - 1][key()] = std::string(random.below(40), static_cast<char>('a' + n));
      for (const auto& [each, value] : runs[n - 1]) model[each] = value;  // oldest first
    }
    for (const auto& each : runs) layers.add_run(each);
    layers.has_young = random.below(4) != 0;
    const auto change = [&](const std::string& at) {
      const bool is_put = random.below(2) == 0;
      if (is_put)
        model[at] = "young";
      else
        model.erase(at);
      layers.put(at, is_put ? std::optional<std::string>("young") : std::nullopt);
    };
    for (std::uint64_t n = layers.has_young ? random.below(300) : 0; n > 0; --n) change(key());

    std::string lo = key();
    std::string hi = key();
    const bool has_lo = random.below(2) == 0;
    const bool has_hi = random.below(2) == 0;
    if (has_lo && has_hi && hi < lo) std::swap(lo, hi);
    key_range range;
    if (has_lo) range.lo = as_bytes(lo);
    if (has_hi) range.hi = as_bytes(hi);
    text_rows wanted;
    for (const auto& each : model)
      if ((!has_lo || each.first >= lo) && (!has_hi || each.first < hi)) wanted.push_back(each);
    const bool forward = random.below(2) == 0;
    if (!forward) std::reverse(wanted.begin(), wanted.end());

    cursor rows =
        make_merge_cursor(layers, range, forward ? direction::forward : direction::backward);
    text_rows seen;
    for (text_rows block = next_block(rows); !block.empty(); block = next_block(rows)) {
      seen.insert(seen.end(), block.begin(), block.end());
      if (layers.has_young && random.below(3) == 0)
        change(forward ? "a" + key() : "z" + key());  // behind the cursor
    }
    ASSERT_EQ(seen, wanted);
  }
}

TEST(MergeCursor, RowsThatAreErasedAheadOfItAreGone) {
  layers_under_test layers;
  for (const auto& [key, value] : numbered(1000, 1, 500)) layers.put(key, value);
  cursor rows = make_merge_cursor(layers, everything(), direction::forward);
  const std::size_t first = next_block(rows).size();
  EXPECT_LT(first, 400U);
  layers.young.rows.clear();
  layers.put("z", "new");
  EXPECT_EQ(rest(rows), (text_rows{{"z", "new"}}));
}

TEST(MergeCursor, AsksForLayersOnceWhileNothingChanges) {
  layers_under_test layers;
  layers.add_run(numbered(1000, 2, 2000));
  for (const auto& [key, value] : numbered(1001, 2, 2000)) layers.put(key, value);
  cursor rows = make_merge_cursor(layers, everything(), direction::forward);
  EXPECT_EQ(rest(rows).size(), 4000U);
  EXPECT_EQ(layers.asked, 1);
}

std::uint64_t allocations_of(cursor& rows) {
  const std::uint64_t before = test::allocations;
  while (!rows.next().take().empty()) {
  }
  return test::allocations - before;
}

TEST(MergeCursor, AllocatesNothingOnceItIsWarm) {
  for (const bool is_merged : {false, true}) {
    for (const direction order : {direction::forward, direction::backward}) {
      layers_under_test layers;
      layers.add_run(numbered(10000, 2, 5000));
      layers.has_young = is_merged;
      for (const auto& [key, value] : numbered(10001, 2, 5000)) layers.put(key, value);
      cursor rows = make_merge_cursor(layers, everything(), order);
      for (int block = 0; block < 4; ++block) ASSERT_FALSE(rows.next().take().empty());
      EXPECT_EQ(allocations_of(rows), 0U) << is_merged;
    }
  }
}

// Each allocation of a scan fails once, and the cursor goes on: every row exactly once.
TEST(MergeCursor, AFailedAllocationLosesNoRow) {
  for (const bool is_merged : {false, true}) {
    layers_under_test layers;
    auto wanted = numbered(1000, 2, 300);
    layers.add_run(wanted);
    layers.has_young = is_merged;
    if (is_merged) {
      for (const auto& each : numbered(1001, 4, 100)) {
        layers.put(each.first, each.second);
        wanted.insert(each);
      }
    }
    bool fired = true;
    for (std::uint64_t n = 1; fired; ++n) {
      cursor rows = make_merge_cursor(layers, everything(), direction::forward);
      text_rows seen;
      bool more = true;
      fired = false;
      std::uint64_t left = n;
      while (more) {
        std::span<const row> block;
        const std::uint64_t before = test::allocations;
        test::fail_at = fired ? 0 : before + left;
        try {
          block = rows.next().take();
          more = !block.empty();
        } catch (const std::bad_alloc&) {
          fired = true;
        }
        test::fail_at = 0;
        if (!fired) left -= test::allocations - before;
        for (const row& each : block) seen.emplace_back(as_text(each.key), as_text(each.value));
      }
      ASSERT_EQ(seen, as_rows(wanted)) << n;
    }
  }
}

TEST(MergeCursor, HandsOutWhatComesBeforeADamagedBlock) {
  layers_under_test layers;
  const auto all = as_rows(numbered(1000, 1, 500));
  layers.add_run(numbered(1000, 1, 500));
  layers.has_young = false;
  layers.raw_of_first_run().at(3 * run_page_bytes + 50) ^= std::byte{1};
  cursor rows = make_merge_cursor(layers, everything(), direction::forward);
  text_rows seen;
  for (int block = 0; block < 3; ++block) {
    const text_rows more = next_block(rows);
    seen.insert(seen.end(), more.begin(), more.end());
  }
  EXPECT_EQ(seen, text_rows(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(seen.size())));
  EXPECT_GT(seen.size(), 100U);
  for (int again = 0; again < 2; ++again) {
    try {
      static_cast<void>(rows.next().take());
      FAIL() << "read over the damage";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::damaged);
    }
  }
}

}  // namespace
}  // namespace lentic::detail
