// SPDX-License-Identifier: Apache-2.0
#pragma once

// sync_wait(runtime, task): runs the runtime on this thread until the task has finished; returns
// its value or throws its error. For main(), tests and tools; never inside a coroutine.
// Throws std::logic_error when the task waits for something that nothing under way can bring; the
// task then stays suspended, and goes on, unheard, should somebody wake it after all.

#include <lentic/coro/maybe_ready.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/task.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace lentic::coro {

namespace detail {

template <class T>
struct sync_slot {
  bool done = false;
  std::exception_ptr error;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
};

// Shares the slot: after a std::logic_error the waiter is gone and the task may still finish.
template <class T>
detached drive(task<T> work, std::shared_ptr<sync_slot<T>> slot) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
    } else {
      T value = co_await std::move(work);
      slot->value.emplace(std::move(value));
    }
  } catch (...) {  // a spawn boundary: sync_wait rethrows it
    slot->error = std::current_exception();
  }
  slot->done = true;
}

// Shares nothing: the task owns what it ends.
inline detached run_end(runtime& owner, task<void> end) {
  const open_end mark(owner);
  try {
    co_await std::move(end);
  } catch (...) {  // a spawn boundary: by contract nobody is left to hear it
  }
}

}  // namespace detail

// Runs `end`, what is left to do for an object that was dropped without being closed. Its errors
// are lost: it tells its log. It is one of owner.open_ends() until it is over.
inline void end_later(runtime& owner, task<void> end) {
  detail::run_end(owner, std::move(end));
}

template <class T>
T sync_wait(runtime& owner, task<T> work) {
  const auto slot = std::make_shared<detail::sync_slot<T>>();
  detail::drive(std::move(work), slot);
  while (!slot->done) {
    if (!owner.turn() && !slot->done) throw std::logic_error("sync_wait: the task waits for ever");
  }
  while (owner.open_ends() != 0 && owner.turn()) {
  }
  if (slot->error) std::rethrow_exception(slot->error);
  if constexpr (!std::is_void_v<T>) return std::move(*slot->value);
}

template <class T>
T sync_wait(runtime& owner, maybe_ready<T> work) {
  return sync_wait(owner, std::move(work).into_task());
}

}  // namespace lentic::coro
