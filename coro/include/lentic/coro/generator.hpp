// SPDX-License-Identifier: Apache-2.0
#pragma once

// generator<T>: values one by one, on demand, from a coroutine that yields and never awaits.
//
//   generator<std::uint64_t> starts(...) { for (...) co_yield start; }
//   for (const std::uint64_t each : starts(...)) ...
//
// A single-pass input range for std::ranges and range-v3. It is move-only: name it, and pipe the
// lvalue into a view. The reference that an iterator answers is valid until the next ++.
// Errors: what the body throws comes out of begin() or ++; the range has then ended.
// Cost: one pooled frame. Threads: any one at a time. Yield a named value when it is an aggregate
// with members that own something (g++ 12 destroys a temporary twice).
// Not promised: begin() twice; co_await inside does not compile.

#include <lentic/coro/frame_pool.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace lentic::coro {

template <class T>
class [[nodiscard]] generator {
 public:
  static_assert(std::is_object_v<T>, "a generator yields values and answers references to them");

  struct promise_type : pooled_frame {
    const T* current = nullptr;
    std::exception_ptr error;

    generator get_return_object() noexcept {
      return generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    // A temporary lives in the frame until the body goes on.
    std::suspend_always yield_value(const T& value) noexcept {
      current = std::addressof(value);
      return {};
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
    template <class Awaitable>
    void await_transform(Awaitable&&) = delete;
  };

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = const T&;
    using pointer = const T*;

    iterator() noexcept = default;
    reference operator*() const noexcept { return *handle_.promise().current; }
    pointer operator->() const noexcept { return handle_.promise().current; }
    iterator& operator++() {
      advance(handle_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept {
      return !at.handle_ || at.handle_.done();
    }

   private:
    friend class generator;
    explicit iterator(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_{};
  };

  generator(generator&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    generator moved(std::move(other));
    std::swap(handle_, moved.handle_);
    return *this;
  }
  ~generator() {
    if (handle_) handle_.destroy();
  }

  // Runs the body to its first value. Once.
  iterator begin() {
    if (handle_) advance(handle_);
    return iterator(handle_);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  explicit generator(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  static void advance(std::coroutine_handle<promise_type> handle) {
    handle.resume();
    if (std::exception_ptr error = std::exchange(handle.promise().error, nullptr)) {
      std::rethrow_exception(std::move(error));
    }
  }

  std::coroutine_handle<promise_type> handle_;
};

}  // namespace lentic::coro
