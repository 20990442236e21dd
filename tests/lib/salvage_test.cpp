// SPDX-License-Identifier: Apache-2.0
// open_mode::salvage over a journal of four frames that is flipped at every 13th bit and cut at
// many lengths: it opens at a commit, whole, and names every commit that is lost. Nothing is
// written.
#include "environment_life.hpp"
#include "frame.hpp"

#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

namespace lentic::test {
namespace {

constexpr char journal_path[] = "state/journal-1.log";

struct history {
  file_map files;
  std::vector<std::string> commits;  // what is stored after each; the first is before all of them
};

// Stores without a row do not count: a close declares them in the manifest.
std::string state_of(environment_life& life) {
  const auto position = life.env().position("input");
  std::string stored = life.stored();
  for (const std::string empty : {"totals from 0\n", "windows from 0\n"}) {
    const std::size_t at = stored.find(empty);
    if (at != stored.npos) stored.erase(at, empty.size());
  }
  return stored + life.pending_output()
       + (position ? std::string(as_text(*position)) : std::string("no position"));
}

environment_options options_with(open_mode mode) {
  environment_options options = small_options(mode);
  options.journal_file_bytes_max = 64 << 10;
  return options;
}

// Frames at 0, 4096 (two blocks), 12288 and 16384, up to 20480.
history make_history(bool closed) {
  history past;
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_with(open_mode::create));
  past.commits.push_back(state_of(life));
  const auto commit = [&] {
    life.commit();
    past.commits.push_back(state_of(life));
  };
  life.shell("totals").put("a", "1");
  life.env().set_position("input", as_bytes("row 1"));
  commit();
  life.shell("totals").put("b", std::string(5000, 'b'));
  life.env().append_output(as_bytes("line\n"));
  commit();
  life.shell("totals").erase("a");
  life.shell("windows", 7).put("k", "v");
  commit();
  life.shell("windows", 7).put("m", "w");
  life.shell("windows", 7).put("c", "w");
  life.env().set_position("input", as_bytes("row 2"));
  commit();
  if (closed) {
    life.close();
  } else {
    life.kill();
  }
  past.files = files_of(disk);
  return past;
}

// The commits that the report says are lost, which must be those from `from` on, in order.
commit_sequence lost_up_to(const recovery_report& report, commit_sequence from) {
  for (const journal_damage& each : report.damage) {
    if (each.first > each.last) continue;
    EXPECT_EQ(each.first, from);
    from = each.last + 1;
  }
  return from - 1;
}

struct outcome {
  bool refused = false;  // by a normal open
  commit_sequence sequence = 0;
};

outcome salvage(coro::sim_disk& disk, const history& past) {
  outcome seen;
  disk.power_cut();  // everything is synced: it only forgets the descriptors of earlier lives
  {
    environment_life life(disk, 2);
    try {
      life.open(options_with(open_mode::read_only));
      seen.sequence = life.env().recovered().sequence;
      life.close();
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::journal_damaged);
      seen.refused = true;
    }
  }
  environment_life life(disk, 3);
  life.open(options_with(open_mode::salvage));
  const recovery_report& report = life.env().recovered();
  EXPECT_EQ(state_of(life), past.commits.at(report.sequence));
  EXPECT_EQ(report.damage.empty(), !seen.refused);
  EXPECT_EQ(report.mixed_up_to, 0U);
  if (seen.refused) {
    EXPECT_EQ(lost_up_to(report, report.sequence + 1), 4U);
    EXPECT_FALSE(report.cut);
    seen.sequence = report.sequence;
  }
  EXPECT_EQ(report.sequence, seen.sequence);
  life.close();
  return seen;
}

class Salvage : public testing::TestWithParam<bool> {
 protected:
  history past_ = make_history(GetParam());
};

TEST_P(Salvage, OpensAtTheCommitBeforeEveryFlippedBit) {
  const std::size_t bits = past_.files.at(journal_path).size() * 8;
  const auto disk = disk_with(past_.files);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < bits; bit += 13) {
    SCOPED_TRACE(testing::Message() << "bit " << bit);
    ASSERT_TRUE(disk->flip_bit(journal_path, bit));
    const outcome seen = salvage(*disk, past_);
    ASSERT_TRUE(disk->flip_bit(journal_path, bit));
    ASSERT_FALSE(HasFailure());
    if (!seen.refused) continue;
    ++refused;
    const std::size_t at = bit / 8;
    ASSERT_EQ(seen.sequence, at < 4096 ? 0U : at < 12288 ? 1U : at < 16384 ? 2U : 3U);
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_EQ(files_of(*disk), past_.files);
}

TEST_P(Salvage, OpensAtTheLastWholeCommitOfEveryLength) {
  const std::string whole = past_.files.at(journal_path);
  const auto disk = disk_with(past_.files);
  for (std::size_t size = 0; size < whole.size(); size += size % 4096 < 80 ? 1 : 97) {
    SCOPED_TRACE(testing::Message() << "size " << size);
    disk->put_file(journal_path, std::string_view(whole).substr(0, size));
    salvage(*disk, past_);
    ASSERT_FALSE(HasFailure());
  }
}

INSTANTIATE_TEST_SUITE_P(After, Salvage, testing::Values(false, true),
                         [](const auto& each) { return each.param ? "Close" : "Kill"; });

TEST(SalvageReport, NamesBytesCommitsStoresSegmentsAndKeys) {
  const auto disk = disk_with(make_history(false).files);
  ASSERT_TRUE(disk->flip_bit(journal_path, (4096 + 100) * 8));
  environment_life life(*disk, 2);
  life.open(options_with(open_mode::salvage));
  const std::vector<journal_damage>& damage = life.env().recovered().damage;
  ASSERT_EQ(damage.size(), 2U);
  EXPECT_EQ(damage[0].file, "journal-1.log");
  EXPECT_FALSE(damage[0].readable);
  EXPECT_EQ(damage[0].begin, 4096U);
  EXPECT_EQ(damage[0].end, 12288U);
  EXPECT_EQ(damage[0].first, 2U);
  EXPECT_EQ(damage[0].last, 2U);
  EXPECT_TRUE(damage[1].readable);
  EXPECT_EQ(damage[1].begin, 12288U);
  EXPECT_EQ(damage[1].end, 20480U);
  EXPECT_EQ(damage[1].first, 3U);
  EXPECT_EQ(damage[1].last, 4U);
  ASSERT_EQ(damage[1].changes.size(), 2U);
  const lost_changes& totals = damage[1].changes[0];
  EXPECT_EQ(totals.store, "totals");
  EXPECT_EQ(totals.rows, 1U);
  EXPECT_EQ(as_text(totals.first_key), "a");
  const lost_changes& windows = damage[1].changes[1];
  EXPECT_EQ(windows.segment, 7U);
  EXPECT_EQ(windows.rows, 3U);
  EXPECT_EQ(as_text(windows.first_key), "c");
  EXPECT_EQ(as_text(windows.last_key), "m");
  life.close();
}

// Nothing of a frame is applied that holds, after good items, one that makes no sense.
TEST(SalvageReport, AFrameThatMakesNoSenseIsNotAppliedInPart) {
  history past = make_history(false);
  std::string& journal = past.files.at(journal_path);
  const bytes_view last = as_bytes(journal).subspan(12288);
  detail::frame_header header = *detail::decode_frame_header(last.first(64));
  detail::payload_writer items;
  items.put(1, 0, as_bytes("a"), as_bytes("not to be seen"));
  items.erase(99, 0, as_bytes("of a store that nobody declared"));
  bytes frame;
  detail::encode_frame(header, items.payload(), frame);
  journal.replace(12288, frame.size(), as_text(frame));
  const auto disk = disk_with(past.files);
  environment_life life(*disk, 2);
  life.open(options_with(open_mode::salvage));
  EXPECT_EQ(life.env().recovered().sequence, 2U);
  EXPECT_EQ(state_of(life), past.commits[2]);
  ASSERT_EQ(life.env().recovered().damage.size(), 1U);
  EXPECT_EQ(life.env().recovered().damage[0].first, 3U);
  EXPECT_EQ(life.env().recovered().damage[0].changes.back().store, "store 99");
  life.close();
}

// A last frame with right checksums and items that no environment writes.
void expect_damage(const detail::payload_writer& items) {
  history past = make_history(false);
  std::string& journal = past.files.at(journal_path);
  detail::frame_header header =
      *detail::decode_frame_header(as_bytes(journal).subspan(12288).first(64));
  bytes frame;
  detail::encode_frame(header, items.payload(), frame);
  journal.replace(12288, frame.size(), as_text(frame));
  const auto disk = disk_with(past.files);
  environment_life life(*disk, 2);
  try {
    life.open(options_with(open_mode::open_existing));
    FAIL() << "opened";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::journal_damaged);
  }
}

TEST(JournalItems, AnEraseOfAKeyThatIsTooLongIsDamage) {
  detail::payload_writer items;
  items.erase(1, 0, bytes(key_bytes_max + 1));
  expect_damage(items);
}

TEST(JournalItems, TwoStoresOfOneNameAreDamage) {
  detail::payload_writer items;
  items.store(99, as_bytes("totals"), young_layout::ordered);
  expect_damage(items);
}

// Journal files of 8 KiB: the second one is gone.
TEST(SalvageReport, NamesTheCommitsOfAFileThatIsMissing) {
  coro::sim_disk disk(1);
  std::vector<std::string> states;
  {
    environment_life life(disk, 1);
    environment_options options = small_options();
    options.journal_file_bytes_max = 8 << 10;
    life.open(options);
    for (int i = 1; i <= 6; ++i) {
      life.shell("s").put("k", std::to_string(i));
      life.commit();
      states.push_back(life.stored());
    }
    life.kill();
  }
  file_map files = files_of(disk);
  ASSERT_EQ(files.erase("state/journal-2.log"), 1U);
  const auto damaged = disk_with(files);
  environment_life life(*damaged, 2);
  life.open(small_options(open_mode::salvage));
  EXPECT_EQ(life.env().recovered().sequence, 2U);
  EXPECT_EQ(life.stored(), states[1]);
  const std::vector<journal_damage>& damage = life.env().recovered().damage;
  ASSERT_EQ(damage.size(), 2U);
  EXPECT_EQ(damage[0].file, "journal-1.log");
  EXPECT_EQ(damage[0].begin, 8192U);
  EXPECT_EQ(damage[0].first, 3U);
  EXPECT_EQ(damage[0].last, 4U);
  EXPECT_EQ(damage[1].file, "journal-3.log");
  EXPECT_TRUE(damage[1].readable);
  EXPECT_EQ(damage[1].first, 5U);
  EXPECT_EQ(damage[1].last, 6U);
  life.close();
}

TEST(SalvageReport, SaysThatRunsAreNewerThanTheJournal) {
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(options_with(open_mode::create));
    for (int i = 1; i <= 4; ++i) {
      life.shell("s", 1).put("k", std::to_string(i));
      life.commit();
    }
    life.seal("s", 1);
    life.close();
  }
  ASSERT_TRUE(disk.flip_bit(journal_path, (4096 + 70) * 8));
  environment_life life(disk, 2);
  life.open(options_with(open_mode::salvage));
  EXPECT_EQ(life.env().recovered().sequence, 1U);
  EXPECT_EQ(life.env().recovered().mixed_up_to, 5U) << "four rows and the seal";
  life.close();
}

TEST(SalvageMode, ChangesNothingAndSharesTheLockWithReaders) {
  const history past = make_history(true);
  const auto disk = disk_with(past.files);
  environment_life life(*disk, 2);
  life.open(options_with(open_mode::salvage));
  environment_life other(*disk, 3);
  other.open(options_with(open_mode::read_only));
  for (const auto mode : {open_mode::open_existing, open_mode::create}) {
    environment_life writer(*disk, 4);
    EXPECT_THROW(writer.open(options_with(mode)), std::system_error);
  }
  try {
    life.shell("totals").put("k", "v");
    FAIL() << "accepted";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::read_only);
  }
  EXPECT_EQ(life.env().recovered().sequence, 4U) << "nothing is damaged";
  EXPECT_TRUE(life.env().recovered().damage.empty());
  other.close();
  life.close();
  EXPECT_EQ(files_of(*disk), past.files);
}

// The way out: a state of its own, which opens normally and goes on.
TEST(SalvageMode, ItsCheckpointIsAStateAtThatCommit) {
  const history past = make_history(true);
  const auto disk = disk_with(past.files);
  ASSERT_TRUE(disk->flip_bit(journal_path, (12288 + 70) * 8));
  {
    environment_life life(*disk, 2);
    life.open(options_with(open_mode::salvage));
    EXPECT_EQ(sync_wait(life.runtime(), life.env().checkpoint("new")), 2U);
    life.close();
  }
  environment_options options = options_with(open_mode::open_existing);
  options.directory = "new";
  environment_life life(*disk, 3);
  life.open(options);
  EXPECT_EQ(state_of(life), past.commits[2]);
  EXPECT_FALSE(life.env().recovered().cut);
  life.shell("totals").put("k", "v");
  EXPECT_EQ(life.commit(), 3U);
  life.close();
}

// The manifest knows that outputs of lost commits were delivered; their numbers are used again.
TEST(SalvageMode, WhatItsCheckpointPutsOutIsShownUntilItIsAcknowledged) {
  environment_options options = small_options();
  options.journal_file_bytes_max = 1 << 20;
  coro::sim_disk disk(1);
  {
    environment_life life(disk, 1);
    life.open(options);
    for (commit_sequence n = 1; n <= 8; ++n) {
      life.env().acknowledge(n - 1);
      life.env().append_output(as_bytes("row"));
      EXPECT_EQ(life.commit(), n);
    }
    life.close();
  }
  ASSERT_TRUE(disk.flip_bit(journal_path, (3 * 4096 + 70) * 8));
  {
    environment_life life(disk, 2);
    options.mode = open_mode::salvage;
    life.open(options);
    EXPECT_EQ(sync_wait(life.runtime(), life.env().checkpoint("new")), 3U);
    life.close();
  }
  options.mode = open_mode::open_existing;
  options.directory = "new";
  {
    environment_life life(disk, 3);
    life.open(options);
    life.env().append_output(as_bytes("new row"));
    EXPECT_EQ(life.commit(), 4U);
    life.kill();
  }
  environment_life life(disk, 4);
  life.open(options);
  const std::optional<outbox_batch> shown = life.env().next_output(3);
  ASSERT_TRUE(shown);
  EXPECT_EQ(as_text(shown->output), "new row");
  life.close();
}

}  // namespace
}  // namespace lentic::test
