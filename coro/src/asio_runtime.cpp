// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/asio_waiters.hpp>
#include <lentic/coro/frame_pool.hpp>
#include <lentic/coro/hosted_engine.hpp>
#include <lentic/coro/thread_engine.hpp>
#include <lentic/coro/uring_engine.hpp>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>

namespace lentic::coro {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::size_t resumes_per_turn_max = 256;
constexpr int rounds_per_turn_max = 16;
constexpr unsigned turns_per_poll = 16;

std::int64_t steady_ms() noexcept {
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::unique_ptr<hosted_engine> make_engine(run_queue& queue, const asio_runtime_options& options) {
  if (options.engine != engine_choice::threads) {
    auto ring = uring_engine::create(queue);
    if (ring) return std::move(*ring);
    if (options.engine == engine_choice::uring) throw std::system_error(ring.error(), "io_uring");
    if (options.log) {
      options.log("io_uring is refused (" + ring.error().message() + "): I/O runs on threads");
    }
  }
  return std::make_unique<thread_engine>(queue);
}

// splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
class random_source {
 public:
  random_source() {
    std::random_device device;
    state_ = (std::uint64_t{device()} << 32U) | device();
  }
  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace

// Everything behind the runtime. Handlers in the io_context hold it weakly: one that comes late,
// after the runtime has gone, finds nobody and does nothing.
class asio_runtime::host : public std::enable_shared_from_this<host> {
 public:
  host(asio::io_context& context, run_queue& queue, const asio_runtime_options& options)
      : context_(&context),
        queue_(&queue),
        waiters_(&asio::use_service<detail::asio_waiters>(context)),
        engine_(make_engine(queue, options)),
        alarm_(context),
        event_(context, engine_->event_fd()) {
    const auto wake = [](void* self) noexcept { static_cast<host*>(self)->schedule(); };
    queue.on_first_push(wake, this);
    engine_->on_pending(wake, this);
  }
  host(const host&) = delete;
  host& operator=(const host&) = delete;
  ~host() {
    assert(timers_.empty() && "a runtime was destroyed under a pending timer");
    queue_->on_first_push(nullptr, nullptr);
    event_.release();  // the descriptor is the engine's
  }

  hosted_engine& engine() noexcept { return *engine_; }
  asio::io_context& context() noexcept { return *context_; }
  std::uint64_t random() noexcept { return random_.next(); }
  bool turn();
  void start_timer(timer_request& request);
  void cancel_timer(timer_request& request) noexcept;
  void post(std::function<void()> work);

 private:
  // Marks that somebody drives the runtime now, so that what becomes ready needs no handler. At the
  // end makes sure that whatever is left will be driven by the io_context if turn() is not called.
  class driving {
   public:
    explicit driving(host& driven) noexcept : host_(&driven) { host_->inside_ = true; }
    driving(const driving&) = delete;
    driving& operator=(const driving&) = delete;
    ~driving() {
      host_->inside_ = false;
      if (host_->busy() || !host_->armed()) host_->schedule();
    }

   private:
    host* host_;
  };

  bool busy() const noexcept { return !queue_->empty() || engine_->pending(); }
  std::size_t work();
  bool wait();
  bool turn_inside();
  void drive();
  void unmute();
  void schedule() noexcept;
  void fire_timers();
  std::optional<std::int64_t> first_deadline() const noexcept;
  bool armed() const noexcept;
  void arm();
  void arm_event();
  void arm_alarm();

  asio::io_context* context_;
  run_queue* queue_;
  detail::asio_waiters* waiters_;
  std::unique_ptr<hosted_engine> engine_;
  asio::steady_timer alarm_;
  random_source random_;
  std::multimap<std::int64_t, timer_request*> timers_;
  std::optional<std::int64_t> alarm_ms_;  // for which deadline alarm_ waits
  unsigned alarm_generation_ = 0;         // handlers of an earlier wait are stale
  unsigned event_generation_ = 0;
  unsigned turns_ = 0;
  bool inside_ = false;
  bool scheduled_ = false;  // drive() is posted
  bool listening_ = false;  // event_ waits
  bool muted_ = false;
  // Last, because the descriptor is the engine's: no member after it may throw, which would have
  // both close it.
  asio::posix::stream_descriptor event_;
};

bool asio_runtime::host::turn() {
  assert(!inside_ && "turn() was called from a coroutine or a handler of its own");
  if (waiters_->any()) return turn_inside();
  const driving marked(*this);
  if (work() == 0 && !busy()) {
    const bool happened = wait();
    if (busy() && !waiters_->any()) work();  // else stays unmuted: the next turn can sleep on
    return happened;
  }
  if (++turns_ % turns_per_poll == 0) {
    if (context_->stopped()) context_->restart();
    context_->poll();
  }
  return true;
}

// Whatever is ready or under way has a handler already, for an application that calls run()
// instead.
bool asio_runtime::host::turn_inside() {
  if (context_->stopped()) context_->restart();
  return context_->run_one() != 0;
}

// Runs coroutines and reaps in turns, within bounds; how many were resumed.
std::size_t asio_runtime::host::work() {
  engine_->mute();
  muted_ = true;
  std::size_t resumed = 0;
  for (int round = 0; round < rounds_per_turn_max && resumed < resumes_per_turn_max; ++round) {
    fire_timers();
    resumed += queue_->run_present(resumes_per_turn_max - resumed);
    engine_->flush();
    if (!busy()) break;
  }
  return resumed;
}

// Sleeps in the io_context until a handler has run. False when it has no work left.
bool asio_runtime::host::wait() {
  unmute();
  if (!queue_->empty()) return true;
  arm();
  if (context_->stopped()) context_->restart();
  const bool happened = context_->run_one() != 0;
  if (context_->stopped()) context_->restart();  // out of work, so that run() works afterwards
  engine_->flush();
  fire_timers();
  return happened || busy();
}

// The handler's turn, when the application runs the io_context.
void asio_runtime::host::drive() {
  if (inside_) return;
  const driving marked(*this);
  work();
  unmute();
  if (!busy()) arm();
}

// The look after the unmuting finds what finished just before it.
void asio_runtime::host::unmute() {
  engine_->unmute();
  muted_ = false;
  engine_->flush();
}

void asio_runtime::host::schedule() noexcept {
  if (inside_ || scheduled_) return;
  scheduled_ = true;
  asio::post(*context_, [weak = weak_from_this()] {
    const std::shared_ptr<host> self = weak.lock();
    if (!self) return;
    self->scheduled_ = false;
    self->drive();
  });
}

void asio_runtime::host::post(std::function<void()> work) {
  asio::post(*context_, [weak = weak_from_this(), posted = std::move(work)] {
    if (!weak.expired()) posted();  // the host is destroyed on this thread only
  });
}

void asio_runtime::host::start_timer(timer_request& request) {
  timers_.emplace(request.deadline_ms, &request);
  request.pending = true;
  schedule();
}

void asio_runtime::host::cancel_timer(timer_request& request) noexcept {
  const auto [first, last] = timers_.equal_range(request.deadline_ms);
  const auto found =
      std::find_if(first, last, [&](const auto& each) { return each.second == &request; });
  assert(found != last && "the timer is not pending");
  timers_.erase(found);
  request.pending = false;
  queue_->push(request);
}

void asio_runtime::host::fire_timers() {
  if (timers_.empty()) return;
  const std::int64_t now = steady_ms();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    timer_request& due = *timers_.begin()->second;
    timers_.erase(timers_.begin());
    due.pending = false;
    queue_->push(due);
  }
}

std::optional<std::int64_t> asio_runtime::host::first_deadline() const noexcept {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

bool asio_runtime::host::armed() const noexcept {
  const bool event_armed = engine_->idle() ? !listening_ : listening_ && !muted_;
  return event_armed && alarm_ms_ == first_deadline();
}

void asio_runtime::host::arm() {
  arm_event();
  arm_alarm();
}

// The wait counts as work of the io_context, so it stands only while an operation is in flight.
void asio_runtime::host::arm_event() {
  if (engine_->idle()) {
    if (std::exchange(listening_, false)) event_.cancel();
    return;
  }
  if (std::exchange(listening_, true)) return;
  const unsigned generation = ++event_generation_;
  const auto heard = [weak = weak_from_this(), generation](std::error_code) {
    const std::shared_ptr<host> self = weak.lock();
    if (!self || self->event_generation_ != generation) return;
    self->listening_ = false;
    self->engine_->clear_event();
    self->drive();
  };
  event_.async_wait(asio::posix::stream_descriptor::wait_read, heard);
}

void asio_runtime::host::arm_alarm() {
  const std::optional<std::int64_t> wanted = first_deadline();
  if (alarm_ms_ == wanted) return;
  alarm_ms_ = wanted;
  const unsigned generation = ++alarm_generation_;
  if (!wanted) {
    alarm_.cancel();
    return;
  }
  // A deadline in the far future would overflow the clock's nanoseconds: wake once a day instead.
  constexpr std::int64_t day_ms = 86'400'000;
  const std::int64_t wake_ms = std::min(*wanted, steady_ms() + day_ms);
  alarm_.expires_at(steady_clock::time_point(milliseconds(wake_ms)));
  alarm_.async_wait([weak = weak_from_this(), generation](std::error_code) {
    const std::shared_ptr<host> self = weak.lock();
    if (!self || self->alarm_generation_ != generation) return;
    self->alarm_ms_.reset();
    self->drive();
  });
}

asio_runtime::asio_runtime(asio::io_context& context, const asio_runtime_options& options)
    : host_(std::make_shared<host>(context, queue_, options)) {}

// A thread usually ends after its runtime, and its idle frames would be lost with it.
asio_runtime::~asio_runtime() {
  try {
    while (open_ends() != 0 && turn()) {
    }
  } catch (...) {  // a handler of the application; nobody is left to hear it
  }
  host_.reset();
  frame_pool::drain();
}

asio_runtime::executor_type asio_runtime::get_executor() noexcept {
  return host_->context().get_executor();
}

io_engine& asio_runtime::io() noexcept {
  return host_->engine();
}

std::int64_t asio_runtime::now_ms() noexcept {
  return steady_ms();
}

std::int64_t asio_runtime::wall_ms() noexcept {
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::uint64_t asio_runtime::random() noexcept {
  return host_->random();
}

void asio_runtime::start_timer(timer_request& request) {
  host_->start_timer(request);
}

void asio_runtime::cancel_timer(timer_request& request) noexcept {
  host_->cancel_timer(request);
}

void asio_runtime::post(std::function<void()> work) {
  host_->post(std::move(work));
}

bool asio_runtime::turn() {
  return host_->turn();
}

}  // namespace lentic::coro
