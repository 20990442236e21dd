// SPDX-License-Identifier: Apache-2.0
// word_counts DIRECTORY: counts words by minute, in a state that outlives the process. A line of
// standard input is a time in milliseconds and words. At the end all counts so far are printed.
// A program of its own: the package tests build it with what is installed, and with nothing else.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/endian.hpp>
#include <lentic/environment.hpp>
#include <lentic/windows/segmented_window_store.hpp>

#include <iostream>
#include <sstream>
#include <string>

namespace {

using namespace lentic;

constexpr std::int64_t minute_ms = 60'000;

windows::window_store_options by_minute() {
  windows::window_store_options options;
  options.window_size_ms = minute_ms;
  options.retention_ms = 60 * minute_ms;
  return options;
}

task<void> count_word(windows::window_store& store, std::string word, std::int64_t start_ms) {
  const std::optional<value_view> old = co_await store.fetch(as_bytes(word), start_ms);
  const std::uint64_t count = old ? load_be<std::uint64_t>(old->data()) : 0;
  bytes value;
  append_be(value, count + 1);
  co_await store.put(as_bytes(word), start_ms, value);
}

task<void> print_counts(windows::window_store& store) {
  windows::window_cursor rows = store.fetch_all(windows::time_range());
  for (;;) {
    const std::span<const windows::window_row> block = co_await rows.next();
    if (block.empty()) break;
    for (const windows::window_row& each : block)
      std::cout << each.start_ms / minute_ms << ' ' << as_text(each.key) << ' '
                << load_be<std::uint64_t>(each.value.data()) << '\n';
  }
}

task<void> count_words(coro::runtime& runtime, std::string directory) {
  environment_options options;
  options.directory = directory;
  const auto env = co_await environment::open(runtime, options);
  windows::segmented_window_store store(env->open_segmented_store("words"), by_minute());
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::int64_t time_ms = 0;
    words >> time_ms;
    for (std::string word; words >> word;)
      co_await count_word(store, word, time_ms - time_ms % minute_ms);
  }
  co_await env->commit();
  co_await print_counts(store);
  co_await env->close();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  sync_wait(runtime, count_words(runtime, arguments[1]));
}
