// SPDX-License-Identifier: Apache-2.0
#include "posix_operations.hpp"

#include <lentic/coro/thread_engine.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lentic::coro {

namespace {

constexpr std::size_t stream_write_bytes_max = 4096;  // PIPE_BUF of Linux

bool is_stream(const io_request& request) noexcept {
  const bool transfer = request.kind == io_kind::read || request.kind == io_kind::write;
  return transfer && request.offset == no_offset;
}

void signal_event(int fd) noexcept {
  const std::uint64_t one = 1;
  // EAGAIN means that the counter is full: the reader is awake anyway.
  [[maybe_unused]] const auto put = ::write(fd, &one, sizeof one);
}

bool is_regular_file(int fd) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// Signals belong to the application's threads.
class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;
  ~all_signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

class thread_engine::worker {
 public:
  explicit worker(thread_engine& engine) : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wake_fd_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    const all_signals_blocked masked;
    try {
      thread_ = std::thread([this, &engine] { engine.work(*this); });
    } catch (...) {
      ::close(wake_fd_);
      throw;
    }
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  // Precondition: the engine is stopping, so the thread ends.
  ~worker() {
    thread_.join();
    ::close(wake_fd_);
  }

  void interrupt() const noexcept { signal_event(wake_fd_); }

  // Waits until the stream of `request` is ready. False when it was interrupted first.
  bool wait_until_ready(const io_request& request) const noexcept {
    const short wanted = request.kind == io_kind::read ? POLLIN : POLLOUT;
    std::array<pollfd, 2> watched{pollfd{request.fd, wanted, 0}, pollfd{wake_fd_, POLLIN, 0}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
      if (errno != EINTR) return true;  // the operation itself will say what is wrong
    }
    if (watched[1].revents == 0) return true;
    std::uint64_t signals = 0;
    [[maybe_unused]] const auto got = ::read(wake_fd_, &signals, sizeof signals);
    return false;
  }

  const io_request* current = nullptr;  // guarded by the engine's mutex

 private:
  int wake_fd_;
  std::thread thread_;
};

void thread_engine::request_list::append(io_request& request) noexcept {
  request.engine_next = nullptr;
  if (first == nullptr) {
    first = &request;
  } else {
    last->engine_next = &request;
  }
  last = &request;
}

io_request* thread_engine::request_list::take() noexcept {
  io_request* const taken = first;
  if (taken == nullptr) return nullptr;
  first = std::exchange(taken->engine_next, nullptr);
  if (first == nullptr) last = nullptr;
  return taken;
}

thread_engine::thread_engine(run_queue& queue, std::size_t threads)
    : hosted_engine(queue), threads_(std::max<std::size_t>(threads, 1)) {
  add_worker();  // the others come with the work
}

thread_engine::~thread_engine() {
  assert(idle() && "an engine was destroyed under operations in flight");
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& each : workers_) each->interrupt();
  }
  work_arrived_.notify_all();
  workers_.clear();  // joins: every operation has ended, and so has every use of its buffer
}

void thread_engine::add_worker() {
  workers_.push_back(std::make_unique<worker>(*this));
}

void thread_engine::submit(std::span<io_request* const> chain) {
  assert(!chain.empty());
  const auto streams = static_cast<std::size_t>(
      std::count_if(chain.begin(), chain.end(), [](auto* each) { return is_stream(*each); }));
  // Streams may hold their workers for ever; `threads_` others stay free for files.
  const std::size_t wanted = std::min(in_flight_ + chain.size(), threads_ + streams_ + streams);
  while (workers_.size() < wanted) {
    const std::lock_guard lock(mutex_);  // workers_ is read by cancel() under it, too
    add_worker();
  }
  const bool was_idle = idle();
  in_flight_ += chain.size();
  streams_ += streams;
  {
    const std::lock_guard lock(mutex_);
    for (io_request* const request : chain) {
      request->engine_linked = request != chain.back();
      waiting_.append(*request);
    }
  }
  work_arrived_.notify_one();
  if (was_idle) tell_pending();
}

void thread_engine::cancel(io_request& request) {
  assert(request.state == io_state::started);
  const std::lock_guard lock(mutex_);
  if (std::exchange(request.cancel_asked, true)) return;
  request_list ended;
  if (remove_waiting(request, ended)) {
    while (io_request* const each = ended.take()) publish(*each, -ECANCELED);
    return;
  }
  for (const auto& each : workers_) {
    if (each->current == &request) each->interrupt();
  }
}

// Moves a request that no worker has begun, and what is linked behind it, to `ended`.
bool thread_engine::remove_waiting(io_request& request, request_list& ended) noexcept {
  io_request* before = nullptr;
  io_request* found = waiting_.first;
  while (found != nullptr && found != &request) before = std::exchange(found, found->engine_next);
  if (found == nullptr) return false;
  io_request* rest = found;
  for (bool linked = true; linked;) {
    io_request& each = *rest;
    linked = each.engine_linked;
    rest = each.engine_next;
    ended.append(each);
  }
  if (before != nullptr) {
    before->engine_linked = false;  // either it already was, or its successors have just ended
    before->engine_next = rest;
  } else {
    waiting_.first = rest;
  }
  if (rest == nullptr) waiting_.last = before;
  return true;
}

void thread_engine::work(worker& self) noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_arrived_.wait(lock, [this] { return waiting_.first != nullptr || stopping_; });
    io_request* const head = waiting_.take();
    if (head == nullptr) return;
    request_list chain;
    chain.append(*head);
    while (chain.last->engine_linked) chain.append(*waiting_.take());
    lock.unlock();
    run_chain(self, chain.first);
    lock.lock();
  }
}

// One worker runs a whole chain, in order; what follows a failure or a short transfer does not run.
void thread_engine::run_chain(worker& self, io_request* first) noexcept {
  bool broken = false;
  while (first != nullptr) {
    io_request& request = *first;
    first = request.engine_next;  // once published, the request may be gone
    std::int64_t outcome = -ECANCELED;
    if (!broken) outcome = run(self, request);
    broken = broken || detail::breaks_chain(request, outcome);
    const std::lock_guard lock(mutex_);
    publish(request, outcome);
  }
}

std::int64_t thread_engine::run(worker& self, const io_request& request) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (request.cancel_asked || stopping_) return -ECANCELED;
    self.current = &request;
  }
  const std::int64_t outcome =
      is_stream(request) ? run_stream(self, request) : detail::posix_execute(request);
  const std::lock_guard lock(mutex_);
  self.current = nullptr;  // from here on a late cancel() finds nobody to interrupt
  return outcome;
}

std::int64_t thread_engine::run_stream(const worker& self, const io_request& request) noexcept {
  io_request bounded;  // field by field: cancel() may write to the original meanwhile
  bounded.kind = request.kind;
  bounded.fd = request.fd;
  bounded.data = request.data;
  bounded.offset = no_offset;
  bounded.bytes = request.bytes;
  if (request.kind == io_kind::write && !is_regular_file(request.fd)) {
    bounded.bytes = std::min(bounded.bytes, stream_write_bytes_max);
  }
  for (;;) {
    if (!self.wait_until_ready(request)) {
      const std::lock_guard lock(mutex_);
      if (request.cancel_asked || stopping_) return -ECANCELED;
      continue;  // the signal was meant for an earlier operation
    }
    const std::int64_t outcome = detail::posix_execute(bounded);
    if (outcome != -EAGAIN && outcome != -EINTR) return outcome;
  }
}

// Precondition: mutex_ is held. The request may be gone as soon as it is released.
void thread_engine::publish(io_request& request, std::int64_t outcome) noexcept {
  const bool was_empty = finished_.first == nullptr;
  request.result = outcome;
  finished_.append(request);
  if (was_empty && !muted_) signal_event(event_fd());
}

void thread_engine::flush() {
  request_list finished;
  {
    const std::lock_guard lock(mutex_);
    finished = std::exchange(finished_, request_list());
  }
  while (io_request* const request = finished.take()) {
    --in_flight_;
    if (is_stream(*request)) --streams_;
    complete(*request, request->result);
  }
}

void thread_engine::mute() noexcept {
  const std::lock_guard lock(mutex_);
  muted_ = true;
}

void thread_engine::unmute() noexcept {
  const std::lock_guard lock(mutex_);
  muted_ = false;
  if (finished_.first != nullptr) signal_event(event_fd());
}

}  // namespace lentic::coro
