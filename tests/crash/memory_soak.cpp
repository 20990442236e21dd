// SPDX-License-Identifier: Apache-2.0
// memory_soak DIR BUDGET_BYTES SECONDS [FACTOR]
//
// A program that lives in a memory budget. It offers FACTOR (10) times the budget in windows that
// never close and in a byte store of the size of the budget, commits when that is due, then looks
// rows up, and goes on with new windows in place of the oldest until SECONDS are over. At the end
// it prints one line of JSON: what the account held at most, and what of the process was resident
// without mapped files, before the first row and at most.
//
// Exit codes: 0, 2 usage, 3 a row is wrong, 4 an error.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/environment.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

using lentic::as_bytes;
using lentic::as_text;
using lentic::byte_store;
using lentic::environment;
using lentic::segmented_store;
using lentic::task;

constexpr std::uint64_t row_bytes = 124;
constexpr std::uint64_t segments_per_budget = 8;
constexpr std::uint64_t events_per_commit = 20'000;
constexpr std::uint64_t events_per_look = 1024;

// Of the process, without mapped files.
std::uint64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "RssAnon:" && status >> kibibytes) return kibibytes << 10;
  }
  return 0;
}

std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ (number >> 31)) * 0x9e3779b97f4a7c15;
  return number ^ (number >> 29);
}

std::string key_of(std::uint64_t number) {
  std::string key(24, '0');
  std::uint64_t left = mixed(number);
  for (std::size_t i = 0; i < 16; ++i, left >>= 4) key[i] = "0123456789abcdef"[left & 15];
  return key;
}

std::string value_of(std::uint64_t number, std::uint64_t version) {
  std::string value = std::to_string(number) + ";" + std::to_string(version) + ";";
  value.resize(row_bytes - 24, 'v');
  return value;
}

class soak {
 public:
  soak(environment& env, std::uint64_t budget, std::uint64_t factor)
      : env_(&env),
        windows_(&env.open_segmented_store("windows")),
        totals_(&env.open_byte_store("totals")),
        segment_rows_(std::max<std::uint64_t>(budget / row_bytes / segments_per_budget, 1)),
        total_rows_(std::max<std::uint64_t>(budget / row_bytes, 1)),
        rows_kept_(budget / row_bytes * factor) {}

  // One row more; some are in older windows, some in the byte store.
  task<void> event() {
    const std::uint64_t dice = mixed(++events_) % 100;
    std::uint64_t number = next_;
    if (dice < 8) {  // a late one, which changes a row
      number -= std::min(number, 1 + mixed(events_ + 7) % (3 * segment_rows_));
      if (number / segment_rows_ < windows_->drop_floor() || number == next_) co_return;
    } else if (dice < 12) {
      co_return co_await total();
    } else {
      ++next_;
    }
    const std::uint64_t version = dice < 8 ? 1 : 0;
    byte_store& segment = windows_->segment(number / segment_rows_);
    co_await put(segment, number, version);
    if (env_->wants_commit() || ++uncommitted_ == events_per_commit) co_await commit();
  }

  task<void> expire() {
    const std::uint64_t kept = rows_kept_ / segment_rows_;
    const std::uint64_t now = next_ / segment_rows_;
    if (now > kept) co_await windows_->drop_below(now - kept);
  }

  // A row that was put long ago, in the cold.
  task<void> look() {
    const std::uint64_t lowest = windows_->drop_floor() * segment_rows_;
    const std::uint64_t number = lowest + mixed(events_ + 11) % (next_ - lowest);
    byte_store& segment = windows_->segment(number / segment_rows_);
    const std::string key = key_of(number);
    const std::optional<lentic::bytes> found = co_await segment.get_copy(as_bytes(key));
    const std::string first = value_of(number, 0);
    const std::string later = value_of(number, 1);
    if (!found || (as_text(*found) != first && as_text(*found) != later))
      throw std::logic_error("row " + std::to_string(number));
  }

  task<void> commit() {
    uncommitted_ = 0;
    ++commits_;
    co_await env_->commit();
  }

  bool is_full() const { return next_ >= rows_kept_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t commits() const { return commits_; }

 private:
  task<void> total() {
    const std::uint64_t number = mixed(events_ + 3) % total_rows_;
    co_await put(*totals_, number, events_);
  }
  static task<void> put(byte_store& store, std::uint64_t number, std::uint64_t version) {
    const std::string key = key_of(number);
    const std::string value = value_of(number, version);
    co_await store.put(as_bytes(key), as_bytes(value));
  }

  environment* env_;
  segmented_store* windows_;
  byte_store* totals_;
  std::uint64_t segment_rows_;
  std::uint64_t total_rows_;
  std::uint64_t rows_kept_;
  std::uint64_t next_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t uncommitted_ = 0;
};

struct limits {
  std::string directory;
  std::uint64_t budget = 0;
  std::uint64_t seconds = 0;
  std::uint64_t factor = 10;
};

task<void> run(lentic::coro::runtime& runtime, limits given) {
  lentic::environment_options options;
  options.directory = given.directory;
  options.memory_budget = given.budget;
  options.log = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  const std::unique_ptr<environment> env = co_await environment::open(runtime, options);
  soak work(*env, given.budget, given.factor);
  const std::uint64_t resident_before = resident_bytes();
  std::uint64_t resident_max = resident_before;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(given.seconds);
  bool filled = false;
  while (!filled || std::chrono::steady_clock::now() < end) {
    for (std::uint64_t i = 0; i < events_per_look; ++i) co_await work.event();
    resident_max = std::max(resident_max, resident_bytes());
    co_await work.look();
    filled = filled || work.is_full();
    if (filled) co_await work.expire();
  }
  co_await work.commit();
  const lentic::environment_statistics now = env->statistics();
  std::printf(
      "{\"budget\": %llu, \"account_max\": %llu, \"resident_before\": %llu, "
      "\"resident_max\": %llu, \"events\": %llu, \"commits\": %llu, \"runs\": %llu, "
      "\"bytes_written\": %llu}\n",
      static_cast<unsigned long long>(given.budget),
      static_cast<unsigned long long>(now.memory_bytes_max),
      static_cast<unsigned long long>(resident_before),
      static_cast<unsigned long long>(resident_max), static_cast<unsigned long long>(work.events()),
      static_cast<unsigned long long>(work.commits()),
      static_cast<unsigned long long>(now.runs_written),
      static_cast<unsigned long long>(now.bytes_written));
  co_await env->close();
}

}  // namespace

int main(int count, char** words) {
  if (count != 4 && count != 5) {
    std::fputs("usage: memory_soak DIR BUDGET_BYTES SECONDS [FACTOR]\n", stderr);
    return 2;
  }
  limits given;
  given.directory = words[1];
  given.budget = std::strtoull(words[2], nullptr, 10);
  given.seconds = std::strtoull(words[3], nullptr, 10);
  if (count == 5) given.factor = std::strtoull(words[4], nullptr, 10);
  try {
    asio::io_context context;
    lentic::coro::asio_runtime runtime(context);
    lentic::sync_wait(runtime, run(runtime, given));
  } catch (const std::logic_error& error) {
    std::fprintf(stderr, "memory_soak: wrong: %s\n", error.what());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memory_soak: %s\n", error.what());
    return 4;
  }
  return 0;
}
