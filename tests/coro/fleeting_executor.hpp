// SPDX-License-Identifier: Apache-2.0
#pragma once

// An executor as if of another thread that is always quicker: it runs a handler inside the post,
// and then its home is gone. What uses the home later is counted: in an io_context that its thread
// destroyed it would be a use after free.
// Threads: one. Lifetime: the home outlives its executors.

#include <asio/execution_context.hpp>

#include <type_traits>
#include <utility>

namespace lentic::test {

struct fleeting_home {
  asio::execution_context context;
  int outstanding = 0;
  int late = 0;  // uses after the end
  bool gone = false;
};

class fleeting_executor {
 public:
  explicit fleeting_executor(fleeting_home& home) noexcept : home_(&home) {}

  asio::execution_context& context() const noexcept { return home_->context; }
  void on_work_started() const noexcept { count(1); }
  void on_work_finished() const noexcept { count(-1); }
  template <class F, class Allocator>
  void dispatch(F&& f, const Allocator&) const {
    run(std::forward<F>(f));
  }
  template <class F, class Allocator>
  void post(F&& f, const Allocator&) const {
    run(std::forward<F>(f));
  }
  template <class F, class Allocator>
  void defer(F&& f, const Allocator&) const {
    run(std::forward<F>(f));
  }
  bool operator==(const fleeting_executor&) const noexcept = default;

 private:
  void count(int change) const noexcept {
    home_->outstanding += change;
    if (home_->gone) ++home_->late;
  }
  template <class F>
  void run(F&& f) const {
    {
      std::decay_t<F> work(std::forward<F>(f));
      work();
    }
    home_->gone = true;
  }

  fleeting_home* home_;
};

}  // namespace lentic::test
