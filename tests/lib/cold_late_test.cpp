// SPDX-License-Identifier: Apache-2.0
// Cold reads that meet something else on their way: answers that are awaited late, scans that begin
// between rows, blocks that are forgotten, asked for by others, or damaged.
#include "cold_reads_rig.hpp"

#include <lentic/store/damaged_block.hpp>
#include <lentic/store/prefixed_segments.hpp>

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

namespace lentic::test {
namespace {

using keys = std::vector<std::string>;

// Rows so large that each has a block, and no two of them are read together.
class ColdLargeRows : public ColdReads {
 protected:
  ColdLargeRows() {
    for (int row = 0; row < 6; ++row)
      large().put(key_of(row), std::string(200'000, static_cast<char>('a' + row)));
    life_.seal("large", 1);
    life_.close();
    life_.open();
  }
  store_shell large() { return life_.shell("large", 1); }
  keys range(const std::string& lo, const std::string& hi, direction order) {
    keys found;
    for (const auto& [key, value] : large().range(lo, hi, order)) found.push_back(key);
    return found;
  }
};

TEST_F(ColdLargeRows, ForwardFromBetweenTwoRows) {
  EXPECT_EQ(range(key_of(1) + "x", "z", direction::forward),
            (keys{key_of(2), key_of(3), key_of(4), key_of(5)}));
}

TEST_F(ColdLargeRows, BackwardFromBelowARow) {
  EXPECT_EQ(range("a", key_of(4), direction::backward),
            (keys{key_of(3), key_of(2), key_of(1), key_of(0)}));
}

TEST_F(ColdLargeRows, ScanThatIsTakenUpAgainBetweenBlocks) {
  cursor rows = env().open_segmented_store("large").segment(1).scan();
  std::size_t found = 0;
  for (text_rows block = shell().next(rows); !block.empty(); block = shell().next(rows)) {
    for (const auto& [key, value] : block) found += key.starts_with("key") ? 1U : 0U;
    env().forget_residency();
    large().put("a young row", "x");
  }
  EXPECT_EQ(found, 6U);
}

TEST_F(ColdReads, RangeJoinsTheReadOfAGet) {
  for (int row = 100; row < 180; ++row) {
    env().forget_residency();
    outcome got;
    outcome counted;
    begin(got, row);
    const std::string lo = key_of(row) + "x";
    const std::string hi = key_of(row + 200);
    works_.spawn(note(count_rows(store().range({as_bytes(lo), as_bytes(hi)})), counted));
    life_.let_work();
    EXPECT_EQ(counted.value, "199") << row;
  }
}

TEST_F(ColdReads, RangeWhoseReadAheadFailsReadsOnAlone) {
  for (int row = 300; row < 380; ++row) {
    env().forget_residency();
    engine().fail_kind(coro::io_kind::read, 1, EIO);
    const std::string lo = key_of(row) + "x";
    EXPECT_EQ(shell().range(lo, key_of(row + 200), direction::forward).size(), 199U) << row;
    env().forget_residency();
    engine().fail_kind(coro::io_kind::read, 1, EIO);
    EXPECT_EQ(shell().range(key_of(row - 200), key_of(row), direction::backward).size(), 200U)
        << row;
  }
}

TEST_F(ColdReads, GetThatIsAwaitedAfterAClear) {
  const std::string key = key_of(500);
  maybe_ready<std::optional<value_view>> pending = store().get(as_bytes(key));
  ASSERT_FALSE(pending.ready());
  shell().clear();
  EXPECT_FALSE(sync_wait(life_.runtime(), std::move(pending)));
}

TEST_F(ColdReads, GetThatIsAwaitedAfterASmallerRunCame) {
  const std::string key = key_of(1'900);
  maybe_ready<std::optional<value_view>> pending = store().get(as_bytes(key));
  ASSERT_FALSE(pending.ready());
  shell().clear();
  shell().put(key, "v");
  life_.seal("cold", 1);
  env().forget_residency();
  EXPECT_TRUE(sync_wait(life_.runtime(), std::move(pending)));
}

TEST_F(ColdReads, EraseThatIsAwaitedAfterAClear) {
  const std::string key = key_of(500);
  maybe_ready<bool> pending = store().erase(as_bytes(key));
  ASSERT_FALSE(pending.ready());
  shell().clear();
  EXPECT_FALSE(sync_wait(life_.runtime(), std::move(pending)));
}

TEST_F(ColdReads, PinThatIsAwaitedAfterAClear) {
  const std::string key = key_of(500);
  maybe_ready<std::optional<pinned_value>> pending = store().pin(as_bytes(key));
  ASSERT_FALSE(pending.ready());
  shell().clear();
  EXPECT_FALSE(sync_wait(life_.runtime(), std::move(pending)));
}

TEST_F(ColdReads, CursorThatIsAwaitedAfterAClear) {
  cursor rows = store().scan();
  maybe_ready<std::span<const row>> pending = rows.next();
  ASSERT_FALSE(pending.ready());
  shell().clear();
  EXPECT_TRUE(sync_wait(life_.runtime(), std::move(pending)).empty());
}

TEST_F(ColdReads, CursorThatIsAwaitedAfterASeal) {
  cursor rows = store().scan();
  maybe_ready<std::span<const row>> pending = rows.next();
  ASSERT_FALSE(pending.ready());
  shell().put("young", "row");
  life_.seal("cold", 1);
  EXPECT_FALSE(sync_wait(life_.runtime(), std::move(pending)).empty());
}

task<void> get_all(byte_store& from, std::span<const bytes_view> wanted,
                   std::vector<std::optional<bytes>>& to) {
  to = co_await from.multi_get(wanted);
}

// Its blocks are forgotten after the common reads; while it reads one by one, the segment is
// cleared.
TEST_F(ColdReads, MultiGetUnderForgetAndClear) {
  const keys texts{key_of(0), key_of(400), key_of(800), key_of(1'200)};
  std::vector<bytes_view> wanted;
  for (const std::string& each : texts) wanted.push_back(as_bytes(each));
  std::vector<std::optional<bytes>> values;
  works_.spawn(get_all(store(), wanted, values));
  const std::uint64_t before = cold_reads();
  while (cold_reads() < before + 3) life_.runtime().turn();
  env().forget_residency();
  while (cold_reads() < before + 4) life_.runtime().turn();
  ASSERT_TRUE(values.empty()) << "it reads one by one now";
  shell().clear();
  life_.let_work();
  EXPECT_EQ(values.size(), 4U);
}

TEST_F(ColdReads, MultiGetThatIsAwaitedAfterADrop) {
  const std::string key = key_of(500);
  const std::vector<bytes_view> wanted{as_bytes(key)};
  task<std::vector<std::optional<bytes>>> pending = store().multi_get(wanted);
  sync_wait(life_.runtime(), segments().drop_below(2));
  EXPECT_EQ(sync_wait(life_.runtime(), std::move(pending)).size(), 1U);
}

// What can be read of the rows before the damage is handed out, then the error comes.
TEST_F(ColdReads, MergeHandsOutTheRowsBeforeADamagedBlock) {
  life_.close();
  ASSERT_TRUE(disk_.flip_bit(run_path(), (std::uint64_t{3} * 4096 + 300) * 8));
  life_.open();
  shell().put("zzz", "young");
  cursor rows = store().scan();
  std::size_t handed_out = 0;
  const auto read_on = [&] {
    for (text_rows block = shell().next(rows); !block.empty(); block = shell().next(rows))
      handed_out += block.size();
  };
  EXPECT_THROW(read_on(), std::system_error);
  EXPECT_THROW(read_on(), std::system_error);
  std::size_t there = 0;
  const auto count_whole = [&] {
    while (shell().get(key_of(static_cast<int>(there)))) ++there;
  };
  EXPECT_THROW(count_whole(), std::system_error);
  EXPECT_EQ(handed_out, there);
}

class DamagedBlocks : public ColdReads {
 protected:
  std::string path_in(std::string_view folder) {
    for (const auto& [path, content] : files_of(disk_)) {
      if (path.find(folder) != path.npos && path.ends_with(".run")) return path;
    }
    return "";
  }
  // Keys as scans hand them out that go on behind each damaged block.
  keys survivors(byte_store& of) {
    keys found;
    std::optional<bytes> start = bytes();
    for (int scans = 0; start && scans < 100; ++scans) {
      const bytes lo = *start;
      start.reset();
      try {
        cursor rows = of.range(from(lo));
        for (text_rows block = shell().next(rows); !block.empty(); block = shell().next(rows))
          for (const auto& [key, value] : block) found.push_back(key);
      } catch (const damaged_block& damage) {
        if (damage.next_key()) start = to_bytes(*damage.next_key());
      }
    }
    return found;
  }
};

// The error says where a scan can go on: what it hands out there is what can be got.
TEST_F(ColdReads, AScanGoesOnBehindADamagedBlock) {
  life_.close();
  ASSERT_TRUE(disk_.flip_bit(run_path(), (std::uint64_t{3} * 4096 + 300) * 8));
  life_.open();
  for (int row = 0; row < row_count; row += 7) shell().put(key_of(row), "newer");
  shell().put("above all", "young");
  shell().put("z", "young");
  std::vector<std::string> found;
  std::optional<bytes> behind;
  const auto read_on = [&](const key_range& range) {
    cursor rows = store().range(range);
    for (text_rows block = shell().next(rows); !block.empty(); block = shell().next(rows))
      for (const auto& [key, value] : block) found.push_back(key);
  };
  try {
    read_on(everything());
  } catch (const damaged_block& damage) {
    EXPECT_EQ(damage.code(), errc::damaged);
    ASSERT_TRUE(damage.next_key());
    behind = to_bytes(*damage.next_key());
  }
  ASSERT_TRUE(behind);
  read_on(from(*behind));
  std::vector<std::string> there{"above all"};
  std::vector<std::string> lost;
  std::size_t newer_among_lost = 0;
  for (int number = 0; number < row_count; ++number) {
    try {
      if (shell().get(key_of(number))) there.push_back(key_of(number));
      if (!lost.empty() && number % 7 == 0 && key_of(number) < as_text(*behind)) ++newer_among_lost;
    } catch (const damaged_block&) {
      EXPECT_LT(key_of(number), as_text(*behind));
      lost.push_back(key_of(number));
    }
  }
  there.emplace_back("z");
  EXPECT_GT(newer_among_lost, 2U);
  EXPECT_EQ(found, there);
  EXPECT_GT(lost.size(), 10U);
}

// The only block of a run has no end and no beginning: what is young is handed out.
TEST_F(DamagedBlocks, YoungRowsAroundADamagedOnlyBlockAreHandedOut) {
  for (const char* const key : {"m1", "m2", "m3"}) life_.shell("small", 1).put(key, "row");
  life_.seal("small", 1);
  life_.close();
  ASSERT_TRUE(disk_.flip_bit(path_in("small/"), std::uint64_t{20} * 8));
  life_.open();
  const keys young{"a1", "b1", "m2x", "z1", "z2"};
  for (const std::string& key : young) life_.shell("small", 1).put(key, "young");
  EXPECT_EQ(survivors(env().open_segmented_store("small").segment(1)), young);
}

// Keys behind the damage are those of the segment, and no other segment's.
TEST_F(DamagedBlocks, SegmentsOfAnotherStoreGoOnBehindADamagedBlock) {
  {
    const auto both =
        sync_wait(life_.runtime(), prefixed_segments::open(env().open_byte_store("plain")));
    for (const segment_id id : {segment_id{3}, segment_id{4}}) {
      store_shell each(life_.runtime(), both->segment(id));
      for (int row = 0; row < 300; ++row) each.put(key_of(row), value_of(row));
    }
  }
  life_.seal("plain", 0);
  life_.close();
  for (const std::uint64_t page : {2U, 7U})
    ASSERT_TRUE(disk_.flip_bit(path_in("plain/"), (page * 4096 + 300) * 8));
  life_.open();
  const auto both =
      sync_wait(life_.runtime(), prefixed_segments::open(env().open_byte_store("plain")));
  for (const segment_id id : {segment_id{3}, segment_id{4}}) {
    const keys found = survivors(both->segment(id));
    EXPECT_GT(found.size(), 100U) << id;
    EXPECT_LT(found.size(), 300U) << id;
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(), std::less_equal<>())) << "none twice";
  }
}

}  // namespace
}  // namespace lentic::test
