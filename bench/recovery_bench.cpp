// SPDX-License-Identifier: Apache-2.0
// recovery_bench: from the start of a process to its first gets, after one was killed right behind
// its last durable commit:
//
//   lentic        `rows` entries in segments of `journal` each; the last one is all that the
//                 journal holds, the others are in runs
//   rocksdb       the same entries, with the options that Kafka Streams uses and a log
//   rocksdb log   and with as many entries in the log as lentic has in its journal
//
//   recovery_bench [rows=2000000] [journal=200000] [commit=10000] [rounds=5]
//
// Keys have 28 bytes, values 36. Each part is a process of its own, which ends by SIGKILL. "cold"
// is with the page cache of the files dropped before (posix_fadvise, DONTNEED). Shown is the median
// of the rounds and the least and the most of them. RocksDB is left out where it is not installed.
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
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LENTIC_BENCH_ROCKSDB
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#endif

namespace lentic::bench {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using key_type = std::array<std::byte, 28>;

constexpr const char* data_directory = "recovery_bench.data";
constexpr std::size_t value_bytes = 36;

struct load {
  std::uint64_t rows = 2'000'000;
  std::uint64_t journal = 200'000;
  std::uint64_t commit = 10'000;
  std::uint64_t rounds = 5;
};

// What a process that recovers tells.
struct figure {
  double first_get_ms = 0;
  double cpu_ms = 0;     // of all threads, up to then
  double replay_ms = 0;  // of lentic
  double estimate_ms = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

// Each number another key, in an order that has nothing to do with it.
key_type key_of(std::uint64_t number) {
  key_type key{};
  std::uint64_t mixed = number + 1;
  for (std::size_t at = 0; at + 8 <= key.size(); at += 8) {
    mixed = (mixed ^ (mixed >> 31)) * 0x9e3779b97f4a7c15U;
    store_be(mixed, key.data() + at);
  }
  return key;
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double ms_since(clock::time_point start) {
  return std::chrono::duration<double, std::milli>(clock::now() - start).count();
}

// The other end of the process that part() runs in.
int told_to = -1;

// Nothing is closed or destroyed.
[[noreturn]] void tell_and_die(const figure& told) {
  if (::write(told_to, &told, sizeof told) == sizeof told) ::kill(::getpid(), SIGKILL);
  ::_exit(1);
}

// Runs it in a process that is killed as soon as it has told.
figure in_killed_process(const std::function<void()>& part) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    try {
      told_to = ends[1];
      part();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "recovery_bench: %s\n", error.what());
    }
    ::_exit(1);
  }
  ::close(ends[1]);
  figure told;
  const bool whole = ::read(ends[0], &told, sizeof told) == sizeof told;
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  if (!whole) throw std::runtime_error("a part has failed");
  return told;
}

environment_options state_options() {
  environment_options options;
  options.directory = std::string(data_directory) + "/lentic";
  return options;
}

task<void> fill(coro::runtime& runtime, const load& chosen) {
  auto env = co_await environment::open(runtime, state_options());
  segmented_store& store = env->open_segmented_store("rows");
  const bytes value(value_bytes, std::byte{'v'});
  for (std::uint64_t i = 0; i < chosen.rows; ++i) {
    const key_type key = key_of(i);
    if (i == chosen.rows - chosen.journal) co_await env->compact();
    co_await store.segment(i / chosen.journal).put(key, value);
    if ((i + 1) % chosen.journal == 0 && i + 1 < chosen.rows) store.seal_hint(i / chosen.journal);
    if ((i + 1) % chosen.commit == 0 || i + 1 == chosen.rows) co_await env->commit();
  }
  tell_and_die({});
}

task<void> recover(coro::runtime& runtime, const load& chosen) {
  const double cpu_before = cpu_ms();
  const clock::time_point start = clock::now();
  auto env = co_await environment::open(runtime, state_options());
  segmented_store& store = env->open_segmented_store("rows");
  const key_type newest = key_of(chosen.rows - 1);
  const auto young = co_await store.segment((chosen.rows - 1) / chosen.journal).get(newest);
  const key_type oldest = key_of(0);
  const auto sealed = co_await store.segment(0).get(oldest);
  figure told;
  told.first_get_ms = ms_since(start);
  told.cpu_ms = cpu_ms() - cpu_before;
  if (!young || !sealed) throw std::runtime_error("rows are missing");
  const recovery_report& report = env->recovered();
  told.replay_ms = static_cast<double>(report.replay_ms);
  told.estimate_ms = static_cast<double>(report.replay_estimate_us) / 1000;
  told.rows = report.rows_replayed;
  told.bytes = report.bytes_replayed;
  tell_and_die(told);
}

void drop_page_cache(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::fdatasync(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

template <class Part>
void on_runtime(Part part, const load& chosen) {
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  sync_wait(runtime, part(runtime, chosen));
}

#ifdef LENTIC_BENCH_ROCKSDB
void need(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("rocksdb: " + status.ToString());
}

rocksdb::Slice slice(bytes_view raw) {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

// Kafka Streams' settings (RocksDBStore: write buffers, block cache and size, universal compaction,
// no compression), and a Bloom filter of 10 bits. `buffer`: of writes, 0 for what is there.
std::unique_ptr<rocksdb::DB> open_rocksdb(std::size_t buffer) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.IncreaseParallelism(2);
  options.write_buffer_size = buffer == 0 ? 16U << 20 : buffer;
  options.max_write_buffer_number = 3;
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.compression = rocksdb::kNoCompression;
  options.manual_wal_flush = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(50U << 20);
  table.block_size = 4096;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* opened = nullptr;
  need(rocksdb::DB::Open(options, std::string(data_directory) + "/rocksdb", &opened));
  return std::unique_ptr<rocksdb::DB>(opened);
}

// With a buffer that holds all that is to stay in the log, the rest is flushed before.
void fill_rocksdb(const load& chosen, std::size_t buffer) {
  const std::unique_ptr<rocksdb::DB> database = open_rocksdb(buffer);
  const bytes value(value_bytes, std::byte{'v'});
  for (std::uint64_t i = 0; i < chosen.rows; ++i) {
    if (buffer != 0 && i == chosen.rows - chosen.journal) need(database->Flush({}));
    need(database->Put({}, slice(key_of(i)), slice(value)));
    if ((i + 1) % chosen.commit == 0 || i + 1 == chosen.rows) need(database->FlushWAL(true));
  }
  tell_and_die({});
}

void recover_rocksdb(const load& chosen, std::size_t buffer) {
  const double cpu_before = cpu_ms();
  const clock::time_point start = clock::now();
  const std::unique_ptr<rocksdb::DB> database = open_rocksdb(buffer);
  std::string value;
  need(database->Get({}, slice(key_of(chosen.rows - 1)), &value));
  need(database->Get({}, slice(key_of(0)), &value));
  figure told;
  told.first_get_ms = ms_since(start);
  told.cpu_ms = cpu_ms() - cpu_before;
  tell_and_die(told);
}
#endif

struct series {
  std::vector<figure> all;

  figure median(double figure::*of) {
    std::sort(all.begin(), all.end(),
              [of](const figure& left, const figure& right) { return left.*of < right.*of; });
    return all[all.size() / 2];
  }
};

enum class page_cache { warm, cold };

// Every round begins with the files as the killed process left them.
series measure(const load& chosen, const std::string& name, page_cache cache,
               const std::function<void()>& part) {
  const fs::path home = fs::path(data_directory) / name;
  const fs::path kept = fs::path(data_directory) / (name + ".killed");
  if (!fs::exists(kept)) fs::rename(home, kept);
  series found;
  for (std::uint64_t round = 0; round < chosen.rounds; ++round) {
    fs::remove_all(home);
    fs::copy(kept, home, fs::copy_options::recursive);
    if (cache == page_cache::cold) drop_page_cache(home);
    found.all.push_back(in_killed_process(part));
  }
  fs::remove_all(home);
  return found;
}

figure show(const std::string& name, page_cache cache, series found) {
  figure shown = found.median(&figure::cpu_ms);
  shown.first_get_ms = found.median(&figure::first_get_ms).first_get_ms;
  std::printf("%-12s %-5s %9.1f ms (%.1f to %.1f), processor %.1f ms", name.c_str(),
              cache == page_cache::cold ? "cold" : "warm", shown.first_get_ms,
              found.all.front().first_get_ms, found.all.back().first_get_ms, shown.cpu_ms);
  if (shown.rows != 0)
    std::printf(", %llu rows and %.1f MiB replayed: %.0f ns of processor a row; estimate %.0f ms",
                static_cast<unsigned long long>(shown.rows),
                static_cast<double>(shown.bytes) / (1U << 20),
                1e6 * shown.cpu_ms / static_cast<double>(shown.rows), shown.estimate_ms);
  std::printf("\n");
  std::fflush(stdout);
  return shown;
}

#ifdef LENTIC_BENCH_ROCKSDB
void compare(const load& chosen, const std::array<figure, 2>& lentic, std::size_t buffer) {
  const std::string name = buffer == 0 ? "rocksdb" : "rocksdb log";
  in_killed_process([&] { fill_rocksdb(chosen, buffer); });
  for (const page_cache cache : {page_cache::warm, page_cache::cold}) {
    const series found =
        measure(chosen, "rocksdb", cache, [&] { recover_rocksdb(chosen, buffer); });
    const figure shown = show(name, cache, found);
    const figure& ours = lentic[cache == page_cache::cold ? 1 : 0];
    std::printf("%-18s lentic takes %.3f of its time, %.3f of its processor time\n", "",
                ours.first_get_ms / shown.first_get_ms, ours.cpu_ms / shown.cpu_ms);
  }
  fs::remove_all(fs::path(data_directory) / "rocksdb.killed");
}
#endif

void run(const load& chosen) {
  fs::remove_all(data_directory);
  fs::create_directory(data_directory);
  in_killed_process([&] { on_runtime(fill, chosen); });
  std::array<figure, 2> lentic{};
  for (const page_cache cache : {page_cache::warm, page_cache::cold}) {
    const series found = measure(chosen, "lentic", cache, [&] { on_runtime(recover, chosen); });
    lentic[cache == page_cache::cold ? 1 : 0] = show("lentic", cache, found);
  }
#ifdef LENTIC_BENCH_ROCKSDB
  compare(chosen, lentic, 0);
  compare(chosen, lentic, (chosen.journal + 1) * 256);
#else
  std::printf("rocksdb      SKIPPED: it is not installed\n");
#endif
  fs::remove_all(data_directory);
}

bool set(load& chosen, std::string_view argument) {
  const std::size_t at = argument.find('=');
  if (at == std::string_view::npos) return false;
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(argument.data() + at + 1, argument.data() + argument.size(), value);
  if (error != std::errc() || end != argument.data() + argument.size() || value == 0) return false;
  const std::string_view name = argument.substr(0, at);
  if (name == "rows") chosen.rows = value;
  if (name == "journal") chosen.journal = value;
  if (name == "commit") chosen.commit = value;
  if (name == "rounds") chosen.rounds = value;
  return name == "rows" || name == "journal" || name == "commit" || name == "rounds";
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** arguments) {
  lentic::bench::load chosen;
  for (int i = 1; i < count; ++i) {
    if (!lentic::bench::set(chosen, arguments[i])) {
      std::fprintf(stderr, "usage: recovery_bench [rows=N] [journal=N] [commit=N] [rounds=N]\n");
      return 2;
    }
  }
  if (chosen.rows % chosen.journal != 0) {
    std::fprintf(stderr, "recovery_bench: rows must be a multiple of journal\n");
    return 2;
  }
  try {
    lentic::bench::run(chosen);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "recovery_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
