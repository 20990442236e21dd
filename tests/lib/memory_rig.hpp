// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of the memory budget share: an environment with one on a simulated disk, puts that
// tell how they ended, and a cache that is bound to the account.
// Threads: the test's.

#include "environment_life.hpp"

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace lentic::test {

inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

inline environment_options with_budget(std::uint64_t bytes_max) {
  environment_options options = small_options();
  options.memory_budget = bytes_max;
  options.journal_file_bytes_max = 1 << 20;
  options.journal_growth_bytes = 64 << 10;
  options.journal_bytes_kept = 4 << 20;
  return options;
}

class MemoryBudget : public testing::Test {
 protected:
  void open(std::uint64_t budget = mebibyte) { life_->open(with_budget(budget)); }
  // As after a crash, in another process.
  void restart() {
    life_->kill();
    life_.emplace(disk_, 2);
  }
  environment& env() { return life_->env(); }
  std::uint64_t held(memory_holder which) { return env().memory()->bytes_of(which); }

  // "done", or what the code says and the message holds.
  std::string outcome_of(const std::function<void()>& work) {
    try {
      work();
      return "done";
    } catch (const std::system_error& error) {
      message_ = error.what();
      return error.code().message();
    }
  }
  std::string put(std::string_view store, segment_id segment, int number, std::size_t bytes_each) {
    return outcome_of([&] {
      life_->shell(store, segment).put(numbered_text("key", number), std::string(bytes_each, 'v'));
    });
  }
  // Puts without a commit until that fails; answers how many were done.
  int fill(std::string_view store, std::size_t bytes_each = 1000) {
    int number = 0;
    while (put(store, 0, number, bytes_each) == "done") ++number;
    return number;
  }

  coro::sim_disk disk_{1};
  std::optional<environment_life> life_{std::in_place, disk_, 1};
  std::string message_;
};

inline constexpr const char* over = "memory budget is used up";

inline task<void> put_and_note(byte_store& store, int number, std::vector<std::string>& notes) {
  const std::string key = numbered_text("waiting", number);
  const std::string value(1000, 'w');
  std::string note = numbered_text("put ", number);
  try {
    co_await store.put(as_bytes(key), as_bytes(value));
  } catch (const std::system_error& error) {
    note = error.code() == errc::closed ? "closed" : error.what();
  }
  notes.push_back(note);
}

class BoundCache : public MemoryBudget {
 protected:
  void open_cache(change_listener* listener = nullptr) {
    open();
    cache_.bind(env().memory());
    caching_options options;
    options.listener = listener;
    store_ =
        make_caching_store(caching::kafka, env().open_byte_store("cached"), cache_, "c", options);
  }
  store_shell cached() { return store_shell(life_->runtime(), *store_); }
  void close() {
    store_.reset();
    life_->close();
  }

  thread_cache cache_{life_->runtime().queue(), 100 * mebibyte};
  std::unique_ptr<caching_store> store_;
};

}  // namespace lentic::test
