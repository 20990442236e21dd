// SPDX-License-Identifier: Apache-2.0
// What only the ring engine can get wrong: full queues, torn chains, the backlog, its setup modes.

#include "io_engine_suite.hpp"
#include "real_world.hpp"

#include <algorithm>
#include <set>

#include <poll.h>

namespace lentic::test {
namespace {

class UringEngine : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* const why = why_no_uring(); why != nullptr) GTEST_SKIP() << why;
    make({});
  }

  void make(const coro::uring_options& options) {
    auto made = coro::uring_engine::create(queue_, options);
    ASSERT_TRUE(made);
    engine_ = std::move(*made);
  }
  void turn() {
    while (queue_.run_one()) {
    }
    engine_->flush();
  }
  // Sleeps on the event as a host does.
  void run_until_idle() {
    for (;;) {
      turn();
      if (engine_->idle() && queue_.empty()) return;
      if (!queue_.empty() || engine_->pending()) continue;
      pollfd event{engine_->event_fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&event, 1, -1), 1);
      engine_->clear_event();
    }
  }
  int open_file() { return ::openat(directory_.fd(), "a", O_RDWR | O_CREAT | O_CLOEXEC, 0644); }

  temporary_directory directory_;
  coro::run_queue queue_;
  std::unique_ptr<coro::uring_engine> engine_;
};

coro::task<void> run_pair(coro::io_engine& engine, io_request first, io_request second,
                          coro::linked_results& outcome) {
  outcome = co_await coro::linked_io_op(engine, first, second);
}

// Requests without coroutines: tests look at their results.
class silent_chain {
 public:
  explicit silent_chain(std::vector<io_request> requests) : requests_(std::move(requests)) {
    for (io_request& request : requests_) {
      request.waiter = std::noop_coroutine();
      pointers_.push_back(&request);
    }
  }
  void start(coro::io_engine& engine) { engine.start_linked(pointers_); }
  void start_each(coro::io_engine& engine) {
    for (io_request* const request : pointers_) engine.start(*request);
  }
  io_request& operator[](std::size_t index) { return requests_[index]; }

 private:
  std::vector<io_request> requests_;
  std::vector<io_request*> pointers_;
};

coro::uring_options tiny() {
  coro::uring_options options;
  options.entries = 4;
  options.completions = 8;
  return options;
}

TEST_F(UringEngine, LendsBuffersUntilNoneIsLeft) {
  const int fd = open_file();
  ASSERT_EQ(::ftruncate(fd, 300), 0);
  EXPECT_EQ(engine_->lend(4097), nullptr);
  std::vector<std::byte*> lent;
  while (std::byte* const slot = engine_->lend(4096)) {
    std::fill_n(slot, 4096, std::byte{1});
    lent.push_back(slot);
  }
  ASSERT_EQ(lent.size(), 256U);
  EXPECT_EQ(std::set<std::byte*>(lent.begin(), lent.end()).size(), lent.size());
  std::vector<io_request> requests;
  for (std::byte* const slot : lent) {
    requests.push_back(make_request(io_kind::read, fd));
    requests.back().data = slot;
    requests.back().bytes = 4096;
    requests.back().offset = 0;
  }
  silent_chain reads(std::move(requests));
  reads.start_each(*engine_);
  run_until_idle();
  for (std::size_t i = 0; i < lent.size(); ++i) {
    EXPECT_EQ(reads[i].result, 300);
    EXPECT_EQ(lent[i][299], std::byte{0});
    EXPECT_EQ(lent[i][300], std::byte{1});
  }
  engine_->take_back(lent[7]);
  EXPECT_EQ(engine_->lend(1), lent[7]);
  EXPECT_EQ(engine_->lend(1), nullptr);
  {
    const coro::io_buffer own(*engine_, 10);
    EXPECT_FALSE(own.is_lent());
  }
  for (std::byte* const slot : lent) engine_->take_back(slot);
  const coro::io_buffer again(*engine_, 10);
  EXPECT_TRUE(again.is_lent());
  ::close(fd);
}

TEST_F(UringEngine, OperationsInFlightNeverPassTheCompletionQueue) {
  make(tiny());
  const int fd = open_file();
  coro::scope writers(queue_);
  std::vector<std::int64_t> outcomes(500, 0);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const io_request request = write_request(fd, "x", i);
    writers.spawn(run_into(*engine_, request, writers.token(), outcomes[i]));
  }
  while (!engine_->idle()) {
    turn();
    ASSERT_LE(engine_->in_flight(), 8U);
  }
  run_until_idle();
  EXPECT_EQ(writers.live(), 0U);
  for (const std::int64_t outcome : outcomes) EXPECT_EQ(outcome, 1);
  ::close(fd);
}

TEST_F(UringEngine, ChainsStayWholeWhenTheQueueIsAlmostFull) {
  make(tiny());
  const int fd = open_file();
  coro::scope writers(queue_);
  std::vector<coro::linked_results> outcomes(100);
  silent_chain single({make_request(io_kind::nop, -1)});
  single.start(*engine_);  // so that a pair meets the end of the queue
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const bool fails = i % 3 == 0;
    const io_request write = write_request(fails ? -1 : fd, "x", i);
    writers.spawn(run_pair(*engine_, write, make_request(io_kind::data_sync, fd), outcomes[i]));
  }
  run_until_idle();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].first, i % 3 == 0 ? -EBADF : 1);
    EXPECT_EQ(outcomes[i].second, i % 3 == 0 ? -ECANCELED : 0);
  }
  ::close(fd);
}

TEST_F(UringEngine, ChainThatTheKernelRejectsInsideEndsThere) {
  coro::uring_options options;
  options.mode = coro::uring_mode::plain;  // without SUBMIT_ALL the kernel may stop there
  make(options);
  const int fd = open_file();
  silent_chain chain({make_request(io_kind::nop, -1), open_request(AT_FDCWD, nullptr),
                      write_request(fd, "never", 0)});
  silent_chain other({write_request(fd, "ok", 0)});
  chain.start(*engine_);
  other.start(*engine_);
  run_until_idle();
  EXPECT_LT(chain[1].result, 0);
  EXPECT_EQ(chain[2].result, -ECANCELED);
  EXPECT_EQ(other[0].result, 2);
  ::close(fd);
}

TEST_F(UringEngine, CancelInTheBacklogEndsTheRequestAndWhatIsLinkedBehindIt) {
  silent_chain before({make_request(io_kind::nop, -1)});
  silent_chain chain({make_request(io_kind::nop, -1), make_request(io_kind::nop, -1),
                      make_request(io_kind::nop, -1)});
  silent_chain after({make_request(io_kind::nop, -1)});
  before.start(*engine_);
  chain.start(*engine_);
  after.start(*engine_);
  engine_->cancel(chain[1]);
  EXPECT_EQ(chain[0].state, coro::io_state::started);
  EXPECT_EQ(chain[1].result, -ECANCELED);
  EXPECT_EQ(chain[2].result, -ECANCELED);
  run_until_idle();
  EXPECT_EQ(before[0].result, 0);
  EXPECT_EQ(chain[0].result, 0);
  EXPECT_EQ(after[0].result, 0);
}

TEST_F(UringEngine, CancelOfTheOnlyRequestEmptiesTheBacklog) {
  silent_chain only({make_request(io_kind::nop, -1)});
  only.start(*engine_);
  engine_->cancel(only[0]);
  EXPECT_TRUE(engine_->idle());
  silent_chain next({make_request(io_kind::nop, -1)});
  next.start(*engine_);
  run_until_idle();
  EXPECT_EQ(next[0].result, 0);
}

TEST_F(UringEngine, CancelsOutnumberTheSubmissionQueue) {
  make(tiny());
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::string buffer(1, '?');
  std::vector<io_request> requests(8, read_request(ends[0], buffer, coro::no_offset));
  for (io_request& request : requests) {
    request.waiter = std::noop_coroutine();
    engine_->start(request);
  }
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(engine_->in_flight(), 8U);
  for (io_request& request : requests) engine_->cancel(request);
  run_until_idle();
  for (const io_request& request : requests) EXPECT_EQ(request.result, -ECANCELED);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(UringEngine, WorksInEverySetupMode) {
  for (const auto mode :
       {coro::uring_mode::deferred, coro::uring_mode::cooperative, coro::uring_mode::plain}) {
    coro::uring_options options;
    options.mode = mode;
    make(options);
    const int fd = open_file();
    silent_chain commit({write_request(fd, "frame", 0), make_request(io_kind::data_sync, fd)});
    commit.start(*engine_);
    engine_->mute();
    engine_->flush();
    engine_->unmute();
    run_until_idle();
    EXPECT_EQ(commit[0].result, 5);
    EXPECT_EQ(commit[1].result, 0);
    ::close(fd);
  }
}

TEST_F(UringEngine, FlushNeverResumesAnybody) {
  std::int64_t outcome = 1;
  coro::scope running(queue_);
  running.spawn(run_into(*engine_, make_request(io_kind::nop, -1), running.token(), outcome));
  engine_->flush();
  EXPECT_EQ(outcome, 1);
  run_until_idle();
  EXPECT_EQ(outcome, 0);
}

}  // namespace
}  // namespace lentic::test
