// SPDX-License-Identifier: Apache-2.0
// Words per minute of "seconds some words" lines from standard input. The counts outlive the
// process in ./words.state, with the place where reading goes on: run it again with a longer input.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <chrono>
#include <iostream>
#include <sstream>

// README: from here
using namespace lentic;
using namespace std::chrono_literals;

std::vector<std::string> split(const std::string& line) {
  std::istringstream text(line);
  return {std::istream_iterator<std::string>(text), {}};
}

process::topology words_per_minute() {
  process::topology work;
  work.source<std::string, std::string>("lines") | process::flat_map_values(split)
      | process::group_by([](const std::string& word) { return word; })
      | windows::windowed_by(windows::tumbling(1min).grace(10s).retention(24h))
      | windows::count("words-per-minute");
  return work;
}

task<> run(coro::runtime& runtime, environment_options options) {
  const auto env = co_await environment::open(runtime, options);
  process::stream_task job(*env, words_per_minute());
  co_await job.open();
  auto& lines = job.source_of<std::string, std::string>("lines");
  const auto stored = env->position("lines");
  const long done = stored ? std::stol(std::string(as_text(*stored))) : 0;
  long number = 0;
  std::string words;
  for (std::int64_t seconds; std::cin >> seconds && std::getline(std::cin, words);) {
    if (++number <= done) continue;  // counted by an earlier run
    process::record<std::string, std::string> next("", words, seconds * 1000);
    co_await job.process(lines, next);
  }
  if (number > done) job.set_position("lines", as_bytes(std::to_string(number)));
  co_await job.commit();  // counts, clocks and position in one frame, one fdatasync
  // README: to here
  if (!std::cin.eof())
    std::cerr << "line " << number + 1 << " is not SECONDS WORDS; it ends here\n";
  auto rows = job.store<windows::window_store>("words-per-minute").fetch_all({});
  for (;;) {
    const auto block = co_await rows.next();
    if (block.empty()) break;
    for (const auto& row : block) {
      const auto counted = decode_timestamped_value(row.value).value();
      std::cout << "minute " << row.start_ms / 60'000 << ' ' << as_text(row.key) << ' '
                << process::serde<std::int64_t>::decode(counted.value).value() << '\n';
    }
  }
  co_await job.close();
  co_await env->close();
}

int main() {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  environment_options options;
  options.directory = "words.state";
  try {
    sync_wait(runtime, run(runtime, options));
  } catch (const std::exception& error) {
    std::cerr << "words.state: " << error.what() << '\n';
    return 1;
  }
}
