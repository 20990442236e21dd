// SPDX-License-Identifier: Apache-2.0
// Digests: what the sums are, and that those which an environment keeps are those of a scan,
// whatever its rows went through.
#include "digest_rig.hpp"
#include "digest_sums.hpp"
#include "run_file.hpp"

#include <lentic/store/memory_store.hpp>

#include <algorithm>
#include <cerrno>

namespace lentic::test {
namespace {

// 500 rows in a run.
void fill_a_run(environment_life& life) {
  for (int n = 0; n < 500; ++n) life.shell("s", 3).put(numbered_text("k", n), std::string(60, 'v'));
  life.seal("s", 3);
}

// Made with libxxhash 0.8.1 through Python.
TEST(Digest, ARowHasTheHashThatThePageSays) {
  EXPECT_EQ(row_digest(7, as_bytes("a"), as_bytes("1")), 0x7d65264506c805fbU);
  EXPECT_EQ(row_digest(7, as_bytes("b"), {}), 0xa84e3b25cebd32bdU);
  EXPECT_EQ(row_digest(0, {}, {}), 0xfccac258b01c221fU);
  const std::string value(300, 'v');
  const std::string large(5000, 'x');
  const std::string key(100, 'k');
  EXPECT_EQ(row_digest(~std::uint64_t{0}, as_bytes("key"), as_bytes(value)), 0x5a16065b723e45dU);
  EXPECT_EQ(row_digest(1, as_bytes(key), as_bytes(large)), 0x39ee469167360ac8U);
  EXPECT_EQ(digest_part_of(as_bytes("a")), 230U);
  EXPECT_EQ(digest_part_of({}), 45U);
}

// Copied, hashed in pieces, or as it lies in memory.
TEST(Digest, ARowInTwoPiecesHasTheHashOfTheWhole) {
  bytes row(3000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::byte>(i * 31 >> 3);
  const std::uint64_t seed = detail::segment_seed(7);
  for (std::size_t whole = 0; whole <= row.size(); whole += whole < 1100 ? 1 : 53) {
    for (const std::size_t key : {std::size_t{0}, whole / 3, whole}) {
      const bytes_view all = bytes_view(row).first(whole);
      const bytes value(all.begin() + static_cast<std::ptrdiff_t>(key), all.end());
      ASSERT_EQ(detail::seeded_digest(seed, all.first(key), value),
                detail::joined_digest(seed, all, key))
          << whole << ' ' << key;
    }
  }
}

// Rows of few bytes that are one after the other alike, or in which a byte changes sides.
TEST(Digest, SmallRowsThatDifferHaveDifferentHashes) {
  std::vector<std::uint64_t> seen;
  for (std::uint64_t segment = 0; segment < 3; ++segment) {
    for (std::uint32_t number = 0; number < 4096; ++number) {
      const std::array<std::byte, 4> raw = {std::byte{0}, static_cast<std::byte>(number >> 8),
                                            static_cast<std::byte>(number), std::byte{1}};
      for (std::size_t key = 0; key <= raw.size(); ++key)
        seen.push_back(
            row_digest(segment, bytes_view(raw).first(key), bytes_view(raw).subspan(key)));
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(Digest, AScanSumsUpARange) {
  coro::sim_disk disk(1);
  coro::sim_runtime runtime(disk, 1);
  memory_store store;
  segment_digest all;
  segment_digest some;
  all.segment = some.segment = 9;
  for (int n = 10; n < 90; ++n) {
    const std::string key = numbered_text("k", n);
    store_shell(runtime, store).put(key, "v");
    all.add(as_bytes(key), as_bytes("v"));
    if (key >= "k3" && key < "k5") some.add(as_bytes(key), as_bytes("v"));
  }
  EXPECT_EQ(sync_wait(runtime, digest_of(store, 9)), all);
  key_range range;
  range.lo = as_bytes("k3");
  range.hi = as_bytes("k5");
  EXPECT_EQ(sync_wait(runtime, digest_of(store, 9, range)), some);
  EXPECT_EQ(some.rows, 20U);
  EXPECT_NE(some.total(), all.total());
}

// Each layer over each other one, then the same rows in a state that knows no run.
TEST(Digest, HiddenRowsDoNotCount) {
  for (const bool has_index : {false, true}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    life.open();
    const auto layout = has_index ? young_layout::ordered : young_layout::hashed;
    life.env().open_segmented_store("s", layout);
    for (int n = 0; n < 40; ++n) life.shell("s", 3).put(numbered_text("k", n), "sealed");
    life.seal("s", 3);
    expect_kept_is_scanned(life);
    for (int n = 0; n < 30; ++n) life.shell("s", 3).put(numbered_text("k", n), "frozen");
    for (int n = 5; n < 10; ++n) life.shell("s", 3).erase(numbered_text("k", n));
    life.env().open_segmented_store("s").seal_hint(3);
    life.commit();  // its seal is under way
    for (int n = 3; n < 20; ++n) life.shell("s", 3).put(numbered_text("k", n), "young");
    for (int n = 15; n < 25; ++n) life.shell("s", 3).erase(numbered_text("k", n));
    life.shell("s", 3).put("new", "young");
    expect_kept_is_scanned(life);
    EXPECT_EQ(life.env().statistics().runs_written, 1U);
    const store_digest found = kept(life, "s");
    life.let_work();
    EXPECT_EQ(life.env().statistics().runs_written, 2U);
    EXPECT_EQ(kept(life, "s"), found);
    life.commit();
    expect_kept_is_scanned(life);

    coro::sim_disk other_disk(2);
    environment_life other(other_disk, 2);
    other.open();
    for (const auto& [key, value] : life.shell("s", 3).scan()) other.shell("t", 3).put(key, value);
    EXPECT_EQ(kept(other, "t"), found);
    EXPECT_EQ(found.rows(), 31U);
  }
}

TEST(Digest, ARowThatDiffersShowsInItsPart) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  for (int n = 0; n < 40; ++n) life.shell("s", 3).put(numbered_text("k", n), "v");
  life.seal("s", 3);
  const store_digest before = kept(life, "s");
  life.shell("s", 3).put("k7", "w");
  const store_digest after = kept(life, "s");
  EXPECT_NE(before.total(), after.total());
  for (std::size_t part = 0; part < digest_part_count; ++part)
    EXPECT_EQ(before.segments[0].parts[part] != after.segments[0].parts[part],
              part == digest_part_of(as_bytes("k7")));
  life.shell("s", 3).put("k7", "v");
  EXPECT_EQ(kept(life, "s"), before);
}

// In memory, read-only, and with a budget too small for kept sums: hashed when it is asked.
TEST(Digest, WhereNoSumsAreKeptTheyAreMade) {
  environment_options in_memory = small_options();
  in_memory.directory.clear();
  environment_options small = small_options();
  small.memory_budget = 256 << 10;
  std::vector<store_digest> found;
  for (const environment_options& each : {small_options(), in_memory, small}) {
    coro::sim_disk disk(1);
    environment_life life(disk, 1);
    life.open(each);
    for (int n = 0; n < 40; ++n) life.shell("s", 3).put(numbered_text("k", n), "v");
    life.seal("s", 3);
    for (int n = 30; n < 50; ++n) life.shell("s", 3).put(numbered_text("k", n), "w");
    for (int n = 0; n < 10; ++n) life.shell("s", 3).erase(numbered_text("k", n));
    life.commit();
    life.shell("s", 4).put("k", "not committed");
    life.commit();
    expect_kept_is_scanned(life);
    found.push_back(kept(life, "s"));
    life.close();
    if (each.directory.empty()) continue;
    environment_life reader(disk, 2);
    reader.open(small_options(open_mode::read_only));
    expect_kept_is_scanned(reader);
    found.push_back(kept(reader, "s"));
    reader.close();
  }
  ASSERT_EQ(found.size(), 5U);
  for (const store_digest& each : found) EXPECT_EQ(each, found[0]);
}

TEST(Digest, SegmentsAreChosenByTheirNumbers) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  constexpr segment_id last = std::numeric_limits<segment_id>::max();
  for (const segment_id id : {segment_id{1}, segment_id{2}, segment_id{5}, last})
    life.shell("s", id).put("k", "v");
  life.shell("s", 3);  // without a row
  const store_digest all = kept(life, "s");
  ASSERT_EQ(all.segments.size(), 4U);
  EXPECT_EQ(all.segments[3].segment, last);
  EXPECT_NE(all.segments[0].total(), all.segments[1].total());
  const store_digest some = sync_wait(life.runtime(), life.env().digest("s", 2, 5));
  ASSERT_EQ(some.segments.size(), 1U);
  EXPECT_EQ(some.segments[0], all.segments[1]);
  EXPECT_THROW(sync_wait(life.runtime(), life.env().digest("t")), std::system_error);
  EXPECT_EQ(kept(life, "s").total(), all.total());
}

// The rows of the moment at which it began, whatever comes while it reads.
TEST(Digest, IsOfOneMoment) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    for (int n = 0; n < 3000; ++n)
      life.shell("s", 3).put(numbered_text("k", n), std::string(60, 'v'));
    life.seal("s", 3);
    life.close();
  }
  environment_life life(disk, 2);
  life.open();
  for (int n = 0; n < 3000; n += 7) life.shell("s", 3).put(numbered_text("k", n), "w");
  life.commit();
  const store_digest before = scanned(life, "s");
  life.env().forget_residency();
  coro::scope working(life.runtime().queue());
  store_digest found;
  working.spawn(note_digest(life.env(), found));
  EXPECT_TRUE(found.segments.empty()) << "nothing had to be read";
  for (int n = 0; n < 3000; n += 5) life.shell("s", 3).put(numbered_text("k", n), "x");
  life.seal("s", 3);
  life.drop_below("s", 4);
  sync_wait(life.runtime(), working.join());
  EXPECT_EQ(found, before);
}

// A run as earlier versions wrote it.
TEST(Digest, ARunWithoutSumsIsRead) {
  coro::sim_disk disk(1);
  store_digest before;
  {
    environment_life life(disk, 1);
    life.open();
    fill_a_run(life);
    life.shell("s", 3).put("k7", "w");
    life.commit();
    before = kept(life, "s");
    life.close();
  }
  file_map files = files_of(disk);
  std::string& run = run_in(files);
  const std::size_t whole = run.size();
  run = without_sums(run);
  EXPECT_LT(run.size(), whole - 200);
  const auto older = disk_with(files);
  environment_life life(*older, 2);
  life.open();
  EXPECT_TRUE(life.env().recovered().quarantined.empty());
  EXPECT_EQ(kept(life, "s"), before);
  expect_kept_is_scanned(life);
}

TEST(Digest, SumsThatAreDamagedAreNamed) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    for (int n = 0; n < 50; ++n) life.shell("s", 3).put(numbered_text("k", n), "v");
    life.seal("s", 3);
    life.close();
  }
  file_map files = files_of(disk);
  std::string& run = run_in(files);
  const std::size_t sums = run.size() - without_sums(run).size();
  for (std::size_t at = 0; at < sums; at += 5) {
    const std::size_t place = run.size() - detail::run_footer_bytes - sums + at;
    run[place] = static_cast<char>(run[place] ^ 4);
    const auto damaged = disk_with(files);
    environment_life life(*damaged, 2);
    life.open();
    EXPECT_EQ(life.shell("s", 3).get("k7"), "v");
    std::string told;
    try {
      kept(life, "s");
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::damaged);
      told = error.what();
    }
    EXPECT_NE(told.find(".run, the sums at "), std::string::npos) << told << at;
    run[place] = static_cast<char>(run[place] ^ 4);
  }
}

// Each read, and all of them: an error, or where it was only asked for ahead the right sums; and
// nothing is held afterwards.
TEST(Digest, AReadThatFailsMakesNoWrongSums) {
  coro::sim_disk disk(1);
  store_digest wanted;
  {
    environment_life life(disk, 1);
    life.open();
    fill_a_run(life);
    for (int n = 0; n < 500; n += 90) life.shell("s", 3).put(numbered_text("k", n), "w");
    life.commit();
    wanted = kept(life, "s");
    life.close();
  }
  int failures = 0;
  constexpr std::uint64_t all = 11;
  for (std::uint64_t nth = 0; nth <= all; ++nth) {
    environment_life life(disk, 2 + nth);
    life.open();
    const std::uint64_t held = life.env().memory()->bytes();
    life.env().forget_residency();
    if (nth != all) life.engine().fail_kind(coro::io_kind::read, nth + 1, EIO);
    if (nth == all) life.engine().fail_from(life.engine().operations() + 1, EIO);
    try {
      EXPECT_EQ(kept(life, "s"), wanted);
      EXPECT_NE(nth, all);
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::io_error);
      ++failures;
    }
    life.let_work();
    EXPECT_EQ(life.env().memory()->bytes(), held);
  }
  EXPECT_GT(failures, 1);
}

TEST(Digest, AQuarantinedSegmentHasNone) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open();
    life.shell("s", 3).put("k", "v");
    life.shell("s", 4).put("k", "v");
    life.seal("s", 3);
    life.close();
  }
  file_map files = files_of(disk);
  run_in(files).back() ^= 1;
  const auto damaged = disk_with(files);
  environment_life life(*damaged, 2);
  life.open();
  EXPECT_THROW(kept(life, "s"), std::system_error);
  EXPECT_EQ(sync_wait(life.runtime(), life.env().digest("s", 4)).rows(), 1U);
}

// What it holds while it reads is bounded by the budget; what is in runs needs nothing.
TEST(Digest, OneThatWouldTakeTheBudgetIsRefused) {
  coro::sim_disk disk(1);
  environment_options options = small_options();
  options.memory_budget = 1 << 20;
  environment_life life(disk, 1);
  life.open(options);
  for (int n = 0; n < 3'000; ++n) life.shell("s", 3).put(numbered_text("k", n), "v");
  life.seal("s", 3);
  life.close();
  life.open(options);
  for (int n = 0; n < 3'000; ++n) life.shell("s", 3).put(numbered_text("k", n), "w");
  life.commit();
  try {
    kept(life, "s");
    ADD_FAILURE() << "not refused";
  } catch (const std::system_error& failure) {
    EXPECT_EQ(failure.code(), errc::over_budget);
    EXPECT_NE(std::string(failure.what()).find("compact()"), std::string::npos);
  }
  sync_wait(life.runtime(), life.env().compact());
  EXPECT_EQ(kept(life, "s"), scanned(life, "s"));
}

}  // namespace
}  // namespace lentic::test
