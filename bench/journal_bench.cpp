// SPDX-License-Identifier: Apache-2.0
// journal_bench: what the journal costs when three stores of one environment share it:
//
//   forever   never sealed: a key in `forever_every` events is put again, and none is ever dropped
//   rare      changes in bursts: all its rows once in `rare_every` commits, and nothing between
//   hot       windows: get, count + 1, put; each is sealed when it ends and dropped when it expires
//
//   journal_bench [preset=NAME] [name=value ...]      journal_bench --help lists the names
//
// Write amplification is bytes given to write operations over bytes of keys and values put, from
// the end of the first load of `forever` on. A pause is how long the owner of the environment waits
// for a turn that it gives away: what runs in it is upkeep, and the landing of frames. Beside it is
// the processor time of the same turn, which other jobs on the machine do not change. "replay" is
// what a replay would have taken at most, in ms and by estimate.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/endian.hpp>
#include <lentic/environment.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::bench {
namespace {

constexpr const char* data_directory = "journal_bench.data";
constexpr std::size_t key_size = 16;
constexpr std::uint64_t turn_events = 256;  // between two turns given away

struct load {
  std::string name = "fits";
  std::uint64_t events = 1'000'000;
  std::uint64_t commit = 10'000;
  std::uint64_t value_bytes = 100;
  std::uint64_t hot_keys = 20'000;
  std::uint64_t window_events = 100'000;
  std::uint64_t retained = 4;
  std::uint64_t forever_keys = 20'000;
  std::uint64_t forever_every = 20;
  std::uint64_t rare_rows = 10'000;
  std::uint64_t rare_every = 20;
  std::uint64_t budget_ms = 1'000;
  std::uint64_t seed = 1;
};

struct setting {
  std::string_view name;
  std::uint64_t load::*value;
  std::uint64_t least;
  std::uint64_t most;
  std::string_view meaning;
};

constexpr std::array settings = {
    setting{"events", &load::events, 1'000, 1U << 30, "events of the measured part"},
    setting{"commit", &load::commit, 1, 1U << 24, "events between two durable commits"},
    setting{"value_bytes", &load::value_bytes, 8, 65'536, "of every value; keys have 16"},
    setting{"hot_keys", &load::hot_keys, 1, 1U << 26, "keys of a window"},
    setting{"window_events", &load::window_events, 1, 1U << 30, "events of a window"},
    setting{"retained", &load::retained, 1, 1'000, "windows kept behind the current one"},
    setting{"forever_keys", &load::forever_keys, 1, 1U << 26,
            "rows of the store that never closes"},
    setting{"forever_every", &load::forever_every, 1, 1U << 30, "events between two puts of it"},
    setting{"rare_rows", &load::rare_rows, 1, 1U << 26, "rows of a burst"},
    setting{"rare_every", &load::rare_every, 1, 1U << 30, "commits between two bursts"},
    setting{"budget_ms", &load::budget_ms, 0, 86'400'000, "of a replay, by estimate; 0: none"},
    setting{"seed", &load::seed, 0, 1U << 30, "of the keys"},
};

// Sizes that the young rows have in memory: below what two journal files hold, above it, and above
// it mostly in rows that do not change for long.
std::vector<load> presets() {
  load fits;
  load large = fits;
  large.name = "large";
  large.forever_keys = 800'000;
  load bursts = fits;
  bursts.name = "bursts";
  bursts.rare_rows = 400'000;
  bursts.rare_every = 40;
  return {fits, large, bursts};
}

[[noreturn]] void usage(const std::string& wrong) {
  std::FILE* const to = wrong.empty() ? stdout : stderr;
  if (!wrong.empty()) std::fprintf(to, "journal_bench: %s\n", wrong.c_str());
  std::fprintf(to, "usage: journal_bench [preset=fits|large|bursts|all] [name=value ...]\n");
  const load standard;
  for (const setting& each : settings)
    std::fprintf(to, "  %-14s %s (%llu)\n", std::string(each.name).c_str(),
                 std::string(each.meaning).c_str(),
                 static_cast<unsigned long long>(standard.*each.value));
  std::exit(wrong.empty() ? 0 : 2);
}

void set(std::vector<load>& loads, std::string_view name, std::string_view text) {
  const auto* const found = std::find_if(settings.begin(), settings.end(),
                                         [name](const setting& each) { return each.name == name; });
  if (found == settings.end()) usage("no setting " + std::string(name));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || value < found->least || value > found->most)
    usage(std::string(name) + " wants a number from " + std::to_string(found->least) + " to "
          + std::to_string(found->most));
  for (load& each : loads) each.*(found->value) = value;
}

std::vector<load> parse(int count, char** arguments) {
  std::vector<load> loads = presets();
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help") usage("");
    const std::size_t split = argument.find('=');
    if (split == std::string_view::npos) usage("no name=value: " + std::string(argument));
    const std::string_view name = argument.substr(0, split);
    const std::string_view value = argument.substr(split + 1);
    if (name != "preset") {
      set(loads, name, value);
    } else if (value != "all") {
      std::erase_if(loads, [value](const load& each) { return each.name != value; });
      if (loads.empty()) usage("no preset " + std::string(value));
    }
  }
  for (const load& each : loads) {
    if (each.commit > each.events) usage("commit is above events: nothing would be committed");
    if (each.hot_keys > 16 * each.window_events)
      usage("hot_keys is above 16 times window_events: no key would come twice");
  }
  return loads;
}

double thread_seconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double now_seconds() noexcept {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

// splitmix64, Steele, Lea and Flood 2014.
std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// Bytes that the kernel sent to a device for this process; 0 where it does not tell.
std::uint64_t device_bytes() {
  std::ifstream from("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (from >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

class percentiles {
 public:
  void add(double seconds) { seconds_.push_back(seconds); }
  double ms(double share) {
    if (seconds_.empty()) return 0;
    std::sort(seconds_.begin(), seconds_.end());
    const auto last = static_cast<double>(seconds_.size() - 1);
    return 1000 * seconds_[static_cast<std::size_t>(share * last)];
  }

 private:
  std::vector<double> seconds_;
};

struct figures {
  std::uint64_t put_bytes = 0;
  std::uint64_t journal_peak = 0;
  std::uint64_t estimate_peak_us = 0;
  percentiles commits;
  percentiles pauses;
  percentiles turns;  // processor time
};

class driver {
 public:
  driver(environment& env, const load& work)
      : env_(&env),
        work_(&work),
        forever_(&env.open_byte_store("forever")),
        rare_(&env.open_byte_store("rare")),
        hot_(&env.open_segmented_store("hot")),
        value_(work.value_bytes) {}

  task<> fill();
  task<> run();
  void print();

 private:
  bytes_view key(std::uint64_t id) noexcept {
    std::memcpy(key_.data(), &id, sizeof id);
    const std::uint64_t spread = mixed(id);
    std::memcpy(key_.data() + sizeof id, &spread, sizeof spread);
    return key_;
  }
  std::uint64_t draw(std::uint64_t below) noexcept { return (random_ = mixed(random_)) % below; }
  task<> put(byte_store& store, std::uint64_t id);
  task<> count(std::uint64_t event);
  task<> end_window(std::uint64_t window);
  task<> commit(std::uint64_t number);
  task<> give_turn(std::uint64_t event);
  void show(std::uint64_t event);

  environment* env_;
  const load* work_;
  byte_store* forever_;
  byte_store* rare_;
  segmented_store* hot_;
  std::array<std::byte, key_size> key_{};
  bytes value_;
  std::uint64_t random_ = work_->seed;
  figures measured_;
  double begun_ = 0;
  double ended_ = 0;
  double shown_ = 0;
  std::uint64_t written_before_ = 0;
  std::uint64_t device_before_ = 0;
};

task<> driver::put(byte_store& store, std::uint64_t id) {
  co_await store.put(key(id), value_);
  measured_.put_bytes += key_.size() + value_.size();
}

task<> driver::fill() {
  for (std::uint64_t id = 0; id < work_->forever_keys; ++id) {
    co_await put(*forever_, id);
    if (id % work_->commit == 0) co_await env_->commit();
    if (id % turn_events == 0) show(0);
  }
  co_await env_->commit();
  measured_.put_bytes = 0;
}

task<> driver::count(std::uint64_t event) {
  byte_store& window = hot_->segment(event / work_->window_events);
  const std::uint64_t id = draw(work_->hot_keys);
  const std::optional<value_view> old = co_await window.get(key(id));
  std::uint64_t count = 0;
  if (old) std::memcpy(&count, bytes_view(*old).data(), sizeof count);
  ++count;
  std::memcpy(value_.data(), &count, sizeof count);
  co_await put(window, id);
}

task<> driver::end_window(std::uint64_t window) {
  hot_->seal_hint(window);
  if (window < work_->retained) co_return;
  co_await hot_->drop_below(window + 1 - work_->retained);
}

task<> driver::commit(std::uint64_t number) {
  if (number % work_->rare_every == 0) {
    for (std::uint64_t id = 0; id < work_->rare_rows; ++id) co_await put(*rare_, id);
  }
  const double begin = now_seconds();
  co_await env_->commit();
  measured_.commits.add(now_seconds() - begin);
  const environment_statistics now = env_->statistics();
  measured_.journal_peak = std::max(measured_.journal_peak, now.journal_bytes);
  measured_.estimate_peak_us = std::max(measured_.estimate_peak_us, now.replay_estimate_us);
}

task<> driver::give_turn(std::uint64_t event) {
  const double begin = now_seconds();
  const double thread_begin = thread_seconds();
  co_await coro::yield(env_->runtime());
  measured_.turns.add(thread_seconds() - thread_begin);
  measured_.pauses.add(now_seconds() - begin);
  show(event);
}

void driver::show(std::uint64_t event) {
  const double now = now_seconds();
  if (now - shown_ < 1) return;
  shown_ = now;
  std::fprintf(stderr, "\r%s: %3llu %% of %llu events ", work_->name.c_str(),
               static_cast<unsigned long long>(100 * event / work_->events),
               static_cast<unsigned long long>(work_->events));
}

task<> driver::run() {
  written_before_ = env_->statistics().bytes_written;
  device_before_ = device_bytes();
  begun_ = now_seconds();
  for (std::uint64_t event = 0; event < work_->events; ++event) {
    co_await count(event);
    if (event % work_->forever_every == 0) co_await put(*forever_, draw(work_->forever_keys));
    if ((event + 1) % work_->window_events == 0) co_await end_window(event / work_->window_events);
    if ((event + 1) % work_->commit == 0) co_await commit((event + 1) / work_->commit);
    if (event % turn_events == 0) co_await give_turn(event);
  }
  ended_ = now_seconds();
}

void driver::print() {
  constexpr double mib = 1U << 20;
  const environment_statistics now = env_->statistics();
  const auto put = static_cast<double>(measured_.put_bytes);
  const auto written = static_cast<double>(now.bytes_written - written_before_);
  const auto device = static_cast<double>(device_bytes() - device_before_);
  std::fprintf(stderr, "\r%60s\r", "");
  std::printf(
      "%-8s %9.0f %7.2f %7.2f %9.1f %9.1f %8.1f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %6llu\n",
      work_->name.c_str(), static_cast<double>(work_->events) / (ended_ - begun_) / 1000,
      written / put, device / put, static_cast<double>(measured_.journal_peak) / mib,
      static_cast<double>(now.journal_bytes) / mib,
      static_cast<double>(measured_.estimate_peak_us) / 1000, measured_.commits.ms(0.5),
      measured_.commits.ms(0.99), measured_.pauses.ms(0.99), measured_.pauses.ms(1),
      measured_.turns.ms(0.99), measured_.turns.ms(1),
      static_cast<unsigned long long>(now.runs_written));
  std::fflush(stdout);
}

task<> measure(coro::runtime& runtime, const load& work) {
  environment_options chosen;
  chosen.directory = data_directory;
  chosen.recovery_budget_ms = work.budget_ms;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  driver drives(*env, work);
  co_await drives.fill();
  co_await drives.run();
  drives.print();
  co_await env->close();
}

int run_all(const std::vector<load>& loads) {
  std::printf("%-8s %9s %7s %7s %9s %9s %8s %8s %8s %8s %8s %8s %8s %6s\n", "load", "k ev/s", "WA",
              "WA dev", "peak MiB", "end MiB", "replay", "commit50", "99 ms", "pause99", "max ms",
              "cpu99", "max ms", "runs");
  for (const load& each : loads) {
    std::filesystem::remove_all(data_directory);
    asio::io_context context(1);
    coro::asio_runtime runtime(context);
    sync_wait(runtime, measure(runtime, each));
    std::filesystem::remove_all(data_directory);
  }
  return 0;
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** arguments) {
  try {
    return lentic::bench::run_all(lentic::bench::parse(count, arguments));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "\njournal_bench: %s\n", failure.what());
    return 1;
  }
}
