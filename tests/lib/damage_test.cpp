// SPDX-License-Identifier: Apache-2.0
// A journal of four frames, once after a kill and once after a clean close, cut at every length and
// flipped at every bit. What opens shows a commit, whole; whatever else is refused as damaged.
// LENTIC_EVERY_BIT=1 tries every bit and length, as the campaign does; else the test samples them.
#include "environment_life.hpp"

#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace lentic::test {
namespace {

constexpr char journal_path[] = "state/journal-1.log";

enum class ending { killed, closed };

environment_options options_of_damage(open_mode mode) {
  environment_options options = small_options(mode);
  options.journal_file_bytes_max = 64 << 10;
  options.journal_growth_bytes = 24 << 10;
  options.journal_bytes_kept = 128 << 10;
  return options;
}

// What the environment holds after each commit; the first is before all of them.
struct history {
  file_map files;
  std::vector<std::string> commits;
  std::vector<std::size_t> frame_ends;
};

std::string state_of(environment_life& life) {
  std::string text = life.stored();
  const auto position = life.env().position("input");
  text += position ? as_text(*position) : std::string_view("no position");
  return text += life.pending_output();
}

void note(environment_life& life, history& past) {
  past.commits.push_back(state_of(life));
  past.frame_ends.push_back(life.env().statistics().journal_bytes);
}

// The second frame takes two blocks, the others one.
history make_history(ending how) {
  history past;
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open(options_of_damage(open_mode::create));
  note(life, past);
  life.shell("totals").put("a", "1");
  life.env().set_position("input", as_bytes("row 1"));
  life.commit();
  note(life, past);
  life.shell("totals").put("b", std::string(5000, 'b'));
  life.env().append_output(as_bytes("line\n"));
  life.commit();
  note(life, past);
  life.shell("totals").erase("a");
  life.shell("windows", 7).put("k", "v");
  life.commit();
  note(life, past);
  life.shell("windows", 7).put("k", "w");
  life.env().set_position("input", as_bytes("row 2"));
  life.env().acknowledge(2);
  life.commit();
  note(life, past);
  if (how == ending::closed) {
    life.close();
  } else {
    life.kill();
  }
  past.files = files_of(disk);
  return past;
}

struct outcome {
  bool refused = false;
  commit_sequence sequence = 0;
  bool reported_cut = false;
};

// Opens without changing anything. Fails the test unless the state is that of its commit.
outcome look(coro::sim_disk& disk, const history& past) {
  outcome seen;
  disk.power_cut();  // everything is synced: it only forgets the descriptors of earlier lives
  environment_life life(disk, 2);
  try {
    life.open(options_of_damage(open_mode::read_only));
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::journal_damaged) << error.what();
    seen.refused = true;
    return seen;
  }
  const recovery_report& report = life.env().recovered();
  seen.sequence = report.sequence;
  seen.reported_cut = report.cut.has_value();
  EXPECT_LT(report.sequence, past.commits.size());
  if (report.sequence < past.commits.size()) {
    EXPECT_EQ(state_of(life), past.commits[report.sequence]);
  }
  if (report.cut) {
    EXPECT_EQ(report.cut->sequence, report.sequence + 1);
    EXPECT_TRUE(report.cut->unknown_if_acknowledged);
    EXPECT_GT(report.cut->bytes, 0U);
  }
  return seen;
}

std::size_t stride_of_bits() {
  return std::getenv("LENTIC_EVERY_BIT") != nullptr ? 1 : 29;
}

class JournalDamage : public testing::TestWithParam<ending> {
 protected:
  history past_ = make_history(GetParam());
};

TEST_P(JournalDamage, UndamagedJournalShowsTheLastCommit) {
  ASSERT_EQ(past_.frame_ends, (std::vector<std::size_t>{0, 4096, 12288, 16384, 20480}));
  ASSERT_EQ(past_.files.at(journal_path).size(), 24U << 10);
  const auto disk = disk_with(past_.files);
  const outcome seen = look(*disk, past_);
  EXPECT_EQ(seen.sequence, 4U);
  EXPECT_FALSE(seen.reported_cut || seen.refused);
}

// After a clean close the manifest knows the last commit, so that nothing less is accepted. After a
// kill a journal that ends between two frames looks like one that never got further: that is the
// one loss that cannot be seen.
TEST_P(JournalDamage, EveryLengthIsACommitOrRefused) {
  const std::string whole = past_.files.at(journal_path);
  const auto disk = disk_with(past_.files);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (stride_of_bits() != 1 && size % 4096 > 80 && size % stride_of_bits() != 0) continue;
    disk->put_file(journal_path, std::string_view(whole).substr(0, size));
    const outcome seen = look(*disk, past_);
    if (GetParam() == ending::closed) {
      ASSERT_TRUE(seen.refused || seen.sequence == 4) << size;
      continue;
    }
    ASSERT_FALSE(seen.refused) << size;
    if (seen.sequence == 4) continue;
    const bool between_frames = size == past_.frame_ends[seen.sequence];
    const bool in_padding =
        size >= past_.frame_ends[seen.sequence] - 4096 && size <= past_.frame_ends[seen.sequence];
    ASSERT_TRUE(seen.reported_cut || between_frames || (in_padding && seen.sequence > 0)) << size;
  }
}

TEST_P(JournalDamage, EveryFlippedBitShowsACommitOrIsRefused) {
  const std::size_t bits = past_.files.at(journal_path).size() * 8;
  const auto disk = disk_with(past_.files);
  std::size_t refused = 0;
  std::size_t cut = 0;
  for (std::size_t bit = 0; bit < bits; bit += stride_of_bits()) {
    ASSERT_TRUE(disk->flip_bit(journal_path, bit));
    const outcome seen = look(*disk, past_);
    ASSERT_TRUE(disk->flip_bit(journal_path, bit));
    refused += seen.refused;
    cut += seen.sequence == 3;
    ASSERT_TRUE(seen.refused || seen.sequence >= 3) << "bit " << bit;
    if (GetParam() == ending::closed) {
      ASSERT_NE(seen.sequence, 3U) << "bit " << bit;
    } else if (seen.sequence == 3) {
      ASSERT_TRUE(seen.reported_cut) << "bit " << bit;
      ASSERT_GE(bit / 8, past_.frame_ends[3]) << "only the last frame may be cut";
    }
  }
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(cut > 0, GetParam() == ending::killed);
}

// What was cut is gone: the next commit takes its place and is found after it.
TEST_P(JournalDamage, WritingGoesOnBehindTheCut) {
  const std::string whole = past_.files.at(journal_path);
  for (const std::size_t size : {0U, 100U, 4095U, 4097U, 12000U, 12288U, 13000U, 20000U, 24576U}) {
    file_map files = past_.files;
    files[journal_path] = whole.substr(0, size);
    const auto disk = disk_with(files);
    if (look(*disk, past_).refused) continue;
    commit_sequence sequence = 0;
    {
      environment_life life(*disk, 3);
      life.open(options_of_damage(open_mode::create));
      life.shell("totals").put("after", "cut");
      sequence = life.commit();
      EXPECT_EQ(sequence, life.env().recovered().sequence + 1);
      life.kill();
    }
    environment_life life(*disk, 4);
    life.open(options_of_damage(open_mode::create));
    EXPECT_EQ(life.env().recovered().sequence, sequence) << size;
    EXPECT_FALSE(life.env().recovered().cut) << size;
    EXPECT_EQ(life.shell("totals").get("after"), "cut");
    life.close();
  }
}

TEST_P(JournalDamage, DamageBeforeAValidFrameNamesFileAndOffset) {
  const auto disk = disk_with(past_.files);
  ASSERT_TRUE(disk->flip_bit(journal_path, (4096 + 100) * 8));
  environment_life life(*disk, 2);
  try {
    life.open(options_of_damage(open_mode::create));
    FAIL() << "opened";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::journal_damaged);
    EXPECT_NE(std::string(error.what()).find("journal-1.log at 4096"), std::string::npos)
        << error.what();
  }
}

TEST_P(JournalDamage, AMissingJournalIsRefusedOrLooksEmpty) {
  file_map files = past_.files;
  files.erase(journal_path);
  const auto disk = disk_with(files);
  const outcome seen = look(*disk, past_);
  EXPECT_EQ(seen.refused, GetParam() == ending::closed);
  EXPECT_EQ(seen.sequence, 0U);
}

INSTANTIATE_TEST_SUITE_P(After, JournalDamage, testing::Values(ending::killed, ending::closed),
                         [](const auto& each) {
                           return each.param == ending::killed ? "Kill" : "Close";
                         });

}  // namespace
}  // namespace lentic::test
