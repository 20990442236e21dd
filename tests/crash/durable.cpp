// SPDX-License-Identifier: Apache-2.0
// durable DIR [--engine automatic|uring|threads] [--level synced|logged] [--commits N] [--copies]
//
// A program to be killed. It opens the environment in DIR, checks that everything in it is what
// commit N leaves, prints "recovered N", then commits for ever and prints "ack N" for each commit
// that is durable. All that commit N writes follows from N: rows in a byte store, rows and late
// rows in segments that are sealed and dropped, a position, and an output that is acknowledged
// three commits later. Journal files are small, so that they rotate.
//
// --copies: beside its commits it makes a checkpoint, DIR.copy-N, and at its start checks and
// removes those of earlier lives: each is whole, at some commit, or refused as unfinished. How many
// of each there were is the text of DIR.copies.
// --level logged: a commit is acknowledged when it was written, which a kill must not undo.
// --commits N: closes after so many. Exit codes: 0, 2 usage, 3 the state is wrong, 4 an error.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using lentic::as_bytes;
using lentic::as_text;
using lentic::byte_store;
using lentic::environment;
using lentic::segmented_store;
using lentic::task;

constexpr std::uint64_t keys = 40;
constexpr std::uint64_t commits_per_segment = 16;
constexpr std::uint64_t segments_kept = 4;
constexpr std::uint64_t outputs_kept = 3;

using expected_rows = std::map<std::string, std::string>;

struct wrong_state : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::uint64_t segment_of(std::uint64_t n) {
  return n / commits_per_segment;
}

std::uint64_t floor_of(std::uint64_t n) {
  return segment_of(n) < segments_kept ? 0 : segment_of(n) - segments_kept;
}

// Between 10 bytes and 3 KiB.
std::string value_of(std::uint64_t n) {
  const std::string word = std::to_string(n) + ";";
  std::string text = word;
  while (text.size() < 10 + n * 7919 % 3000) text += word;
  return text;
}

std::string total_key(std::uint64_t n) {
  return "total-" + std::to_string(n % keys);
}

expected_rows totals_at(std::uint64_t n) {
  expected_rows rows;
  for (std::uint64_t m = n < keys ? 1 : n - keys + 1; m <= n; ++m) rows[total_key(m)] = value_of(m);
  if (n % 2 == 1) rows["odd"] = std::to_string(n);
  return rows;
}

expected_rows segment_at(std::uint64_t n, std::uint64_t segment) {
  expected_rows rows;
  const std::uint64_t end = (segment + 1) * commits_per_segment;
  for (std::uint64_t m = std::max<std::uint64_t>(1, segment * commits_per_segment);
       m < end && m <= n; ++m)
    rows["row-" + std::to_string(m)] = value_of(m);
  if (n >= end) rows["late"] = std::to_string(std::min(n, end + commits_per_segment - 1));
  return rows;
}

task<void> check_rows(byte_store& store, expected_rows expected, std::string name) {
  lentic::cursor rows = store.scan();
  for (;;) {
    const std::span<const lentic::row> block = co_await rows.next();
    if (block.empty()) break;
    for (const lentic::row& each : block) {
      const auto found = expected.find(std::string(as_text(each.key)));
      if (found == expected.end() || found->second != as_text(each.value))
        throw wrong_state(name + " has a wrong " + std::string(as_text(each.key)));
      expected.erase(found);
    }
  }
  if (!expected.empty()) throw wrong_state(name + " lacks " + expected.begin()->first);
}

void check_outbox(const environment& env, std::uint64_t n) {
  std::uint64_t after = 0;
  for (std::uint64_t m = n < outputs_kept ? 1 : n - outputs_kept + 1; m <= n; ++m) {
    const auto batch = env.next_output(after);
    if (!batch || batch->sequence != m || as_text(batch->output) != "line " + std::to_string(m))
      throw wrong_state("outbox " + std::to_string(m));
    after = m;
  }
  if (env.next_output(after)) throw wrong_state("an outbox too many");
}

task<void> check(environment& env, std::uint64_t n) {
  if (!env.recovered().quarantined.empty()) throw wrong_state(env.recovered().quarantined.front());
  byte_store& totals = env.open_byte_store("totals");
  const expected_rows rows = totals_at(n);
  const std::string name = "totals";
  co_await check_rows(totals, rows, name);
  segmented_store& windows = env.open_segmented_store("windows");
  if (windows.drop_floor() != floor_of(n)) throw wrong_state("the drop floor");
  for (std::uint64_t id = floor_of(n); id <= segment_of(n); ++id) {
    byte_store& segment = windows.segment(id);
    const expected_rows inside = segment_at(n, id);
    const std::string shown = "segment " + std::to_string(id);
    co_await check_rows(segment, inside, shown);
  }
  constexpr lentic::segment_id last = std::numeric_limits<lentic::segment_id>::max();
  if (!windows.segments(segment_of(n) + 1, last).empty()) throw wrong_state("a segment too many");
  const auto position = env.position("input");
  const bool placed = position && as_text(*position) == std::to_string(n);
  if (n != 0 && !placed) throw wrong_state("the position");
  check_outbox(env, n);
}

// A row into the segment of `n`, and a late one into that before, which may have been sealed.
task<void> write_rows(segmented_store& windows, std::uint64_t n) {
  const std::uint64_t id = segment_of(n);
  const std::string key = "row-" + std::to_string(n);
  const std::string value = value_of(n);
  const std::string late = "late";
  const std::string number = std::to_string(n);
  co_await windows.segment(id).put(as_bytes(key), as_bytes(value));
  if (id > 0) co_await windows.segment(id - 1).put(as_bytes(late), as_bytes(number));
  if (id > 0 && n % 6 == 0) windows.seal_hint(id - 1);
  co_await windows.drop_below(floor_of(n));
}

task<void> write_one(environment& env, std::uint64_t n) {
  byte_store& totals = env.open_byte_store("totals");
  const std::string value = value_of(n);
  const std::string number = std::to_string(n);
  const std::string total = total_key(n);
  co_await totals.put(as_bytes(total), as_bytes(value));
  const std::string odd = "odd";
  if (n % 2 == 1) {
    co_await totals.put(as_bytes(odd), as_bytes(number));
  } else {
    co_await totals.erase(as_bytes(odd));
  }
  segmented_store& windows = env.open_segmented_store("windows");
  co_await write_rows(windows, n);
  if (n % keys == 0) env.open_segmented_store("totals").seal_hint(0);
  env.set_position("input", as_bytes(number));
  env.append_output(as_bytes("line " + number));
  if (n > outputs_kept) env.acknowledge(n - outputs_kept);
}

void say(const char* word, std::uint64_t n) {
  std::printf("%s %llu\n", word, static_cast<unsigned long long>(n));
  if (std::fflush(stdout) != 0) throw wrong_state("nobody reads");
}

lentic::environment_options options_of(const std::string& directory,
                                       lentic::durability level = lentic::durability::synced) {
  lentic::environment_options options;
  options.commit_level = level;
  options.directory = directory;
  options.journal_file_bytes_max = 96 << 10;
  options.journal_growth_bytes = 16 << 10;
  options.journal_bytes_kept = 192 << 10;
  return options;
}

// False when it is unfinished.
task<bool> check_copy(lentic::coro::runtime& runtime, std::string path) {
  lentic::environment_options options = options_of(path);
  options.mode = lentic::open_mode::open_existing;
  auto opened = co_await lentic::as_result(environment::open(runtime, options));
  if (!opened && opened.error() == lentic::errc::not_a_state_directory) co_return false;
  const std::unique_ptr<environment> copy = std::move(opened).value();
  std::exception_ptr error;
  try {
    co_await check(*copy, copy->recovered().sequence);
  } catch (...) {  // closed in any case; thrown below
    error = std::current_exception();
  }
  co_await copy->close();
  if (error) std::rethrow_exception(error);
  co_return true;
}

task<void> check_copies(lentic::coro::runtime& runtime, std::string directory) {
  std::uint64_t whole = 0;
  std::uint64_t unfinished = 0;
  std::ifstream(directory + ".copies") >> whole >> unfinished;
  const std::filesystem::path home(directory);
  std::vector<std::string> found;
  for (const auto& each : std::filesystem::directory_iterator(home.parent_path())) {
    const std::string name = each.path().filename();
    if (name.starts_with(home.filename().string() + ".copy-")) found.push_back(each.path());
  }
  for (const std::string& path : found) {
    const bool complete = co_await check_copy(runtime, path);
    ++(complete ? whole : unfinished);
    std::filesystem::remove_all(path);
  }
  std::ofstream(directory + ".copies") << whole << ' ' << unfinished;
}

task<void> copy(environment& env, std::string path) {
  co_await env.checkpoint(path);
}

task<void> commit_on(environment& env, std::uint64_t n, std::uint64_t commits) {
  for (std::uint64_t left = commits; left > 0; --left) {
    ++n;
    co_await write_one(env, n);
    const std::uint64_t sequence = co_await env.commit();
    if (sequence != n) throw wrong_state("commit " + std::to_string(sequence));
    say("ack", n);
  }
}

task<void> live(lentic::coro::runtime& runtime, std::string directory, std::uint64_t commits,
                lentic::durability level, bool copies) {
  if (copies) co_await check_copies(runtime, directory);
  const lentic::environment_options options = options_of(directory, level);
  lentic::coro::scope beside(runtime.queue());
  const std::unique_ptr<environment> env = co_await environment::open(runtime, options);
  std::exception_ptr error;
  try {
    const std::uint64_t n = env->recovered().sequence;
    co_await check(*env, n);
    say("recovered", n);
    if (copies) beside.spawn(copy(*env, directory + ".copy-" + std::to_string(n)));
    co_await commit_on(*env, n, commits);
  } catch (...) {  // closed in any case; thrown below
    error = std::current_exception();
  }
  const lentic::result<void> copied = co_await lentic::as_result(beside.join());
  co_await env->close();
  if (error) std::rethrow_exception(error);
  if (!copied) throw std::system_error(copied.error(), "checkpoint");
}

struct arguments {
  std::string directory;
  lentic::coro::engine_choice engine = lentic::coro::engine_choice::automatic;
  std::uint64_t commits = std::numeric_limits<std::uint64_t>::max();
  lentic::durability level = lentic::durability::synced;
  bool copies = false;
};

bool parse(int count, char** words, arguments& found) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const std::string_view value = i + 1 < count ? words[i + 1] : "";
    if (word == "--engine" && value == "threads") {
      found.engine = lentic::coro::engine_choice::threads;
    } else if (word == "--engine" && value == "uring") {
      found.engine = lentic::coro::engine_choice::uring;
    } else if (word == "--level" && value == "logged") {
      found.level = lentic::durability::logged;
    } else if (word == "--commits" && !value.empty()) {
      found.commits = std::strtoull(words[i + 1], nullptr, 10);
    } else if (word == "--copies") {
      found.copies = true;
      continue;
    } else if (found.directory.empty() && !word.starts_with("--")) {
      found.directory = word;
      continue;
    } else if (word != "--engine" || value != "automatic") {
      return false;
    }
    ++i;
  }
  return !found.directory.empty();
}

}  // namespace

int main(int count, char** words) {
  arguments found;
  if (!parse(count, words, found)) {
    std::fputs(
        "usage: durable DIR [--engine automatic|uring|threads] [--level synced|logged] "
        "[--commits N] [--copies]\n",
        stderr);
    return 2;
  }
  try {
    asio::io_context context;
    lentic::coro::asio_runtime_options options;
    options.engine = found.engine;
    lentic::coro::asio_runtime runtime(context, options);
    lentic::sync_wait(runtime,
                      live(runtime, found.directory, found.commits, found.level, found.copies));
  } catch (const wrong_state& error) {
    std::fprintf(stderr, "durable: wrong state: %s\n", error.what());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "durable: %s\n", error.what());
    return 4;
  }
  return 0;
}
