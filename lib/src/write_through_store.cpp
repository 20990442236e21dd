// SPDX-License-Identifier: Apache-2.0
#include "write_through_store.hpp"

#include <utility>

namespace lentic::detail {

task<void> write_through_store::wait_for_puts() {
  while (puts_under_way_ != 0) co_await puts_done_.wait();
}

maybe_ready<void> write_through_store::tell_all() {
  if (running()) return {};
  ++figures_.evictions;
  maybe_ready<std::uint64_t> done = run(coro::stop_token());
  if (!done.ready()) return tell_all_cold(std::move(done));
  return {};
}

task<void> write_through_store::tell_all_cold(maybe_ready<std::uint64_t> pending) {
  co_await std::move(pending);
}

maybe_ready<bool> write_through_store::settled(bool existed) {
  maybe_ready<void> done = settle();
  if (!done.ready()) return settled_cold(existed, std::move(done));
  return existed;
}

task<bool> write_through_store::settled_cold(bool existed, maybe_ready<void> pending) {
  co_await std::move(pending);
  co_return existed;
}

maybe_ready<void> write_through_store::clear() {
  if (running() || puts_under_way()) return clear_later();
  maybe_ready<void> done = inner_.clear();
  if (!done.ready()) return clear_cold(std::move(done));
  forget_all();
  return {};
}

task<void> write_through_store::clear_later() {
  co_await quiet();
  co_await inner_.clear();
  co_await quiet();
  forget_all();
}

task<void> write_through_store::clear_cold(maybe_ready<void> pending) {
  co_await std::move(pending);
  co_await quiet();
  forget_all();
}

// Waits until neither a flush nor a put is under way.
task<void> write_through_store::quiet() {
  while (running() || puts_under_way()) {
    while (running()) co_await idle().wait();
    co_await wait_for_puts();
  }
}

void write_through_store::forget_all() noexcept {
  forget_entries();
  forget_untaken();
}

}  // namespace lentic::detail
