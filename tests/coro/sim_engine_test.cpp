// SPDX-License-Identifier: Apache-2.0
// The simulated engine: order, links, faults, cancellation, streams, maps.
#include "sim_support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

namespace lentic::coro::sim_test {
namespace {

constexpr std::uint64_t seeds = 200;

task<void> perform_into(io_engine& engine, io_request what, std::int64_t& outcome) {
  outcome = co_await io_op(engine, what);
}

task<void> note_order(io_engine& engine, int name, std::vector<int>& order) {
  const io_request nothing = request(io_kind::nop, -1);
  co_await io_op(engine, nothing);
  order.push_back(name);
}

TEST(SimEngine, OperationsInFlightTogetherCompleteInEveryOrder) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    shell life(disk, seed);
    scope together(life.runtime().queue());
    std::vector<int> order;
    for (int name = 0; name < 3; ++name) together.spawn(note_order(life.engine(), name, order));
    sync_wait(life.runtime(), together.join());
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(SimEngine, AShortWriteBreaksItsChain) {
  sim_disk disk(1);
  sim_runtime_options options;
  options.faults.short_permille = 1000;
  shell life(disk, 1, options);
  const int fd = life.open("a");
  std::string bytes = "0123456789";
  const io_request put = write_request(fd, bytes, 0);
  const io_request sync = sync_request(fd);
  const linked_results got = sync_wait(life.runtime(), perform_linked(life.engine(), put, sync));
  EXPECT_GE(got.first, 1);
  EXPECT_LT(got.first, 10);
  EXPECT_EQ(got.second, -ECANCELED);
  EXPECT_EQ(life.engine().executed(io_kind::data_sync), 0U);
}

TEST(SimEngine, AFailedWriteBreaksItsChain) {
  sim_disk disk(1);
  shell life(disk, 1);
  const int fd = life.open("a");
  std::string bytes = "0123456789";
  const io_request put = write_request(fd, bytes, 0);
  const io_request sync = sync_request(fd);
  life.engine().fail_operation(life.engine().operations() + 1, ENOSPC);
  const linked_results got = sync_wait(life.runtime(), perform_linked(life.engine(), put, sync));
  EXPECT_EQ(got.first, -ENOSPC);
  EXPECT_EQ(got.second, -ECANCELED);
}

TEST(SimEngine, ShortAndInterruptedTransfersMoveWhatTheySay) {
  sim_disk disk(1);
  sim_runtime_options options;
  options.faults = {500, 200, 200};
  shell life(disk, 7, options);
  const int fd = life.open("a");
  std::string wanted(300, 'x');
  std::set<std::int64_t> failures;
  std::size_t done = 0;
  while (done < wanted.size()) {
    const std::int64_t got = life.write(fd, wanted.substr(done), done);
    if (got < 0) {
      failures.insert(got);
    } else {
      done += static_cast<std::size_t>(got);
    }
  }
  EXPECT_EQ(disk.content("a"), wanted);
  EXPECT_EQ(life.engine().bytes_written(), 300U);
  EXPECT_EQ(failures, (std::set<std::int64_t>{-EINTR, -EAGAIN}));
}

TEST(SimEngine, FailFromFailsEverythingExceptClose) {
  sim_disk disk(1);
  shell life(disk, 1);
  const int fd = life.open("a");
  life.engine().fail_from(life.engine().operations() + 2, EIO);
  EXPECT_EQ(life.write(fd, "x", 0), 1);
  EXPECT_EQ(life.write(fd, "x", 1), -EIO);
  EXPECT_EQ(life.sync(fd), -EIO);
  EXPECT_EQ(life.run(request(io_kind::close, fd)), 0);
}

TEST(SimEngine, FailKindFailsTheNthOfItsKindOnce) {
  sim_disk disk(1);
  shell life(disk, 1);
  const int fd = life.open("a");
  life.engine().fail_kind(io_kind::write, 2, ENOSPC);
  EXPECT_EQ(life.write(fd, "x", 0), 1);
  EXPECT_EQ(life.sync(fd), 0);
  EXPECT_EQ(life.write(fd, "x", 1), -ENOSPC);
  EXPECT_EQ(life.write(fd, "x", 1), 1);
  EXPECT_EQ(life.engine().executed(io_kind::write), 3U);
}

TEST(SimEngine, ACancelledWriteHappenedInFullOrNotAtAll) {
  std::set<std::int64_t> results;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    disk.put_file("a", "old");
    shell life(disk, seed);
    stop_source source;
    std::string bytes = "new";
    const io_request put = write_request(life.open("a"), bytes, 0);
    std::int64_t outcome = 0;
    const auto stoppable = [](io_engine& engine, io_request what, stop_token stop,
                              std::int64_t& into) -> task<void> {
      into = co_await io_op(engine, what, stop);
    };
    scope work(life.runtime().queue());
    work.spawn(stoppable(life.engine(), put, stop_token(source), outcome));
    source.request_stop();
    sync_wait(life.runtime(), work.join());
    EXPECT_EQ(disk.content("a"), outcome == 3 ? "new" : "old");
    results.insert(outcome);
  }
  EXPECT_EQ(results, (std::set<std::int64_t>{-ECANCELED, 3}));
}

TEST(SimEngine, AStreamDeliversItsScriptInChunksAndThenItsEnd) {
  sim_disk disk(1);
  shell life(disk, 1);
  sim_input input;
  input.bytes = "abcde";
  input.chunk_bytes_max = 3;
  life.engine().attach(0, input);
  EXPECT_EQ(life.read(0, 10, no_offset), "abc");
  EXPECT_EQ(life.read(0, 10, no_offset), "de");
  EXPECT_EQ(life.read(0, 10, no_offset), "");
}

TEST(SimEngine, AReadOfAnIdleStreamWaitsUntilThereIsSomething) {
  sim_disk disk(1);
  shell life(disk, 1);
  sim_input input;
  input.ended = false;
  life.engine().attach(0, input);
  std::string into(10, '\0');
  std::int64_t outcome = 0;
  scope work(life.runtime().queue());
  work.spawn(perform_into(life.engine(), read_request(0, into, no_offset), outcome));
  EXPECT_FALSE(life.runtime().turn());
  input.bytes = "late";
  sync_wait(life.runtime(), work.join());
  EXPECT_EQ(outcome, 4);
}

TEST(SimEngine, ABlockedOutputHoldsItsWriteBack) {
  sim_disk disk(1);
  shell life(disk, 1);
  sim_output output;
  output.room_bytes = 2;
  life.engine().attach(1, output);
  EXPECT_EQ(life.write(1, "abc", no_offset), 2);
  std::string rest = "c";
  std::int64_t outcome = 0;
  scope work(life.runtime().queue());
  work.spawn(perform_into(life.engine(), write_request(1, rest, no_offset), outcome));
  EXPECT_FALSE(life.runtime().turn());
  output.room_bytes = 10;
  sync_wait(life.runtime(), work.join());
  EXPECT_EQ(outcome, 1);
  EXPECT_EQ(output.bytes, "abc");
}

TEST(SimEngine, AnOutputWithoutAReaderIsABrokenPipe) {
  sim_disk disk(1);
  shell life(disk, 1);
  sim_output output;
  output.closed = true;
  life.engine().attach(1, output);
  EXPECT_EQ(life.write(1, "abc", no_offset), -EPIPE);
}

TEST(SimEngine, ACancelledReadOfAnIdleStreamAlwaysEnds) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim_disk disk(seed);
    shell life(disk, seed);
    sim_input input;
    input.ended = false;
    life.engine().attach(0, input);
    std::string into(10, '\0');
    io_request get = read_request(0, into, no_offset);
    ready_node nobody;
    nobody.waiter = std::noop_coroutine();
    io_request::group alone{1, &nobody};
    get.joined = &alone;
    life.engine().start(get);
    life.engine().cancel(get);
    EXPECT_TRUE(life.runtime().turn());
    EXPECT_EQ(get.result, -ECANCELED);
    life.runtime().turn();
  }
}

TEST(SimEngine, AMapShowsTheCacheAndOutlivesTheDescriptor) {
  sim_disk disk(1);
  shell life(disk, 1);
  const int fd = life.open("a");
  life.write(fd, std::string(5000, 'm'), 0);
  const auto mapped = life.engine().map(fd, 5000);
  ASSERT_TRUE(mapped);
  life.run(request(io_kind::close, fd));
  life.engine().cut_power();
  const std::vector<std::byte> wanted(5000, std::byte{'m'});
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), (*mapped).begin(), (*mapped).end()));
  life.engine().unmap(*mapped);
}

TEST(SimEngine, AMapPastTheLastPageIsRefused) {
  sim_disk disk(1);
  disk.put_file("a", "short");
  shell life(disk, 1);
  const int fd = life.open("a");
  EXPECT_FALSE(life.engine().map(fd, 4097));
  const auto mapped = life.engine().map(fd, 4096);
  ASSERT_TRUE(mapped);
  EXPECT_EQ((*mapped)[5], std::byte{0});
  life.engine().unmap(*mapped);
}

}  // namespace
}  // namespace lentic::coro::sim_test
