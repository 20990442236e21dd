// SPDX-License-Identifier: Apache-2.0
// What a power cut, a kill and a failed sync leave behind. Each claim about chance is shown over
// seeds: what may happen is seen for some of them, what must not happen for none.
#include "sim_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>
#include <string>

#include <sys/file.h>

namespace lentic::coro::sim_test {
namespace {

constexpr std::uint64_t seeds = 300;

// A durable file "a" with these bytes.
void durable_file(shell& life, const std::string& bytes) {
  const int fd = life.open("a");
  life.write(fd, bytes, 0);
  life.sync(fd);
  const int root = life.open_directory("/");
  life.sync_directory(root);
}

using act = std::function<void(shell&)>;

// The contents of "a" that some seed leaves after `act` and a power cut; "(none)" for no file.
std::set<std::string> outcomes(const act& before_the_cut, sim_disk_options options = {}) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed, options);
    shell life(disk, seed);
    before_the_cut(life);
    life.engine().cut_power();
    seen.insert(disk.content("a").value_or("(none)"));
  }
  return seen;
}

bool any_of(const std::set<std::string>& seen, const std::function<bool(const std::string&)>& is) {
  return std::any_of(seen.begin(), seen.end(), is);
}

TEST(SimCrash, ASyncedWriteSurvives) {
  const std::set<std::string> seen = outcomes([](shell& life) { durable_file(life, "kept"); });
  EXPECT_EQ(seen, std::set<std::string>{"kept"});
}

TEST(SimCrash, AnUnsyncedOverwriteOfASectorIsOldOrNew) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "old");
    life.write(life.open("a"), "new", 0);
  });
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(SimCrash, AnUnsyncedWriteOfSeveralSectorsIsTornBetweenThem) {
  const std::string old_half(512, 'o');
  const std::string new_half(512, 'n');
  const std::set<std::string> seen = outcomes([&](shell& life) {
    durable_file(life, old_half + old_half);
    life.write(life.open("a"), new_half + new_half, 0);
  });
  EXPECT_EQ(seen, (std::set<std::string>{old_half + old_half, old_half + new_half,
                                         new_half + old_half, new_half + new_half}));
}

TEST(SimCrash, ASectorKeepsAnyPrefixOfTheUnsyncedWritesToIt) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "....");
    const int fd = life.open("a");
    life.write(fd, "1", 0);
    life.write(fd, "2", 1);
    life.write(fd, "3", 0);
  });
  EXPECT_EQ(seen, (std::set<std::string>{"....", "1...", "12..", "32.."}));
}

TEST(SimCrash, AFileWhoseDirectoryWasNotSyncedMayBeGone) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    const int fd = life.open("a");
    life.write(fd, "data", 0);
    life.sync(fd);
  });
  EXPECT_EQ(seen, (std::set<std::string>{"(none)", "data"}));
}

TEST(SimCrash, AnUnsyncedRenameLeavesTheOldOrTheNewFileWhole) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "old");
    const int fd = life.open("tmp");
    life.write(fd, "new", 0);
    life.sync(fd);
    life.sync_directory(life.open_directory("/"));
    life.named(io_kind::rename, "tmp", "a");
  });
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(SimCrash, AnUnsyncedRemovalMayBeUndone) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "back");
    life.named(io_kind::unlink, "a");
  });
  EXPECT_EQ(seen, (std::set<std::string>{"(none)", "back"}));
}

TEST(SimCrash, AnUnsyncedSecondNameIsThereOrNot) {
  bool kept = false;
  bool lost = false;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed, sim_disk_options::drawn(seed));
    shell life(disk, seed);
    durable_file(life, "one");
    EXPECT_EQ(life.link("a", "b"), 0);
    life.engine().cut_power();
    EXPECT_EQ(disk.content("a"), "one");
    EXPECT_EQ(disk.used_bytes(), 4096U);
    (disk.content("b") ? kept : lost) = true;
    const bool second = disk.content("b").has_value();
    shell next(disk, seed);
    EXPECT_EQ(next.named(io_kind::unlink, "a"), 0);
    EXPECT_EQ(disk.content("b").has_value(), second) << "the other name stays";
    EXPECT_EQ(disk.used_bytes(), second ? 4096U : 0U);
  }
  EXPECT_TRUE(kept);
  EXPECT_TRUE(lost);
}

TEST(SimCrash, ASyncedSecondNameIsDurable) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed, sim_disk_options::drawn(seed));
    shell life(disk, seed);
    durable_file(life, "one");
    EXPECT_EQ(life.link("a", "b"), 0);
    life.sync_directory(life.open_directory("/"));
    life.engine().cut_power();
    EXPECT_EQ(disk.content("b"), "one");
  }
}

TEST(SimCrash, OnlyTheModelWithoutAJournalReordersNames) {
  for (const sim_names names : {sim_names::prefix, sim_names::any_subset}) {
    bool reordered = false;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      sim_disk_options options;
      options.names = names;
      sim_disk disk(seed, options);
      shell life(disk, seed);
      life.open("first");
      life.open("second");
      life.engine().cut_power();
      reordered = reordered || (!disk.content("first") && disk.content("second"));
    }
    EXPECT_EQ(reordered, names == sim_names::any_subset);
  }
}

TEST(SimCrash, SyncingOneDirectoryLeavesTheNamesOfAnotherOpen) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    shell life(disk, seed);
    life.named(io_kind::make_directory, "d");
    life.sync_directory(life.open_directory("/"));
    life.open("d/x");
    life.open("y");
    life.sync_directory(life.open_directory("/"));
    life.engine().cut_power();
    EXPECT_TRUE(disk.content("y"));
    lost = lost || !disk.content("d/x");
  }
  EXPECT_TRUE(lost);
}

TEST(SimCrash, SyncingADirectoryCoversARenameIntoItFromAnother) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed, sim_disk_options::drawn(seed));
    shell life(disk, seed);
    life.named(io_kind::make_directory, "d");
    life.sync_directory(life.open_directory("/"));
    life.open("x");
    life.named(io_kind::rename, "x", "d/x");
    life.sync_directory(life.open_directory("d"));
    life.engine().cut_power();
    EXPECT_TRUE(disk.content("d/x"));
    EXPECT_FALSE(disk.content("x"));
  }
}

TEST(SimCrash, TheSizeModelsDifferInWhatAGapHolds) {
  const std::string page(4096, 'p');
  const auto append = [&](shell& life) {
    durable_file(life, page);
    life.write(life.open("a"), page, 4096);
  };
  const auto has_zeros = [](const std::string& bytes) {
    return bytes.find('\0') != std::string::npos;
  };
  const auto has_noise = [](const std::string& bytes) {
    return bytes.find_first_not_of(std::string("p\0", 2)) != std::string::npos;
  };
  sim_disk_options options;
  options.sizes = sim_sizes::ordered;
  const std::set<std::string> ordered = outcomes(append, options);
  options.sizes = sim_sizes::zeros;
  const std::set<std::string> zeros = outcomes(append, options);
  options.sizes = sim_sizes::garbage;
  const std::set<std::string> garbage = outcomes(append, options);
  EXPECT_FALSE(any_of(ordered, has_zeros) || any_of(ordered, has_noise));
  EXPECT_TRUE(any_of(zeros, has_zeros) && !any_of(zeros, has_noise));
  EXPECT_TRUE(any_of(garbage, has_noise));
  for (const std::set<std::string>& seen : {ordered, zeros, garbage}) {
    EXPECT_TRUE(seen.contains(page) && seen.contains(page + page));
    EXPECT_FALSE(any_of(seen, [&](const std::string& s) { return !s.starts_with(page); }));
  }
}

TEST(SimCrash, AnAllocationIsDurableOnlyAfterADataSync) {
  const auto sizes = [](bool synced) {
    const std::set<std::string> seen = outcomes([&](shell& life) {
      durable_file(life, "");
      const int fd = life.open("a");
      life.resize(io_kind::allocate, fd, 0, 1000);
      if (synced) life.sync(fd);
    });
    return seen.size();
  };
  EXPECT_EQ(sizes(true), 1U);
  EXPECT_GT(sizes(false), 1U);
}

TEST(SimCrash, AnUnsyncedTruncationMayBeUndone) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "long");
    life.resize(io_kind::truncate, life.open("a"), 1);
  });
  EXPECT_EQ(seen, (std::set<std::string>{"l", "long"}));
}

// A write and a sync of the same file in flight together: is the write durable once both are done?
bool covered_for_every_seed(bool linked) {
  bool covered = true;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    shell life(disk, seed);
    durable_file(life, "old");
    const int fd = life.open("a");
    std::string bytes = "new";
    io_request put = write_request(fd, bytes, 0);
    io_request sync = sync_request(fd);
    if (linked) {
      const linked_results got =
          sync_wait(life.runtime(), perform_linked(life.engine(), put, sync));
      EXPECT_EQ(got.second, 0);
    } else {
      scope both(life.runtime().queue());
      const auto one = [](io_engine& engine, io_request what) -> task<void> {
        co_await io_op(engine, what);
      };
      both.spawn(one(life.engine(), put));
      both.spawn(one(life.engine(), sync));
      sync_wait(life.runtime(), both.join());
    }
    life.engine().cut_power();
    covered = covered && disk.content("a") == "new";
  }
  return covered;
}

TEST(SimCrash, ALinkedSyncCoversItsWrite) {
  EXPECT_TRUE(covered_for_every_seed(true));
}

TEST(SimCrash, AnUnlinkedSyncDoesNotCoverAWriteInFlight) {
  EXPECT_FALSE(covered_for_every_seed(false));
}

task<void> note_end(io_engine& engine, io_request what, char name, std::string& order) {
  co_await io_op(engine, what);
  order.push_back(name);
}

TEST(SimCrash, ASyncThatEndsAfterAWriteMayHaveBegunBeforeIt) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    shell life(disk, seed);
    durable_file(life, "old");
    const int fd = life.open("a");
    std::string bytes = "new";
    std::string order;
    scope both(life.runtime().queue());
    both.spawn(note_end(life.engine(), write_request(fd, bytes, 0), 'w', order));
    both.spawn(note_end(life.engine(), sync_request(fd), 's', order));
    sync_wait(life.runtime(), both.join());
    life.engine().cut_power();
    lost = lost || (order == "ws" && disk.content("a") == "old");
  }
  EXPECT_TRUE(lost);
}

TEST(SimCrash, GarbageMayBeWhatADeletedFileHeld) {
  const std::string stale(512, 'S');
  sim_disk_options options;
  options.sizes = sim_sizes::garbage;
  const std::set<std::string> seen = outcomes(
      [&](shell& life) {
        durable_file(life, "");
        const int gone = life.open("gone");
        life.write(gone, std::string(4096, 'S'), 0);
        life.sync(gone);
        life.run(request(io_kind::close, gone));
        life.named(io_kind::unlink, "gone");
        life.write(life.open("a"), std::string(4096, 'n'), 0);
      },
      options);
  EXPECT_TRUE(
      any_of(seen, [&](const std::string& s) { return s.find(stale) != std::string::npos; }));
}

TEST(SimCrash, AFailedSyncLosesTheDataSilently) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "old");
    const int fd = life.open("a");
    life.write(fd, "new", 0);
    life.engine().fail_kind(io_kind::data_sync, 1, EIO);
    EXPECT_EQ(life.sync(fd), -EIO);
    EXPECT_EQ(life.read(fd, 3, 0), "new");
    EXPECT_EQ(life.sync(fd), 0);
  });
  EXPECT_EQ(seen, std::set<std::string>{"old"});
}

TEST(SimCrash, ALostWriteReadsWellAndNeverLands) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "old");
    const int fd = life.open("a");
    life.engine().lose_write(life.engine().operations() + 1);
    EXPECT_EQ(life.write(fd, "new", 0), 3);
    EXPECT_EQ(life.read(fd, 3, 0), "new");
    EXPECT_EQ(life.sync(fd), 0);
  });
  EXPECT_EQ(seen, std::set<std::string>{"old"});
}

TEST(SimCrash, AKillKeepsWhatWasWrittenAndDropsTheLock) {
  sim_disk disk(1);
  shell life(disk, 1);
  const int fd = life.open("a");
  EXPECT_EQ(life.lock(fd, LOCK_EX), 0);
  life.write(fd, "cached", 0);
  life.engine().kill();
  EXPECT_EQ(life.write(fd, "late", 0), -EIO);
  shell next(disk, 2);
  const int again = next.open("a");
  EXPECT_EQ(next.lock(again, LOCK_EX), 0);
  EXPECT_EQ(next.read(again, 100, 0), "cached");
}

TEST(SimCrash, WhatAKillLeftUnsyncedAPowerCutMayStillLose) {
  const std::set<std::string> seen = outcomes([](shell& life) {
    durable_file(life, "old");
    life.write(life.open("a"), "new", 0);
    life.engine().kill();
    sim_disk& disk = life.disk();
    EXPECT_EQ(disk.content("a"), "new");
    disk.power_cut();
  });
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(SimCrash, AWriteInFlightAtAKillHappenedOrNot) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    disk.put_file("a", "old");
    shell life(disk, seed);
    const int fd = life.open("a");
    life.engine().kill_at(life.engine().operations() + 1);
    EXPECT_EQ(life.write(fd, "new", 0), -EIO);
    seen.insert(*disk.content("a"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(SimCrash, ASecondPowerCutChangesNothing) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed, sim_disk_options::drawn(seed));
    shell life(disk, seed);
    life.write(life.open("a"), std::string(5000, 'x'), 0);
    life.engine().cut_power();
    const std::uint64_t image = disk.image_hash();
    disk.power_cut();
    EXPECT_EQ(disk.image_hash(), image);
  }
}

}  // namespace
}  // namespace lentic::coro::sim_test
