// SPDX-License-Identifier: Apache-2.0
// Damaged, missing and newer manifests, runs and store directories. A manifest is all or nothing; a
// run takes only its own segment with it.
#include "codec_support.hpp"
#include "crc32c.hpp"
#include "environment_life.hpp"
#include "frame.hpp"
#include "manifest.hpp"

#include <lentic/endian.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace lentic::test {
namespace {

std::error_code open_error(coro::sim_disk& disk, open_mode mode = open_mode::create) {
  environment_life life(disk, 9);
  try {
    life.open(small_options(mode));
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

// Two segments of one store, each in a run; segment 2 has an erased row and a young one above it.
file_map sealed_files() {
  coro::sim_disk disk(1);
  environment_life life(disk, 1);
  life.open();
  for (int i = 0; i < 100; ++i) {
    life.shell("s", 1).put(numbered_text("k", 100 + i), "one");
    life.shell("s", 2).put(numbered_text("k", 100 + i), "two");
  }
  life.seal("s", 1);
  life.seal("s", 2);
  life.shell("s", 2).erase("k100");
  life.shell("s", 2).put("late", "young");
  life.commit();
  life.close();
  return files_of(disk);
}

constexpr char run_path[] = "state/s/2-1.run";

std::string manifest_path(const file_map& files) {
  return files.lower_bound("state/MANIFEST-")->first;
}

class RunDamage : public testing::Test {
 protected:
  // Segment 2 cannot be read, everything else can, also after more commits and another open.
  void expect_quarantine(coro::sim_disk& disk) {
    for (std::uint64_t seed = 2; seed < 4; ++seed) {
      environment_life life(disk, seed);
      life.open();
      ASSERT_EQ(life.env().recovered().quarantined.size(), 1U);
      EXPECT_NE(life.env().recovered().quarantined[0].find("s/2-1.run"), std::string::npos);
      EXPECT_EQ(life.shell("s", 1).get("k150"), "one");
      EXPECT_EQ(read_code(life, "k150"), errc::damaged);
      EXPECT_EQ(read_code(life, "nothing"), errc::damaged) << "a miss cannot be told from damage";
      EXPECT_THROW(life.shell("s", 2).scan(), std::system_error);
      EXPECT_EQ(life.shell("s", 2).get("late"), "young");
      life.shell("s", 1).put("new", "row");
      life.shell("s", 2).put("later", "row");
      life.seal("s", 2);
      life.close();
    }
  }
  static std::error_code read_code(environment_life& life, std::string_view key) {
    try {
      life.shell("s", 2).get(key);
    } catch (const std::system_error& error) {
      return error.code();
    }
    return {};
  }
  file_map files_ = sealed_files();
};

TEST_F(RunDamage, ARunThatIsMissingIsQuarantined) {
  files_.erase(run_path);
  const auto disk = disk_with(files_);
  expect_quarantine(*disk);
}

TEST_F(RunDamage, ARunThatWasCutIsQuarantined) {
  const std::string whole = files_.at(run_path);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, whole.size() - 1}) {
    files_[run_path] = whole.substr(0, size);
    const auto disk = disk_with(files_);
    expect_quarantine(*disk);
  }
}

TEST_F(RunDamage, ARunOfANewerFormatIsQuarantined) {
  std::string& run = files_[run_path];
  bytes footer = to_bytes(as_bytes(run).last(80));
  store_le(std::uint16_t{1}, footer.data() + 4);
  store_le(detail::crc32c(bytes_view(footer).first(76)), footer.data() + 76);
  run.replace(run.size() - 80, 80, as_text(footer));
  const auto disk = disk_with(files_);
  expect_quarantine(*disk);
}

// What is at fault is a limit, a permission or the device: the run may be whole.
TEST_F(RunDamage, ARunThatMayNotBeOpenedIsNotCalledDamaged) {
  const auto disk = disk_with(files_);
  std::uint64_t opens = 0;
  {
    environment_life life(*disk, 2);
    life.open();
    opens = life.engine().executed(coro::io_kind::open);
    life.close();
  }
  unsigned refused = 0;
  for (const int error : {EACCES, EMFILE, EIO}) {
    for (std::uint64_t nth = 1; nth <= opens; ++nth) {
      environment_life life(*disk, 3);
      life.engine().fail_kind(coro::io_kind::open, nth, error);
      try {
        life.open();
        ADD_FAILURE() << "open " << nth << " failed with " << error;
        life.close();
      } catch (const std::system_error& thrown) {
        EXPECT_EQ(thrown.code(), std::error_code(error, std::system_category())) << nth;
        ++refused;
      }
    }
  }
  EXPECT_EQ(refused, 3 * opens);
  environment_life life(*disk, 4);
  life.open();
  EXPECT_TRUE(life.env().recovered().quarantined.empty());
  life.close();
}

TEST_F(RunDamage, AMissingStoreDirectoryQuarantinesAllItsRuns) {
  std::erase_if(files_, [](const auto& each) { return each.first.starts_with("state/s/"); });
  const auto disk = disk_with(files_);
  environment_life life(*disk, 2);
  life.open();
  EXPECT_EQ(life.env().recovered().quarantined.size(), 2U);
  EXPECT_THROW(life.shell("s", 1).get("k150"), std::system_error);
  life.shell("s", 3).put("k", "v");
  life.seal("s", 3);
  EXPECT_EQ(life.shell("s", 3).get("k"), "v");
  life.close();
}

// Detected at the open or at the read: never another value, never a miss.
TEST_F(RunDamage, NoFlippedBitOfARunMakesAWrongValue) {
  const auto disk = disk_with(files_);
  const std::size_t bits = files_.at(run_path).size() * 8;
  for (std::size_t bit = 0; bit < bits; bit += 5) {
    ASSERT_TRUE(disk->flip_bit(run_path, bit));
    disk->power_cut();  // only forgets the descriptors of earlier lives
    environment_life life(*disk, 2);
    life.open(small_options(open_mode::read_only));
    for (const char* const key : {"k101", "k150", "k199"}) {
      try {
        ASSERT_EQ(life.shell("s", 2).get(key), "two") << "bit " << bit;
      } catch (const std::system_error& error) {
        ASSERT_EQ(error.code(), errc::damaged) << "bit " << bit;
      }
    }
    ASSERT_EQ(life.shell("s", 1).get("k150"), "one");
    life.close();
    ASSERT_TRUE(disk->flip_bit(run_path, bit));
  }
}

TEST_F(RunDamage, ARestoredRunServesAgain) {
  const std::string whole = files_.at(run_path);
  files_.erase(run_path);
  const auto disk = disk_with(files_);
  expect_quarantine(*disk);
  disk->put_file(run_path, whole);
  environment_life life(*disk, 5);
  life.open();
  EXPECT_TRUE(life.env().recovered().quarantined.empty());
  EXPECT_EQ(life.shell("s", 2).get("k150"), "two");
  EXPECT_EQ(life.shell("s", 2).get("later"), "row");
  EXPECT_EQ(life.shell("s", 2).get("k100"), std::nullopt) << "it was erased above the run";
  life.close();
}

// The journal files that held the tombstone are recycled while the run is not there.
TEST_F(RunDamage, AnErasedRowStaysErasedThroughRecycling) {
  const std::string whole = files_.at(run_path);
  files_.erase(run_path);
  const auto disk = disk_with(files_);
  {
    environment_life life(*disk, 2);
    life.open();
    for (int i = 0; i < 30; ++i) {
      life.shell("other").put("k", std::to_string(i));
      life.commit();
      life.let_work();
    }
    life.close();
  }
  EXPECT_FALSE(disk->content("state/journal-1.log"));
  disk->put_file(run_path, whole);
  environment_life life(*disk, 3);
  life.open();
  EXPECT_EQ(life.shell("s", 2).get("k100"), std::nullopt);
  EXPECT_EQ(life.shell("s", 2).get("k101"), "two");
  life.close();
}

TEST_F(RunDamage, ClearAndDropEndAQuarantine) {
  files_.erase(run_path);
  for (const bool by_drop : {false, true}) {
    const auto disk = disk_with(files_);
    {
      environment_life life(*disk, 2);
      life.open();
      if (by_drop) {
        life.drop_below("s", 3);
      } else {
        life.shell("s", 2).clear();
        life.shell("s", 2).put("k", "fresh");
      }
      life.commit();
      life.close();
    }
    environment_life life(*disk, 3);
    life.open();
    EXPECT_TRUE(life.env().recovered().quarantined.empty());
    if (!by_drop) {
      EXPECT_EQ(life.shell("s", 2).scan(), (text_rows{{"k", "fresh"}}));
    }
    life.close();
  }
}

TEST(ManifestDamage, EveryFlippedBitIsRefusedAndChangesNothing) {
  const file_map files = sealed_files();
  const std::string path = manifest_path(files);
  const auto disk = disk_with(files);
  for (std::size_t bit = 0; bit < files.at(path).size() * 8; ++bit) {
    ASSERT_TRUE(disk->flip_bit(path, bit));
    ASSERT_EQ(open_error(*disk), errc::manifest_damaged) << "bit " << bit;
    ASSERT_TRUE(disk->flip_bit(path, bit));
  }
  file_map after = files_of(*disk);
  after["state/LOCK"] = files.at("state/LOCK");
  EXPECT_EQ(after, files);
  EXPECT_EQ(open_error(*disk), std::error_code());
}

TEST(ManifestDamage, EveryTruncationIsRefused) {
  const file_map files = sealed_files();
  const std::string path = manifest_path(files);
  const auto disk = disk_with(files);
  for (std::size_t size = 0; size < files.at(path).size(); ++size) {
    disk->put_file(path, std::string_view(files.at(path)).substr(0, size));
    ASSERT_EQ(open_error(*disk), errc::manifest_damaged) << size;
  }
}

TEST(ManifestDamage, AnUnfinishedNewerManifestIsPassedOver) {
  file_map files = sealed_files();
  const std::string newest = manifest_path(files);
  const std::string next = numbered_text("state/MANIFEST-", std::stoi(newest.substr(15)) + 1);
  files[next] = files.at(newest).substr(0, 20);
  const auto disk = disk_with(files);
  environment_life life(*disk, 2);
  life.open();
  EXPECT_EQ(life.shell("s", 2).get("k150"), "two");
  life.close();
  EXPECT_EQ(open_error(*disk), std::error_code());
}

TEST(ManifestDamage, StateWithoutAnyManifestIsNotOpened) {
  file_map files = sealed_files();
  files.erase(manifest_path(files));
  const auto disk = disk_with(files);
  EXPECT_EQ(open_error(*disk), errc::not_a_state_directory);
}

TEST(ForeignDirectory, IsNamedWithoutItsControlCharacters) {
  for (const open_mode mode : {open_mode::create, open_mode::read_only}) {
    file_map files;
    files["state/a\x1b[2J\x7f\xc2\x9b\xc3\xa9"] = "not ours";
    if (mode == open_mode::read_only) files["state/LOCK"] = "";
    const auto disk = disk_with(files);
    environment_life life(*disk, 9);
    try {
      life.open(small_options(mode));
      ADD_FAILURE() << "it was opened";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::not_a_state_directory);
      EXPECT_NE(std::string(error.what()).find("holds a?[2J??\xc3\xa9"), std::string::npos)
          << error.what();
    }
  }
}

TEST(NewerFormat, OfTheManifestIsRefusedByName) {
  file_map files = sealed_files();
  std::string& text = files[manifest_path(files)];
  bytes raw = to_bytes(text);
  store_le(std::uint16_t{detail::manifest_format + 1}, raw.data() + 4);
  const std::uint32_t before = detail::crc32c(bytes_view(raw).first(12));
  store_le(detail::crc32c(bytes_view(raw).subspan(16), before), raw.data() + 12);
  text = as_text(raw);
  const auto disk = disk_with(files);
  EXPECT_EQ(open_error(*disk), errc::newer_format);
  EXPECT_EQ(open_error(*disk, open_mode::read_only), errc::newer_format);
}

TEST(NewerFormat, OfAFrameIsRefusedByName) {
  file_map files = sealed_files();
  const auto found = detail::decode_manifest(as_bytes(files.at(manifest_path(files))));
  ASSERT_TRUE(found);
  const std::uint64_t number = found->first_journal_file;
  std::string& journal = files[numbered_text("state/journal-", number) + ".log"];
  detail::frame_header header;
  header.format = detail::journal_format + 1;
  header.environment = found->environment;
  header.file = number;
  header.sequence = found->first_journal_sequence;
  bytes frame;
  detail::encode_frame(header, as_bytes("whatever it means"), frame);
  journal.replace(0, frame.size(), as_text(frame));
  const auto disk = disk_with(files);
  EXPECT_EQ(open_error(*disk), errc::newer_format);
}

}  // namespace
}  // namespace lentic::test
