// SPDX-License-Identifier: Apache-2.0
#pragma once

// A runtime with a run queue and nothing else: for tests of what needs no world. Its clock stands
// still, it has no engine, no timers and no posts; asking for them ends the test program.

#include <lentic/coro/runtime.hpp>

#include <cstdint>
#include <cstdlib>
#include <functional>

namespace lentic::test {

class bare_runtime final : public coro::runtime {
 public:
  coro::io_engine& io() noexcept override { std::abort(); }
  std::int64_t now_ms() noexcept override { return 0; }
  std::int64_t wall_ms() noexcept override { return 0; }
  std::uint64_t random() noexcept override { return 4; }
  void start_timer(coro::timer_request&) override { std::abort(); }
  void cancel_timer(coro::timer_request&) noexcept override { std::abort(); }
  void post(std::function<void()>) override { std::abort(); }
  bool turn() override { return queue_.run_present(1000) != 0; }
};

}  // namespace lentic::test
