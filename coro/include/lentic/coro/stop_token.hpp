// SPDX-License-Identifier: Apache-2.0
#pragma once

// Cooperative cancellation inside one thread: a stop_source asks, operations that hold its
// stop_token hear of it through a stop_callback. File writes ignore it (they cannot be stopped).
//
// Threads: one thread; no atomics. A request from a signal handler or another thread must be posted
// to the owner first.
// Lifetime: a source outlives its tokens and callbacks. Callbacks run inside request_stop(), newest
// first; each runs at most once.

#include <cassert>
#include <system_error>
#include <utility>

namespace lentic::coro {

class stop_callback;

// What an operation that was stopped throws: ECANCELED, equal to std::errc::operation_canceled.
inline std::error_code aborted_code() noexcept {
  return {static_cast<int>(std::errc::operation_canceled), std::system_category()};
}

class stop_source {
 public:
  stop_source() = default;
  stop_source(const stop_source&) = delete;
  stop_source& operator=(const stop_source&) = delete;
  ~stop_source() { assert(first_ == nullptr && "a stop_callback outlived its source"); }

  bool stop_requested() const noexcept { return requested_; }
  // Runs the callbacks. Later calls do nothing.
  void request_stop();

 private:
  friend class stop_callback;
  bool requested_ = false;
  stop_callback* first_ = nullptr;
};

// A default-constructed token never stops.
class stop_token {
 public:
  stop_token() = default;
  explicit stop_token(stop_source& source) noexcept : source_(&source) {}

  bool stop_possible() const noexcept { return source_ != nullptr; }
  bool stop_requested() const noexcept { return source_ != nullptr && source_->stop_requested(); }

 private:
  friend class stop_callback;
  stop_source* source_ = nullptr;
};

// Calls `function(argument)` when the token's source is asked to stop; at once if it was already.
class stop_callback {
 public:
  using function_type = void (*)(void* argument) noexcept;

  stop_callback(stop_token token, function_type function, void* argument)
      : function_(function), argument_(argument) {
    if (token.source_ == nullptr) return;
    if (token.source_->requested_) {
      function_(argument_);
      return;
    }
    source_ = token.source_;
    next_ = source_->first_;
    if (next_ != nullptr) next_->link_ = &next_;
    link_ = &source_->first_;
    source_->first_ = this;
  }
  stop_callback(const stop_callback&) = delete;
  stop_callback& operator=(const stop_callback&) = delete;
  ~stop_callback() { unlink(); }

 private:
  friend class stop_source;

  void unlink() noexcept {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
  }

  function_type function_;
  void* argument_;
  stop_source* source_ = nullptr;
  stop_callback* next_ = nullptr;
  stop_callback** link_ = nullptr;  // what points at this one; null when not listed
};

inline void stop_source::request_stop() {
  requested_ = true;
  while (stop_callback* const callback = first_) {
    callback->unlink();
    callback->function_(callback->argument_);
  }
}

}  // namespace lentic::coro
