// SPDX-License-Identifier: Apache-2.0
#pragma once

// async_mutex: one coroutine at a time, first come first served, across suspensions.
//
//   const async_mutex::guard held = co_await mutex.lock();
//
// The end of the guard hands the mutex to the oldest waiter, who resumes from the run queue, never
// inline; a newcomer cannot overtake it. An uncontended lock is ready.
// Cancellation: lock(stop) throws std::system_error(aborted_code()) when the token asks before the
// mutex was handed over; the mutex then goes to the next one.
// Threads: one. Lifetime: the mutex outlives guards and waiters. Not recursive.

#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/coro/wait_list.hpp>

#include <cassert>
#include <coroutine>
#include <optional>
#include <system_error>
#include <utility>

namespace lentic::coro {

class async_mutex {
 public:
  explicit async_mutex(run_queue& queue) noexcept : queue_(&queue) {}
  async_mutex(const async_mutex&) = delete;
  async_mutex& operator=(const async_mutex&) = delete;
  ~async_mutex() { assert(!locked_ && "an async_mutex was destroyed while it was locked"); }

  bool is_locked() const noexcept { return locked_; }

  class [[nodiscard("the mutex is free again when the guard ends")]] guard {
   public:
    guard(guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
      guard moved(std::move(other));
      std::swap(mutex_, moved.mutex_);
      return *this;
    }
    ~guard() {
      if (mutex_ != nullptr) mutex_->unlock();
    }

   private:
    friend class async_mutex;
    explicit guard(async_mutex& mutex) noexcept : mutex_(&mutex) {}
    async_mutex* mutex_;
  };

  class locker : wait_list::node {
   public:
    locker(async_mutex& mutex, stop_token stop) noexcept : mutex_(&mutex), stop_(stop) {}
    bool await_ready() noexcept {
      aborted_ = stop_.stop_requested();
      if (aborted_) return true;
      return !std::exchange(mutex_->locked_, true);
    }
    void await_suspend(std::coroutine_handle<> handle) {
      waiter = handle;
      mutex_->waiting_.append(*this);
      callback_.emplace(stop_, &locker::leave, this);
    }
    guard await_resume() {
      callback_.reset();
      if (aborted_) throw std::system_error(aborted_code(), "async_mutex");
      return guard(*mutex_);
    }

   private:
    static void leave(void* self) noexcept {
      locker& leaving = *static_cast<locker*>(self);
      if (leaving.list == nullptr) return;  // it owns the mutex, and has not resumed yet
      leaving.aborted_ = true;
      leaving.mutex_->waiting_.remove(leaving);
      leaving.mutex_->queue_->push(leaving);
    }

    async_mutex* mutex_;
    stop_token stop_;
    std::optional<stop_callback> callback_;
    bool aborted_ = false;
  };
  [[nodiscard("await it")]] locker lock(stop_token stop = {}) noexcept {
    return locker(*this, stop);
  }

 private:
  void unlock() noexcept {
    if (wait_list::node* const next = waiting_.take()) {
      queue_->push(*next);  // stays locked: it is theirs now
    } else {
      locked_ = false;
    }
  }

  run_queue* queue_;
  bool locked_ = false;
  wait_list waiting_;
};

}  // namespace lentic::coro
