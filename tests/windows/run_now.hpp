// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs a task to its end on a run queue of its own, and short forms for the tests of windows.
// Throws what the task throws. One thread.

#include <lentic/bytes.hpp>
#include <lentic/coro/run_queue.hpp>
#include <lentic/task.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lentic::windows::testing {

inline coro::run_queue& test_queue() {
  static coro::run_queue queue;
  return queue;
}

// Suspends once: the rest runs when run_now turns the queue.
class turn : coro::ready_node {
 public:
  turn() = default;
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    waiter = handle;
    test_queue().push(*this);
  }
  void await_resume() const noexcept {}
};

struct started {
  struct promise_type {
    started get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

template <class T>
struct outcome_slot {
  bool done = false;
  std::exception_ptr error;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
};

template <class T>
started start(task<T> work, outcome_slot<T>& slot) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
    } else {
      T value = co_await std::move(work);
      slot.value.emplace(std::move(value));
    }
  } catch (...) {  // a spawn boundary: run_now rethrows it
    slot.error = std::current_exception();
  }
  slot.done = true;
}

template <class T>
T run_now(task<T> work) {
  outcome_slot<T> slot;
  start(std::move(work), slot);
  while (!slot.done && test_queue().run_one()) {
  }
  EXPECT_TRUE(slot.done) << "the task waits for ever";
  if (slot.error) std::rethrow_exception(slot.error);
  if constexpr (!std::is_void_v<T>) return std::move(slot.value.value());
}

template <class T>
T run_now(maybe_ready<T> work) {
  return run_now(std::move(work).into_task());
}

inline std::string hex(bytes_view raw) {
  return to_hex(raw);
}

inline bytes from_hex(std::string_view text) {
  bytes raw;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    raw.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return raw;
}

}  // namespace lentic::windows::testing
