// SPDX-License-Identifier: Apache-2.0
// The simulated file system while the power is on: names, bytes, space, locks, descriptors.
#include "sim_support.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include <sys/file.h>

namespace lentic::coro::sim_test {
namespace {

TEST(SimDisk, ReadSeesAnUnsyncedWrite) {
  sim_disk disk(1);
  shell life(disk);
  const int fd = life.open("a");
  EXPECT_EQ(life.write(fd, "hello", 3), 5);
  EXPECT_EQ(life.read(fd, 100, 0), std::string("\0\0\0hello", 8));
}

TEST(SimDisk, AWriteAcrossPagesReadsBackWhole) {
  sim_disk disk(1);
  shell life(disk);
  const int fd = life.open("a");
  const std::string bytes(10'000, 'x');
  EXPECT_EQ(life.write(fd, bytes, 4090), 10'000);
  EXPECT_EQ(life.read(fd, 10'000, 4090), bytes);
}

TEST(SimDisk, WritesWithoutAnOffsetFollowEachOther) {
  sim_disk disk(1);
  shell life(disk);
  const int fd = life.open("a");
  life.write(fd, "one ", no_offset);
  life.write(fd, "two", no_offset);
  EXPECT_EQ(disk.content("a"), "one two");
}

TEST(SimDisk, AnAppendingDescriptorWritesAtTheEnd) {
  sim_disk disk(1);
  disk.put_file("a", "old ");
  shell life(disk);
  const int fd = life.open("a", O_WRONLY | O_APPEND);
  life.write(fd, "new", no_offset);
  EXPECT_EQ(disk.content("a"), "old new");
}

TEST(SimDisk, AShrunkFileThatGrowsAgainReadsAsZeros) {
  sim_disk disk(1);
  shell life(disk);
  const int fd = life.open("a");
  life.write(fd, std::string(9000, 'x'), 0);
  EXPECT_EQ(life.resize(io_kind::truncate, fd, 10), 0);
  EXPECT_EQ(life.resize(io_kind::truncate, fd, 9000), 0);
  EXPECT_EQ(life.read(fd, 9000, 0), std::string(10, 'x') + std::string(8990, '\0'));
}

TEST(SimDisk, AllocateExtendsTheFileWithZeros) {
  sim_disk disk(1);
  shell life(disk);
  const int fd = life.open("a");
  EXPECT_EQ(life.resize(io_kind::allocate, fd, 0, 8192), 0);
  EXPECT_EQ(life.run(request(io_kind::size, fd)), 8192);
  EXPECT_EQ(life.read(fd, 8192, 0), std::string(8192, '\0'));
}

TEST(SimDisk, PathsAreRelativeToTheirDirectory) {
  sim_disk disk(1);
  shell life(disk);
  EXPECT_EQ(life.named(io_kind::make_directory, "outer"), 0);
  EXPECT_EQ(life.named(io_kind::make_directory, "outer/inner"), 0);
  const int inner = life.open_directory("outer/inner");
  const int fd = life.open("file", O_RDWR | O_CREAT, inner);
  life.write(fd, "x", 0);
  EXPECT_EQ(disk.content("outer/inner/file"), "x");
  EXPECT_EQ(disk.content("/outer/./inner/file"), "x");
}

TEST(SimDisk, ListingIsSorted) {
  sim_disk disk(1);
  shell life(disk);
  for (const char* const name : {"b", "c", "a"}) life.open(name);
  std::vector<std::string> names;
  io_request list = request(io_kind::list_directory, AT_FDCWD);
  list.names = &names;
  EXPECT_EQ(life.run(list), 0);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(SimDisk, OpensThatTheSystemRefusesAreRefused) {
  sim_disk disk(1);
  disk.put_file("file", "");
  shell life(disk);
  life.named(io_kind::make_directory, "dir");
  EXPECT_EQ(life.open("none", O_RDWR), -ENOENT);
  EXPECT_EQ(life.open("none/file"), -ENOENT);
  EXPECT_EQ(life.open("file/below"), -ENOTDIR);
  EXPECT_EQ(life.open_directory("file"), -ENOTDIR);
  EXPECT_EQ(life.open("dir", O_RDWR), -EISDIR);
  EXPECT_EQ(life.open("file", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
  EXPECT_EQ(life.named(io_kind::make_directory, "dir"), -EEXIST);
  EXPECT_EQ(life.named(io_kind::unlink, "none"), -ENOENT);
}

TEST(SimDisk, ADescriptorIsNeverUsedAgain) {
  sim_disk disk(1);
  shell life(disk);
  const int first = life.open("a");
  EXPECT_EQ(life.run(request(io_kind::close, first)), 0);
  const int second = life.open("a");
  EXPECT_NE(first, second);
  EXPECT_EQ(life.write(first, "x", 0), -EBADF);
}

TEST(SimDisk, ARenameReplacesItsTarget) {
  sim_disk disk(1);
  disk.put_file("new", "2");
  disk.put_file("old", "1");
  shell life(disk);
  EXPECT_EQ(life.named(io_kind::rename, "new", "old"), 0);
  EXPECT_EQ(disk.content("old"), "2");
  EXPECT_EQ(disk.content("new"), std::nullopt);
}

TEST(SimDisk, AnUnlinkedFileIsReadableWhileItIsOpen) {
  sim_disk disk(1);
  disk.put_file("a", "still");
  shell life(disk);
  const int fd = life.open("a");
  EXPECT_EQ(life.named(io_kind::unlink, "a"), 0);
  EXPECT_EQ(life.read(fd, 10, 0), "still");
}

TEST(SimDisk, AFullDiskRefusesAllocationAndShortensAWrite) {
  sim_disk_options options;
  options.capacity_bytes = 8192;
  sim_disk disk(1, options);
  shell life(disk);
  const int fd = life.open("a");
  EXPECT_EQ(life.resize(io_kind::allocate, fd, 0, 12'288), -ENOSPC);
  EXPECT_EQ(life.run(request(io_kind::size, fd)), 0);
  EXPECT_EQ(life.write(fd, std::string(12'288, 'x'), 0), 8192);
  EXPECT_EQ(life.write(fd, "y", 8192), -ENOSPC);
  EXPECT_EQ(life.write(fd, "overwriting needs no space", 0), 26);
}

TEST(SimDisk, RemovingAFileFreesItsSpaceOnceNobodyHasItOpen) {
  sim_disk_options options;
  options.capacity_bytes = 8192;
  sim_disk disk(1, options);
  shell life(disk);
  const int full = life.open("full");
  life.write(full, std::string(8192, 'x'), 0);
  life.named(io_kind::unlink, "full");
  const int fd = life.open("next");
  EXPECT_EQ(life.write(fd, "x", 0), -ENOSPC);
  life.run(request(io_kind::close, full));
  EXPECT_EQ(life.write(fd, "x", 0), 1);
}

TEST(SimDisk, AFileWithTwoNamesIsStoredOnce) {
  sim_disk disk(1);
  disk.put_file("a", std::string(8192, 'x'));
  shell life(disk);
  EXPECT_EQ(life.link("a", "b"), 0);
  EXPECT_EQ(disk.used_bytes(), 8192U);
  EXPECT_EQ(life.named(io_kind::unlink, "a"), 0);
  EXPECT_EQ(disk.content("b"), std::string(8192, 'x'));
  EXPECT_EQ(disk.used_bytes(), 8192U);
  EXPECT_EQ(life.named(io_kind::unlink, "b"), 0);
  EXPECT_EQ(disk.used_bytes(), 0U);
  life.named(io_kind::make_directory, "d");
  EXPECT_EQ(life.link("d", "e"), -EPERM);
}

TEST(SimDisk, AReplacedFileFreesItsSpace) {
  sim_disk disk(1);
  disk.put_file("old", std::string(8192, 'o'));
  disk.put_file("new", "n");
  shell life(disk);
  EXPECT_EQ(disk.used_bytes(), 12'288U);
  EXPECT_EQ(life.named(io_kind::rename, "new", "old"), 0);
  EXPECT_EQ(disk.used_bytes(), 4096U);
}

TEST(SimDisk, AnExclusiveLockShutsOutEveryOtherDescription) {
  sim_disk disk(1);
  shell one(disk, 1);
  shell other(disk, 2);
  const int mine = one.open("LOCK");
  const int theirs = other.open("LOCK");
  EXPECT_EQ(one.lock(mine, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(other.lock(theirs, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
  EXPECT_EQ(one.lock(one.open("LOCK"), LOCK_SH | LOCK_NB), -EWOULDBLOCK);
  EXPECT_EQ(one.lock(mine, LOCK_UN), 0);
  EXPECT_EQ(other.lock(theirs, LOCK_EX | LOCK_NB), 0);
}

TEST(SimDisk, SharedLocksGoTogetherAndShutOutAnExclusiveOne) {
  sim_disk disk(1);
  shell life(disk);
  const int a = life.open("LOCK");
  const int b = life.open("LOCK");
  EXPECT_EQ(life.lock(a, LOCK_SH), 0);
  EXPECT_EQ(life.lock(b, LOCK_SH), 0);
  EXPECT_EQ(life.lock(a, LOCK_EX), -EWOULDBLOCK);
  life.run(request(io_kind::close, b));
  EXPECT_EQ(life.lock(a, LOCK_EX), 0);
}

TEST(SimDisk, TheEndOfAProcessReleasesItsLock) {
  sim_disk disk(1);
  {
    shell life(disk);
    EXPECT_EQ(life.lock(life.open("LOCK"), LOCK_EX), 0);
  }
  shell next(disk, 2);
  EXPECT_EQ(next.lock(next.open("LOCK"), LOCK_EX), 0);
}

TEST(SimDisk, AFlippedBitReadsBackFlippedAndSurvivesAPowerCut) {
  sim_disk disk(1);
  disk.put_file("a", "AAAA");
  EXPECT_TRUE(disk.flip_bit("a", 8));
  EXPECT_FALSE(disk.flip_bit("a", 32));
  disk.power_cut();
  EXPECT_EQ(disk.content("a"), "A@AA");
}

}  // namespace
}  // namespace lentic::coro::sim_test
