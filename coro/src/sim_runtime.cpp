// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/sim_runtime.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace lentic::coro {

namespace {
constexpr std::uint64_t engine_salt = 0x656e67696e65U;  // engine and job must not share a stream
}

sim_runtime::sim_runtime(sim_disk& disk, std::uint64_t seed, sim_runtime_options options)
    : random_(seed),
      wall_start_ms_(options.wall_start_ms),
      engine_(queue_, disk, seed ^ engine_salt, options.faults, options.mutations) {}

sim_runtime::~sim_runtime() {
  while (open_ends() != 0 && turn()) {
  }
  assert(timers_.empty() && "a runtime died under a timer");
}

void sim_runtime::start_timer(timer_request& request) {
  request.pending = true;
  timers_.emplace(request.deadline_ms, &request);
}

void sim_runtime::cancel_timer(timer_request& request) noexcept {
  const auto [first, last] = timers_.equal_range(request.deadline_ms);
  const auto found =
      std::find_if(first, last, [&](const auto& timer) { return timer.second == &request; });
  if (found == last) return;
  timers_.erase(found);
  request.pending = false;
  queue_.push(request);
}

void sim_runtime::fire_timers() noexcept {
  while (!timers_.empty() && timers_.begin()->first <= now_ms()) {
    timer_request& due = *timers_.begin()->second;
    timers_.erase(timers_.begin());
    due.pending = false;
    queue_.push(due);
  }
}

void sim_runtime::advance_ms(std::int64_t duration) {
  assert(duration >= 0);
  now_us_ += duration * 1000;
  fire_timers();
}

void sim_runtime::post(std::function<void()> work) {
  assert(owner_ == std::this_thread::get_id() && "a simulation has one thread");
  posted_.push_back(std::move(work));
}

// What is there now, and none that it posts.
bool sim_runtime::run_posted() {
  std::deque<std::function<void()>> present;
  present.swap(posted_);
  for (const std::function<void()>& work : present) work();
  return !present.empty();
}

bool sim_runtime::turn() {
  const bool ran_posted = run_posted();
  const bool ran = queue_.run(resumes_per_turn) != 0 || ran_posted;
  if (engine_.step()) {
    now_us_ += static_cast<std::int64_t>(random_.below(200));
    fire_timers();
    return true;
  }
  if (ran || !queue_.empty() || !posted_.empty()) return true;
  if (timers_.empty()) return false;
  now_us_ = std::max(now_us_, timers_.begin()->first * 1000);
  fire_timers();
  return true;
}

}  // namespace lentic::coro
