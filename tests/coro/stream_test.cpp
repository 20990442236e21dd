// SPDX-License-Identifier: Apache-2.0
// Pipes, terminals and device files on the real engines: what waits can be cancelled, and what is
// cut short breaks its chain.

#include "io_engine_suite.hpp"
#include "real_world.hpp"

#include <csignal>
#include <cstdlib>
#include <deque>
#include <optional>
#include <utility>

#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace lentic::test {
namespace {

class owned_fd {
 public:
  explicit owned_fd(int fd) noexcept : fd_(fd) { EXPECT_GE(fd, 0); }
  owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_fd& operator=(owned_fd&&) = delete;
  ~owned_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class pipe_pair {
 public:
  explicit pipe_pair(int flags = 0) { EXPECT_EQ(::pipe2(ends_.data(), flags | O_CLOEXEC), 0); }
  pipe_pair(const pipe_pair&) = delete;
  pipe_pair& operator=(const pipe_pair&) = delete;
  ~pipe_pair() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  int out() const noexcept { return ends_[0]; }
  int in() const noexcept { return ends_[1]; }

  // Leaves no room for another byte.
  void fill() const {
    const int flags = ::fcntl(in(), F_GETFL);
    ::fcntl(in(), F_SETFL, flags | O_NONBLOCK);
    const std::string block(4096, 'f');
    while (::write(in(), block.data(), block.size()) > 0) {
    }
    ::fcntl(in(), F_SETFL, flags);
  }
  void put(std::string_view bytes) const {
    EXPECT_EQ(::write(in(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void drain() const {
    std::string sink(1 << 16, '?');
    EXPECT_GT(::read(out(), sink.data(), sink.size()), 0);
  }

 private:
  std::array<int, 2> ends_{};
};

// Starts `request`, lets the engine take it, calls `act`, and answers how the request ended.
template <class Act>
coro::task<std::int64_t> run_and(coro::runtime& runtime, io_request request, Act& act) {
  coro::scope running(runtime.queue());
  std::int64_t outcome = 1;
  running.spawn(run_into(runtime.io(), request, coro::stop_token(), outcome));
  for (int i = 0; i < 3; ++i) co_await coro::yield(runtime);
  EXPECT_EQ(running.live(), 1U) << "the operation did not wait";
  act();
  co_await running.join();
  co_return outcome;
}

template <class World>
class stream_suite : public io_engine_suite<World> {
 protected:
  std::int64_t stop(const io_request& request) {
    return coro::sync_wait(this->runtime(), detail::stop_while_running(this->runtime(), request));
  }
  template <class Act>
  std::int64_t wait_and(const io_request& request, Act act) {
    return coro::sync_wait(this->runtime(), run_and(this->runtime(), request, act));
  }
};

using real_worlds = testing::Types<uring_world, thread_world>;
TYPED_TEST_SUITE(stream_suite, real_worlds);

TYPED_TEST(stream_suite, PipeReadCanBeCancelledAndLeavesItsBufferAlone) {
  const pipe_pair pipe;
  std::string buffer(8, '?');
  EXPECT_EQ(this->stop(read_request(pipe.out(), buffer, coro::no_offset)), -ECANCELED);
  pipe.put("late");
  EXPECT_EQ(buffer, "????????");
}

TYPED_TEST(stream_suite, WriteToAFullPipeCanBeCancelled) {
  const pipe_pair pipe;
  pipe.fill();
  EXPECT_EQ(this->stop(write_request(pipe.in(), "more", coro::no_offset)), -ECANCELED);
}

TYPED_TEST(stream_suite, NonBlockingPipeReadCanBeCancelled) {
  const pipe_pair pipe(O_NONBLOCK);
  std::string buffer(8, '?');
  EXPECT_EQ(this->stop(read_request(pipe.out(), buffer, coro::no_offset)), -ECANCELED);
}

TYPED_TEST(stream_suite, NonBlockingPipeReadWaitsForBytes) {
  const pipe_pair pipe(O_NONBLOCK);
  std::string buffer(8, '?');
  const io_request request = read_request(pipe.out(), buffer, coro::no_offset);
  EXPECT_EQ(this->wait_and(request, [&] { pipe.put("hello"); }), 5);
  EXPECT_EQ(buffer, "hello???");
}

TYPED_TEST(stream_suite, NonBlockingWriteToAFullPipeWaitsForRoom) {
  const pipe_pair pipe(O_NONBLOCK);
  pipe.fill();
  const io_request request = write_request(pipe.in(), "more", coro::no_offset);
  EXPECT_EQ(this->wait_and(request, [&] { pipe.drain(); }), 4);
}

TYPED_TEST(stream_suite, ReadOfAClosedPipeIsTheEnd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[1]);
  const owned_fd out(ends[0]);
  std::string buffer(8, '?');
  EXPECT_EQ(this->wait(read_request(out.get(), buffer, coro::no_offset)), 0);
}

// A pseudo-terminal: what is put in comes out of read() as if typed.
class terminal {
 public:
  explicit terminal(int flags) : controller_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(::grantpt(controller_.get()), 0);
    EXPECT_EQ(::unlockpt(controller_.get()), 0);
    screen_.emplace(::open(::ptsname(controller_.get()), O_RDWR | O_NOCTTY | flags));
  }
  int fd() const noexcept { return screen_->get(); }
  void type(std::string_view line) const {
    EXPECT_EQ(::write(controller_.get(), line.data(), line.size()),
              static_cast<ssize_t>(line.size()));
  }

 private:
  owned_fd controller_;
  std::optional<owned_fd> screen_;
};

TYPED_TEST(stream_suite, TerminalReadCanBeCancelled) {
  const terminal typed(0);
  std::string buffer(8, '?');
  EXPECT_EQ(this->stop(read_request(typed.fd(), buffer, coro::no_offset)), -ECANCELED);
}

TYPED_TEST(stream_suite, NonBlockingTerminalReadCanBeCancelled) {
  const terminal typed(O_NONBLOCK);
  std::string buffer(8, '?');
  EXPECT_EQ(this->stop(read_request(typed.fd(), buffer, coro::no_offset)), -ECANCELED);
}

TYPED_TEST(stream_suite, NonBlockingTerminalReadWaitsForALine) {
  const terminal typed(O_NONBLOCK);
  std::string buffer(8, '?');
  const io_request request = read_request(typed.fd(), buffer, coro::no_offset);
  EXPECT_EQ(this->wait_and(request, [&] { typed.type("line\n"); }), 5);
}

// inotify has no non-blocking read inside the kernel, as terminals had none for long: older kernels
// answer EAGAIN for a non-blocking descriptor and park a worker in the read for a blocking one.
TYPED_TEST(stream_suite, NonBlockingReadThatTheKernelCannotRetryWaits) {
  const owned_fd changes(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(this->directory());
  ASSERT_GE(::inotify_add_watch(changes.get(), path.c_str(), IN_CREATE), 0);
  std::string buffer(1024, '?');
  const io_request request = read_request(changes.get(), buffer, coro::no_offset);
  const auto create = [&] { EXPECT_EQ(::mkdirat(this->directory(), "new", 0755), 0); };
  EXPECT_GT(this->wait_and(request, create), 0);
}

TYPED_TEST(stream_suite, ReadThatHoldsAKernelWorkerCanBeCancelled) {
  for (const int flags : {0, int{IN_NONBLOCK}}) {
    const owned_fd changes(::inotify_init1(flags | IN_CLOEXEC));
    std::string buffer(1024, '?');
    EXPECT_EQ(this->stop(read_request(changes.get(), buffer, coro::no_offset)), -ECANCELED);
  }
}

TYPED_TEST(stream_suite, RegularFileWithoutOffsetGoesOnAtItsPosition) {
  const int fd = this->open_file("a");
  EXPECT_EQ(this->write(fd, "one", coro::no_offset), 3);
  EXPECT_EQ(this->write(fd, "two", coro::no_offset), 3);
  EXPECT_EQ(this->read(fd, 6, 0), "onetwo");
  EXPECT_EQ(this->read(fd, 6, coro::no_offset), "");
  this->close_file(fd);
}

TYPED_TEST(stream_suite, ManyWaitingStreamsLeaveRoomForFiles) {
  const pipe_pair pipe;
  std::deque<std::string> buffers(20, std::string(1, '?'));
  std::vector<std::int64_t> outcomes(buffers.size(), 1);
  coro::stop_source source;
  coro::scope readers(this->runtime().queue());
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const io_request request = read_request(pipe.out(), buffers[i], coro::no_offset);
    readers.spawn(run_into(this->io(), request, coro::stop_token(source), outcomes[i]));
  }
  const int fd = this->open_file("a");
  EXPECT_EQ(this->write(fd, "not starved", 0), 11);
  this->close_file(fd);
  source.request_stop();
  coro::sync_wait(this->runtime(), readers.join());
  for (const std::int64_t outcome : outcomes) EXPECT_EQ(outcome, -ECANCELED);
}

TYPED_TEST(stream_suite, FullDeviceBreaksTheChainWithEnospc) {
  const owned_fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const int fd = this->open_file("a");
  const coro::linked_results both =
      this->wait_linked(write_request(full.get(), "x", 0), make_request(io_kind::data_sync, fd));
  EXPECT_EQ(both.first, -ENOSPC);
  EXPECT_EQ(both.second, -ECANCELED);
  this->close_file(fd);
}

// A limit on file sizes cuts a write short without a failure: the linked sync must not run.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limited = before_;
    limited.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TYPED_TEST(stream_suite, ShortWriteCancelsTheLinkedSync) {
  const int fd = this->open_file("a");
  const std::string content(8192, 'c');
  coro::linked_results both;
  {
    const file_size_limit limited(6000);
    both = this->wait_linked(write_request(fd, content, 0), make_request(io_kind::data_sync, fd));
  }
  EXPECT_EQ(both.first, 6000);
  EXPECT_EQ(both.second, -ECANCELED);
  this->close_file(fd);
}

TYPED_TEST(stream_suite, OpenedDescriptorsDoNotLeakIntoChildren) {
  const int fd = this->open_file("a");
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  this->close_file(fd);
}

TYPED_TEST(stream_suite, NameInADirectoryIsNotFollowedOutOfIt) {
  ASSERT_EQ(::symlinkat("/dev/null", this->directory(), "link"), 0);
  io_request request = open_request(this->directory(), "link");
  request.flags = O_RDONLY;
  EXPECT_EQ(this->wait(request), -ELOOP);
}

}  // namespace
}  // namespace lentic::test
