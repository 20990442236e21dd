// SPDX-License-Identifier: Apache-2.0
#pragma once

// progress_teller: one line on a terminal, written over, twice a second. Says nothing where there
// is no terminal, and takes its line away at the end, whatever the end is. Threads: one.

#include "options.hpp"
#include "progress.hpp"

#include <lentic/coro/runtime.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lentic::tool {

class progress_teller {
 public:
  using say_function = std::function<void(std::string_view)>;

  progress_teller(coro::runtime& runtime, progress_shown shown, std::string what, say_function say)
      : runtime_(&runtime),
        shown_(shown),
        what_(std::move(what)),
        say_(std::move(say)),
        begun_ms_(runtime.now_ms()),
        told_ms_(begun_ms_) {}
  progress_teller(const progress_teller&) = delete;
  progress_teller& operator=(const progress_teller&) = delete;
  ~progress_teller() { end(); }

  // The line goes.
  void end() {
    if (std::exchange(written_, false)) say_("\r\033[K");
  }

  void tell(std::uint64_t bytes, std::optional<std::uint64_t> total) {
    if (shown_ == progress_shown::never) return;
    const std::int64_t now = runtime_->now_ms();
    if (now - told_ms_ < interval_ms) return;
    told_ms_ = now;
    written_ = true;
    say_("\r\033[K" + bytes_line(what_, {bytes, total, now - begun_ms_}));
  }

 private:
  static constexpr std::int64_t interval_ms = 500;

  coro::runtime* runtime_;
  progress_shown shown_;
  std::string what_;
  say_function say_;
  std::int64_t begun_ms_;
  std::int64_t told_ms_;
  bool written_ = false;
};

}  // namespace lentic::tool
