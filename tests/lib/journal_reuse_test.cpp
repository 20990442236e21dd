// SPDX-License-Identifier: Apache-2.0
// Journal files that are written over: what lies behind the last frame is of an earlier life, and
// is neither a frame, nor damage, nor a torn tail.
#include "environment_life.hpp"
#include "frame.hpp"

#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace lentic::test {
namespace {

constexpr int rounds = 40;

// Commits of one page, and of two now and then, until files were written over several times.
void commit_rounds(environment_life& life, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    life.shell("s").put(numbered_text("k", i % 3), std::string(i % 4 == 0 ? 5000 : 1000, 'a'));
    life.shell("s").put("n", std::to_string(i));
    life.commit();
    life.let_work();
  }
}

// The journal file with the highest number, and where its last frame begins and ends.
struct journal_end {
  std::string path;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

journal_end end_of(const file_map& files) {
  journal_end found;
  std::uint64_t newest = 0;
  for (const auto& [path, content] : files) {
    if (!path.starts_with("state/journal-")) continue;
    const std::uint64_t number = std::stoull(path.substr(14));
    const bytes_view image = as_bytes(content);
    for (std::uint64_t at = 0; at + 4096 <= image.size(); at += 4096) {
      const auto header = detail::decode_frame_header(image.subspan(at, 64));
      if (!header || header->file != number || header->sequence <= newest) continue;
      newest = header->sequence;
      found = {path, at, at + detail::frame_bytes(header->payload_bytes)};
    }
  }
  return found;
}

// A state whose last journal file has stale frames behind its last frame.
file_map reused_state(int count) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  commit_rounds(life, 0, count - 1);
  life.shell("s").put("n", std::to_string(count - 1));
  life.commit();  // which no manifest knows of
  life.kill();
  return files_of(disk);
}

bool has_stale_frames(const file_map& files) {
  const journal_end end = end_of(files);
  const bytes_view image = as_bytes(files.at(end.path));
  for (std::uint64_t at = end.end; at + 4096 <= image.size(); at += 4096) {
    if (detail::decode_frame_header(image.subspan(at, 64))) return true;
  }
  return false;
}

// The first state from `rounds` commits on that has them, and more than one frame in that file.
file_map stale_state(int& commits) {
  for (commits = rounds; commits < rounds + 16; ++commits) {
    const file_map files = reused_state(commits);
    if (has_stale_frames(files) && end_of(files).begin != 0) return files;
  }
  ADD_FAILURE() << "no file was written over";
  return {};
}

TEST(JournalReuse, OldFilesGetNewNamesAndNothingIsAllocated) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  commit_rounds(life, 0, rounds);
  const std::uint64_t renamed = life.engine().executed(coro::io_kind::rename);
  const std::uint64_t allocated = life.engine().executed(coro::io_kind::allocate);
  commit_rounds(life, rounds, rounds);
  EXPECT_GE(life.engine().executed(coro::io_kind::rename), renamed + 8);
  EXPECT_LE(life.engine().executed(coro::io_kind::allocate), allocated + 4);
  std::size_t journals = 0;
  for (const auto& [path, content] : files_of(disk)) journals += path.starts_with("state/journal-");
  EXPECT_LE(journals, life.env().statistics().journal_files + 4);
  life.close();
}

TEST(JournalReuse, WhatIsLeftOfAnEarlierLifeIsNoTornTail) {
  int commits = 0;
  const auto disk = disk_with(stale_state(commits));
  environment_life life(*disk, 2);
  life.open();
  EXPECT_FALSE(life.env().recovered().cut);
  EXPECT_EQ(life.env().recovered().sequence, static_cast<commit_sequence>(commits));
  EXPECT_EQ(life.shell("s").get("n"), std::to_string(commits - 1));
  life.close();
}

TEST(JournalReuse, FilesOfAnEarlierProcessAreWrittenOver) {
  int commits = 0;
  const auto disk = disk_with(stale_state(commits));
  environment_life life(*disk, 2);
  life.open();
  const std::uint64_t before = life.engine().executed(coro::io_kind::rename);
  commit_rounds(life, commits, rounds);
  EXPECT_GT(life.engine().executed(coro::io_kind::rename), before);
  life.kill();
  environment_life next(*disk, 3);
  next.open();
  EXPECT_EQ(next.shell("s").get("n"), std::to_string(commits + rounds - 1));
  next.close();
}

// Of a frame that is damaged nothing is taken, and it is told.
TEST(JournalReuse, ADamagedLastFrameIsToldAsACut) {
  int commits = 0;
  const file_map files = stale_state(commits);
  const journal_end last = end_of(files);
  for (std::uint64_t at = last.begin; at < last.end; at += at < last.begin + 256 ? 1 : 61) {
    file_map damaged = files;
    damaged[last.path][at] ^= 0x10;
    const auto disk = disk_with(damaged);
    environment_life life(*disk, 2);
    life.open();
    const recovery_report& report = life.env().recovered();
    const auto expected = static_cast<commit_sequence>(commits);
    ASSERT_TRUE(report.cut || report.sequence == expected) << "byte " << at - last.begin;
    ASSERT_EQ(life.shell("s").get("n"), std::to_string(report.sequence - 1));
    life.close();
  }
}

TEST(JournalReuse, ADamagedEndBlockLosesNothing) {
  int commits = 0;
  const file_map files = stale_state(commits);
  const journal_end last = end_of(files);
  for (std::uint64_t at = last.end; at < last.end + 4096; at += at < last.end + 64 ? 1 : 97) {
    file_map damaged = files;
    damaged[last.path][at] ^= 0x01;
    const auto disk = disk_with(damaged);
    environment_life life(*disk, 2);
    life.open();
    ASSERT_EQ(life.env().recovered().sequence, static_cast<commit_sequence>(commits));
    ASSERT_TRUE(life.env().recovered().cut) << "byte " << at - last.end;
    commit_rounds(life, commits, 1);
    life.close();
  }
}

// The frame before the last one: acknowledged commits are missing, and nothing of an earlier life
// is told as lost.
TEST(JournalReuse, SalvageNamesWhatIsLostAndNothingOfAnEarlierLife) {
  int commits = 0;
  file_map files = stale_state(commits);
  const journal_end last = end_of(files);
  files[last.path][last.begin - 4096 + 80] ^= 0x01;
  const auto disk = disk_with(files);
  {
    environment_life life(*disk, 2);
    EXPECT_THROW(life.open(), std::system_error);
  }
  environment_life life(*disk, 3);
  life.open(small_options(open_mode::salvage));
  const auto& damage = life.env().recovered().damage;
  ASSERT_EQ(damage.size(), 2U);
  EXPECT_FALSE(damage[0].readable);
  EXPECT_TRUE(damage[1].readable);
  EXPECT_EQ(damage[1].begin, last.begin);
  EXPECT_EQ(damage[1].end, last.end);
  EXPECT_EQ(damage[1].last, static_cast<commit_sequence>(commits));
}

TEST(JournalIo, WhatTakesNoDirectWritesIsWrittenThroughTheCache) {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  life.shell("s").put("k", "v");
  life.engine().fail_kind(coro::io_kind::open, 1, EINVAL);
  EXPECT_EQ(life.commit(), 1U);
  environment_options buffered = small_options();
  life.kill();
  buffered.journal_io = journal_writes::buffered;
  environment_life next(disk, 2);
  next.open(buffered);
  next.engine().fail_kind(coro::io_kind::open, 1, EINVAL);
  next.shell("s").put("large", std::string(20'000, 'x'));
  EXPECT_THROW(next.commit(), std::system_error) << "it has not asked for that";
}

TEST(EndBlock, NamesItsPlaceAndTheFrameBeforeIt) {
  detail::frame_header last;
  last.environment = 0x0102030405060708;
  last.file = 2;
  last.sequence = 9;
  last.payload_bytes = 20;
  last.header_crc = 0x0a0b0c0d;
  bytes block(4096);
  detail::encode_end_block(last, block.data());
  EXPECT_TRUE(detail::is_end_block(block, last));
  const auto decoded = detail::decode_end_block(block);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->offset, 4096U);
  EXPECT_EQ(decoded->sequence, 9U);
  EXPECT_FALSE(detail::decode_frame_header(block));
  for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
    block[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    ASSERT_FALSE(detail::is_end_block(block, last)) << "bit " << bit;
    block[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  last.header_crc ^= 1;
  EXPECT_FALSE(detail::is_end_block(block, last));
}

}  // namespace
}  // namespace lentic::test
