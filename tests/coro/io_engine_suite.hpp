// SPDX-License-Identifier: Apache-2.0
#pragma once

// The conformance suite of io_engine: what every engine promises, io_uring, threads and simulator
// alike. A test file makes a world and instantiates it:
//
//   struct my_world {
//     static constexpr bool has_streams;  // pipes and device files exist
//     static const char* unavailable();   // null, or why this world cannot be had here
//     coro::runtime& runtime();
//     int directory();                    // descriptor of a fresh, empty directory
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(My, io_engine_suite, my_world);
//
// Threads and lifetime: one world a test, driven by sync_wait on the test's thread.

#include <lentic/coro/io_buffer.hpp>
#include <lentic/coro/io_op.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace lentic::test {

using coro::io_kind;
using coro::io_request;

inline io_request make_request(io_kind kind, int fd) {
  io_request request;
  request.kind = kind;
  request.fd = fd;
  return request;
}

inline io_request write_request(int fd, std::string_view bytes, std::uint64_t offset) {
  io_request request = make_request(io_kind::write, fd);
  request.data = const_cast<char*>(bytes.data());
  request.bytes = bytes.size();
  request.offset = offset;
  return request;
}

inline io_request read_request(int fd, std::string& buffer, std::uint64_t offset) {
  io_request request = make_request(io_kind::read, fd);
  request.data = buffer.data();
  request.bytes = buffer.size();
  request.offset = offset;
  return request;
}

inline io_request path_request(io_kind kind, int directory, const char* path) {
  io_request request = make_request(kind, directory);
  request.path = path;
  request.mode = 0755;
  return request;
}

inline io_request open_request(int directory, const char* path) {
  io_request request = path_request(io_kind::open, directory, path);
  request.flags = O_RDWR | O_CREAT;
  request.mode = 0644;
  return request;
}

// One operation as a task: for sync_wait, scopes and cancellation.
inline coro::task<std::int64_t> run(coro::io_engine& engine, io_request request,
                                    coro::stop_token stop = {}) {
  co_return co_await coro::io_op(engine, request, stop);
}

inline coro::task<void> run_into(coro::io_engine& engine, io_request request, coro::stop_token stop,
                                 std::int64_t& outcome) {
  outcome = co_await coro::io_op(engine, request, stop);
}

inline coro::task<coro::linked_results> run_linked(coro::io_engine& engine, io_request first,
                                                   io_request second) {
  co_return co_await coro::linked_io_op(engine, first, second);
}

template <class World>
class io_engine_suite : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* const why = World::unavailable(); why != nullptr) GTEST_SKIP() << why;
    world_ = std::make_unique<World>();
  }

  coro::runtime& runtime() { return world_->runtime(); }
  coro::io_engine& io() { return runtime().io(); }
  int directory() { return world_->directory(); }

  std::int64_t wait(const io_request& request) {
    return coro::sync_wait(runtime(), run(io(), request));
  }
  coro::linked_results wait_linked(const io_request& first, const io_request& second) {
    return coro::sync_wait(runtime(), run_linked(io(), first, second));
  }
  int open_file(const char* path) {
    const std::int64_t fd = wait(open_request(directory(), path));
    EXPECT_GE(fd, 0);
    return static_cast<int>(fd);
  }
  void close_file(int fd) { EXPECT_EQ(wait(make_request(io_kind::close, fd)), 0); }
  std::int64_t write(int fd, std::string_view bytes, std::uint64_t offset) {
    return wait(write_request(fd, bytes, offset));
  }
  // What is in the file from `offset` on, at most `bytes` of it.
  std::string read(int fd, std::size_t bytes, std::uint64_t offset) {
    std::string buffer(bytes, '?');
    const std::int64_t got = wait(read_request(fd, buffer, offset));
    EXPECT_GE(got, 0);
    buffer.resize(static_cast<std::size_t>(got));
    return buffer;
  }
  std::int64_t size(int fd) { return wait(make_request(io_kind::size, fd)); }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    io_request request = make_request(io_kind::list_directory, directory());
    request.names = &found;
    EXPECT_EQ(wait(request), 0);
    return found;
  }

  std::unique_ptr<World> world_;
};

TYPED_TEST_SUITE_P(io_engine_suite);

TYPED_TEST_P(io_engine_suite, ReadReturnsWhatWasWrittenAtItsOffset) {
  const int fd = this->open_file("a");
  EXPECT_EQ(this->write(fd, "0123456789", 0), 10);
  EXPECT_EQ(this->write(fd, "xy", 4), 2);
  EXPECT_EQ(this->read(fd, 6, 2), "23xy67");
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, ReadPastTheEndIsShort) {
  const int fd = this->open_file("a");
  this->write(fd, "abc", 0);
  EXPECT_EQ(this->read(fd, 100, 1), "bc");
  EXPECT_EQ(this->read(fd, 100, 3), "");
  this->close_file(fd);
}

// Whether the engine lends it or not.
TYPED_TEST_P(io_engine_suite, ReadsIntoBuffersForOneOperation) {
  const int fd = this->open_file("a");
  this->write(fd, "0123456789", 0);
  for (const std::size_t bytes : {4UL, 100UL, 4096UL, 10000UL}) {
    const coro::io_buffer buffer(this->io(), bytes);
    ASSERT_EQ(buffer.span().size(), bytes);
    io_request request = make_request(io_kind::read, fd);
    request.data = buffer.span().data();
    request.bytes = bytes;
    request.offset = 3;
    const std::int64_t got = this->wait(request);
    ASSERT_EQ(got, bytes == 4 ? 4 : 7);
    const auto count = static_cast<std::size_t>(got);
    EXPECT_EQ(std::memcmp(buffer.span().data(), "3456789", count), 0);
  }
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, OpenOfAMissingFileIsEnoent) {
  io_request request = open_request(this->directory(), "missing");
  request.flags = O_RDWR;
  EXPECT_EQ(this->wait(request), -ENOENT);
}

TYPED_TEST_P(io_engine_suite, ExclusiveCreationOfAnExistingFileIsEexist) {
  this->close_file(this->open_file("a"));
  io_request request = open_request(this->directory(), "a");
  request.flags |= O_EXCL;
  EXPECT_EQ(this->wait(request), -EEXIST);
}

TYPED_TEST_P(io_engine_suite, OperationOnAClosedDescriptorIsEbadf) {
  const int fd = this->open_file("a");
  this->close_file(fd);
  EXPECT_EQ(this->write(fd, "x", 0), -EBADF);
}

TYPED_TEST_P(io_engine_suite, LinkedSyncRunsAfterACompleteWrite) {
  const int fd = this->open_file("a");
  const coro::linked_results both =
      this->wait_linked(write_request(fd, "frame", 0), make_request(io_kind::data_sync, fd));
  EXPECT_EQ(both.first, 5);
  EXPECT_EQ(both.second, 0);
  EXPECT_EQ(this->read(fd, 5, 0), "frame");
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, LinkedSyncIsCancelledWhenTheWriteFails) {
  const int fd = this->open_file("a");
  const coro::linked_results both =
      this->wait_linked(write_request(-1, "frame", 0), make_request(io_kind::data_sync, fd));
  EXPECT_EQ(both.first, -EBADF);
  EXPECT_EQ(both.second, -ECANCELED);
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, ShortTransferBreaksTheChain) {
  const int fd = this->open_file("a");
  this->write(fd, "abc", 0);
  std::string buffer(10, '?');
  const coro::linked_results both =
      this->wait_linked(read_request(fd, buffer, 0), write_request(fd, "never", 0));
  EXPECT_EQ(both.first, 3);
  EXPECT_EQ(both.second, -ECANCELED);
  EXPECT_EQ(this->read(fd, 10, 0), "abc");
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, AllocateExtendsWithZeros) {
  const int fd = this->open_file("a");
  this->write(fd, "abc", 0);
  io_request request = make_request(io_kind::allocate, fd);
  request.offset = 0;
  request.bytes = 8192;
  EXPECT_EQ(this->wait(request), 0);
  EXPECT_EQ(this->size(fd), 8192);
  EXPECT_EQ(this->read(fd, 6, 0), std::string("abc\0\0\0", 6));
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, TruncateCutsTheFile) {
  const int fd = this->open_file("a");
  this->write(fd, "0123456789", 0);
  io_request request = make_request(io_kind::truncate, fd);
  request.offset = 4;
  EXPECT_EQ(this->wait(request), 0);
  EXPECT_EQ(this->size(fd), 4);
  EXPECT_EQ(this->read(fd, 10, 0), "0123");
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, RenameReplacesTheTarget) {
  const int fd = this->open_file("new");
  this->write(fd, "new", 0);
  this->close_file(fd);
  this->close_file(this->open_file("old"));
  io_request request = path_request(io_kind::rename, this->directory(), "new");
  request.path2 = "old";
  EXPECT_EQ(this->wait(request), 0);
  EXPECT_EQ(this->names(), std::vector<std::string>{"old"});
  const int replaced = this->open_file("old");
  EXPECT_EQ(this->read(replaced, 10, 0), "new");
  this->close_file(replaced);
}

TYPED_TEST_P(io_engine_suite, UnlinkRemovesTheNameAndKeepsTheOpenFile) {
  const int fd = this->open_file("a");
  this->write(fd, "kept", 0);
  EXPECT_EQ(this->wait(path_request(io_kind::unlink, this->directory(), "a")), 0);
  EXPECT_TRUE(this->names().empty());
  EXPECT_EQ(this->read(fd, 10, 0), "kept");
  this->close_file(fd);
  EXPECT_EQ(this->wait(path_request(io_kind::unlink, this->directory(), "a")), -ENOENT);
}

TYPED_TEST_P(io_engine_suite, LinkGivesAFileASecondName) {
  const int fd = this->open_file("a");
  this->write(fd, "shared", 0);
  EXPECT_EQ(this->wait(path_request(io_kind::make_directory, this->directory(), "d")), 0);
  io_request opening = open_request(this->directory(), "d");
  opening.flags = O_RDONLY | O_DIRECTORY;
  const int below = static_cast<int>(this->wait(opening));
  io_request request = path_request(io_kind::link, this->directory(), "a");
  request.fd2 = below;
  request.path2 = "b";
  EXPECT_EQ(this->wait(request), 0);
  EXPECT_EQ(this->wait(request), -EEXIST);
  EXPECT_EQ(this->wait(path_request(io_kind::unlink, this->directory(), "a")), 0);
  EXPECT_EQ(this->write(fd, "S", 0), 1);
  const int second = static_cast<int>(this->wait(open_request(below, "b")));
  EXPECT_EQ(this->read(second, 10, 0), "Shared");
  EXPECT_EQ(this->wait(request), -ENOENT) << "the first name is gone";
  for (const int each : {fd, second, below}) this->close_file(each);
}

TYPED_TEST_P(io_engine_suite, ListIsSortedAndHoldsDirectories) {
  this->close_file(this->open_file("b"));
  this->close_file(this->open_file("a"));
  EXPECT_EQ(this->wait(path_request(io_kind::make_directory, this->directory(), "c")), 0);
  EXPECT_EQ(this->names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(this->wait(make_request(io_kind::sync_directory, this->directory())), 0);
}

TYPED_TEST_P(io_engine_suite, LockIsRefusedToASecondDescription) {
  const int first = this->open_file("LOCK");
  const int second = this->open_file("LOCK");
  io_request request = make_request(io_kind::lock, first);
  request.flags = LOCK_EX | LOCK_NB;
  EXPECT_EQ(this->wait(request), 0);
  request.fd = second;
  EXPECT_EQ(this->wait(request), -EWOULDBLOCK);
  this->close_file(first);
  EXPECT_EQ(this->wait(request), 0);
  this->close_file(second);
}

TYPED_TEST_P(io_engine_suite, MapSeesWhatWasWrittenAndOutlivesTheDescriptor) {
  const int fd = this->open_file("a");
  const std::string content(5000, 'm');
  this->write(fd, content, 0);
  auto mapping = this->io().map(fd, content.size());
  ASSERT_TRUE(mapping);
  this->close_file(fd);
  const std::string_view seen(reinterpret_cast<const char*>(mapping->data()), mapping->size());
  EXPECT_EQ(seen, content);
  this->io().unmap(*mapping);
}

TYPED_TEST_P(io_engine_suite, EveryOperationIsNumbered) {
  const std::uint64_t before = this->io().operations();
  const int fd = this->open_file("a");
  this->wait_linked(write_request(fd, "x", 0), make_request(io_kind::data_sync, fd));
  this->close_file(fd);
  EXPECT_EQ(this->io().operations(), before + 4);
}

namespace detail {
inline coro::task<void> write_blocks(coro::runtime& runtime, int fd, std::size_t count) {
  coro::scope writers(runtime.queue());
  std::vector<std::int64_t> outcomes(count, -1);
  const std::string block(16, 'b');
  for (std::size_t i = 0; i < count; ++i) {
    const io_request request = write_request(fd, block, i * block.size());
    writers.spawn(run_into(runtime.io(), request, writers.token(), outcomes[i]));
  }
  co_await writers.join();
  for (const std::int64_t outcome : outcomes) EXPECT_EQ(outcome, 16);
}
}  // namespace detail

TYPED_TEST_P(io_engine_suite, FiveThousandOperationsAtOnceAllComplete) {
  const int fd = this->open_file("a");
  coro::sync_wait(this->runtime(), detail::write_blocks(this->runtime(), fd, 5000));
  EXPECT_EQ(this->size(fd), 5000 * 16);
  this->close_file(fd);
}

namespace detail {
inline coro::task<std::int64_t> stop_while_running(coro::runtime& runtime, io_request request) {
  coro::stop_source source;
  coro::scope running(runtime.queue());
  std::int64_t outcome = 1;
  running.spawn(run_into(runtime.io(), request, coro::stop_token(source), outcome));
  for (int i = 0; i < 3; ++i) co_await coro::yield(runtime);  // lets the engine take it
  source.request_stop();
  co_await running.join();
  co_return outcome;
}
}  // namespace detail

TYPED_TEST_P(io_engine_suite, StoppedWriteEitherCompletesOrIsCancelled) {
  const int fd = this->open_file("a");
  const std::string block(1 << 16, 'w');
  const std::int64_t outcome = coro::sync_wait(
      this->runtime(), detail::stop_while_running(this->runtime(), write_request(fd, block, 0)));
  if (outcome == -ECANCELED) {
    EXPECT_EQ(this->size(fd), 0);
  } else {
    EXPECT_EQ(outcome, 1 << 16);
  }
  this->close_file(fd);
}

TYPED_TEST_P(io_engine_suite, OperationUnderAStoppedTokenIsNotStarted) {
  coro::stop_source source;
  source.request_stop();
  const std::uint64_t before = this->io().operations();
  const std::int64_t outcome = coro::sync_wait(
      this->runtime(), run(this->io(), make_request(io_kind::nop, -1), coro::stop_token(source)));
  EXPECT_EQ(outcome, -ECANCELED);
  EXPECT_EQ(this->io().operations(), before);
}

REGISTER_TYPED_TEST_SUITE_P(io_engine_suite, ReadReturnsWhatWasWrittenAtItsOffset,
                            ReadPastTheEndIsShort, ReadsIntoBuffersForOneOperation,
                            OpenOfAMissingFileIsEnoent, ExclusiveCreationOfAnExistingFileIsEexist,
                            OperationOnAClosedDescriptorIsEbadf, LinkedSyncRunsAfterACompleteWrite,
                            LinkedSyncIsCancelledWhenTheWriteFails, ShortTransferBreaksTheChain,
                            AllocateExtendsWithZeros, TruncateCutsTheFile, RenameReplacesTheTarget,
                            UnlinkRemovesTheNameAndKeepsTheOpenFile, LinkGivesAFileASecondName,
                            ListIsSortedAndHoldsDirectories, LockIsRefusedToASecondDescription,
                            MapSeesWhatWasWrittenAndOutlivesTheDescriptor, EveryOperationIsNumbered,
                            FiveThousandOperationsAtOnceAllComplete,
                            StoppedWriteEitherCompletesOrIsCancelled,
                            OperationUnderAStoppedTokenIsNotStarted);

}  // namespace lentic::test
