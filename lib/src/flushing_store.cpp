// SPDX-License-Identifier: Apache-2.0
#include "flushing_store.hpp"

#include <cassert>

namespace lentic::detail {

flushing_store::~flushing_store() {
  assert(!running_ && "a caching_store was destroyed during a flush");
}

void flushing_store::begin() noexcept {
  assert(!running_);
  running_ = true;
  if (memory_ != nullptr) reserve_.emplace(*memory_);
  begin_run();
}

void flushing_store::end() noexcept {
  if (state_ == flight_state::started) {
    unpick();
    state_ = flight_state::none;
  }
  end_run();
  bound_.reset();
  running_ = false;
  pulling_ = false;
  reserve_.reset();
  idle_.wake_all();
}

maybe_ready<void> flushing_store::tell() {
  const auto old_value =
      options_.send_old_values ? flight_.old_value.view() : std::optional<bytes_view>();
  told_.emplace(flight_.key, old_value, flight_.new_value.view(), flight_.context);
  if (!pulling_ && options_.listener != nullptr) return options_.listener->on_change(*told_);
  drained_.emplace_back(*told_);
  return {};
}

maybe_ready<flushing_store::outcome> flushing_store::unit(const coro::stop_token& stop) {
  if (stop.stop_requested()) return outcome::end;
  if (state_ == flight_state::none) {
    if (!pick()) return outcome::end;
    state_ = flight_state::started;
    maybe_ready<bool> landing = land();
    if (!landing.ready()) return unit_cold(std::move(landing));
    const bool changed = landing.take();
    state_ = changed ? flight_state::landed : flight_state::none;
    if (!changed) return outcome::skipped;
  }
  maybe_ready<void> telling = tell();
  if (!telling.ready()) return told_cold(std::move(telling));
  state_ = flight_state::none;
  return outcome::told;
}

task<flushing_store::outcome> flushing_store::unit_cold(maybe_ready<bool> landing) {
  const bool changed = co_await std::move(landing);
  state_ = changed ? flight_state::landed : flight_state::none;
  if (!changed) co_return outcome::skipped;
  co_await tell();
  state_ = flight_state::none;
  co_return outcome::told;
}

task<flushing_store::outcome> flushing_store::told_cold(maybe_ready<void> telling) {
  co_await std::move(telling);
  state_ = flight_state::none;
  co_return outcome::told;
}

maybe_ready<std::uint64_t> flushing_store::run(coro::stop_token stop) {
  run_guard guard(*this);
  std::uint64_t count = 0;
  for (;;) {
    maybe_ready<outcome> done = unit(stop);
    if (!done.ready()) return run_cold(std::move(guard), stop, count, std::move(done));
    const outcome was = done.take();
    if (was == outcome::end) return count;
    if (was == outcome::told) ++count;
  }
}

// A parameter lives as long as the frame, and who awaits may keep that: the run has to end where
// the coroutine does.
task<std::uint64_t> flushing_store::run_cold(run_guard guard, coro::stop_token stop,
                                             std::uint64_t count, maybe_ready<outcome> pending) {
  const run_guard ended(std::move(guard));
  for (;;) {
    const outcome was = co_await std::move(pending);
    if (was == outcome::end) co_return count;
    if (was == outcome::told) ++count;
    pending = unit(stop);
  }
}

maybe_ready<std::uint64_t> flushing_store::flush(coro::stop_token stop) {
  if (running_) return flush_later(stop);
  if (is_settled()) return std::uint64_t{0};
  return run(stop);
}

task<std::uint64_t> flushing_store::flush_later(coro::stop_token stop) {
  while (running_) co_await idle_.wait();
  if (is_settled()) co_return std::uint64_t{0};
  co_return co_await run(stop);
}

task<std::vector<owned_change>> flushing_store::flush_with_old(coro::stop_token stop) {
  while (running_) co_await idle_.wait();
  if (!is_settled()) {
    pulling_ = true;
    co_await run(stop);
  }
  co_return std::exchange(drained_, std::vector<owned_change>());
}

maybe_ready<std::uint64_t> flushing_store::retire_below(bytes_view end) {
  if (running_) return retire_later(end);
  return retire(end);
}

maybe_ready<std::uint64_t> flushing_store::retire(bytes_view end) {
  bound_ = end;
  maybe_ready<std::uint64_t> done = run(coro::stop_token());
  if (!done.ready()) return retire_cold(end, std::move(done));
  forget_below(end);
  return done;
}

task<std::uint64_t> flushing_store::retire_cold(bytes_view end,
                                                maybe_ready<std::uint64_t> pending) {
  const std::uint64_t count = co_await std::move(pending);
  forget_below(end);
  co_return count;
}

task<std::uint64_t> flushing_store::retire_later(bytes_view end) {
  while (running_) co_await idle_.wait();
  co_return co_await retire(end);
}

std::uint64_t flushing_store::dirty_count() const noexcept {
  return unlanded_count() + (state_ == flight_state::landed ? 1 : 0);
}

}  // namespace lentic::detail
