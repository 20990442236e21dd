// SPDX-License-Identifier: Apache-2.0
// cold_read_bench: random gets of rows whose pages are not in memory, each key once:
//
//   one     one get after the other
//   N keys  as many at a time, by multi_get: the slowest of them ends the group
//   N tasks as many at a time, by tasks that each get one key after the other
//   rocksdb one Get after the other, of the same rows, when it is installed
//
//   cold_read_bench [rows=2000000] [gets=4000] [flight=32] [young=0]
//
// The page cache of the files is dropped before each part (posix_fadvise, DONTNEED, on files that
// nobody has mapped or open), so it is a state beyond memory with a memory of nothing: a memory
// limit by a control group needs rights that a benchmark seldom has. Stalls are those that the
// environment counted. With young=N also multi_get of 16 against 16 single gets of N rows in
// memory.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/when_all.hpp>
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
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
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

constexpr const char* data_directory = "cold_read_bench.data";
constexpr std::size_t value_bytes = 36;

struct load {
  std::uint64_t rows = 2'000'000;
  std::uint64_t gets = 4'000;
  std::uint64_t flight = 32;
  std::uint64_t young = 0;
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

// Distinct numbers below `rows`, spread over all of it.
std::vector<key_type> some_keys(const load& chosen, std::uint64_t part) {
  std::vector<key_type> keys;
  const std::uint64_t step = chosen.rows / chosen.gets;
  for (std::uint64_t i = 0; i < chosen.gets; ++i)
    keys.push_back(key_of(i * 7919 % chosen.gets * step + part % step));
  return keys;
}

double us_since(clock::time_point start) {
  return std::chrono::duration<double, std::micro>(clock::now() - start).count();
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

environment_options state_options() {
  environment_options options;
  options.directory = std::string(data_directory) + "/state";
  return options;
}

task<void> fill(coro::runtime& runtime, std::uint64_t rows) {
  auto env = co_await environment::open(runtime, state_options());
  segmented_store& store = env->open_segmented_store("rows");
  const bytes value(value_bytes, std::byte{'v'});
  for (std::uint64_t i = 0; i < rows; ++i) {
    const key_type key = key_of(i);
    co_await store.segment(1).put(key, value);
    if (i % 100'000 == 99'999) co_await env->commit();
  }
  store.seal_hint(1);
  co_await store.segment(2).put(as_bytes("a"), as_bytes("commit"));
  co_await env->commit();
  while (env->statistics().runs_written == 0) {
    if (env->statistics().upkeep_failures != 0) throw std::runtime_error("the seal failed");
    co_await coro::yield(runtime);
  }
  co_await env->close();
}

struct figure {
  double us_per_get = 0;
  std::uint64_t stalls = 0;
  std::uint64_t reads = 0;
};

enum class shape { groups, tasks };

task<void> get_some(byte_store& store, std::span<const bytes_view> wanted, std::size_t& next,
                    std::size_t& found) {
  while (next < wanted.size()) {
    const bytes_view key = wanted[next++];
    const std::optional<value_view> value = co_await store.get(key);
    found += value ? 1U : 0U;
  }
}

task<figure> measure(coro::runtime& runtime, const load& chosen, std::uint64_t flight, shape how) {
  drop_page_cache(data_directory);
  auto env = co_await environment::open(runtime, state_options());
  byte_store& store = env->open_segmented_store("rows").segment(1);
  const std::vector<key_type> keys = some_keys(chosen, flight);
  const std::vector<bytes_view> wanted(keys.begin(), keys.end());
  const environment_statistics before = env->statistics();
  std::size_t found = 0;
  const clock::time_point start = clock::now();
  std::size_t next = 0;
  if (how == shape::tasks) {
    std::vector<task<void>> tasks;
    for (std::uint64_t i = 0; i < flight; ++i)
      tasks.push_back(get_some(store, wanted, next, found));
    co_await coro::when_all(std::move(tasks));
  } else {
    for (std::size_t at = 0; at < wanted.size(); at += flight) {
      const std::size_t count = std::min<std::size_t>(flight, wanted.size() - at);
      const std::span<const bytes_view> some = std::span(wanted).subspan(at, count);
      const std::vector<std::optional<bytes>> values = co_await store.multi_get(some);
      found += static_cast<std::size_t>(
          std::count_if(values.begin(), values.end(), [](const auto& each) { return !!each; }));
    }
  }
  figure result;
  result.us_per_get = us_since(start) / static_cast<double>(wanted.size());
  const environment_statistics after = env->statistics();
  result.stalls = after.stalls - before.stalls;
  result.reads = after.cold_reads - before.cold_reads;
  if (found != wanted.size()) throw std::runtime_error("rows are missing");
  co_await env->close();
  co_return result;
}

void show(const std::string& name, const figure& of) {
  std::printf("%-12s %9.1f us/get %8llu reads %6llu stalls\n", name.c_str(), of.us_per_get,
              static_cast<unsigned long long>(of.reads),
              static_cast<unsigned long long>(of.stalls));
}

task<void> young(coro::runtime& runtime, std::uint64_t rows) {
  constexpr std::size_t group = 16;
  constexpr std::uint64_t gets = 2'000'000;
  auto env = co_await environment::open(runtime, environment_options());
  byte_store& store = env->open_segmented_store("rows").segment(1);
  const bytes value(value_bytes, std::byte{'v'});
  for (std::uint64_t i = 0; i < rows; ++i) {
    const key_type key = key_of(i);
    co_await store.put(key, value);
  }
  double single = 0;
  double copied = 0;
  double together = 0;
  std::uint64_t found = 0;
  for (int round = 0; round < 3; ++round) {
    std::uint64_t number = static_cast<std::uint64_t>(round);
    std::array<key_type, group> keys;
    std::array<bytes_view, group> wanted;
    const auto next_keys = [&] {
      for (std::size_t i = 0; i < group; ++i) {
        number = (number * 6364136223846793005U + 1442695040888963407U);
        keys[i] = key_of((number >> 20) % rows);
        wanted[i] = keys[i];
      }
    };
    const clock::time_point first = clock::now();
    for (std::uint64_t i = 0; i < gets; i += group) {
      next_keys();
      for (const bytes_view key : wanted) {
        const std::optional<value_view> one = co_await store.get(key);
        found += one->size();
      }
    }
    const clock::time_point second = clock::now();
    for (std::uint64_t i = 0; i < gets; i += group) {
      next_keys();
      const std::vector<std::optional<bytes>> all = co_await store.multi_get(wanted);
      for (const auto& each : all) found += each->size();
    }
    const clock::time_point third = clock::now();
    for (std::uint64_t i = 0; i < gets; i += group) {
      next_keys();
      for (const bytes_view key : wanted) {
        const std::optional<bytes> one = co_await store.get_copy(key);
        found += one->size();
      }
    }
    const clock::time_point fourth = clock::now();
    const auto ns = [](auto duration) {
      return std::chrono::duration<double, std::nano>(duration).count() / double{gets};
    };
    single = ns(second - first);
    together = ns(third - second);
    copied = ns(fourth - third);
    std::printf(
        "young %llu: get %.0f ns, get_copy %.0f ns, multi_get of 16 %.0f ns a key: %.2fx, "
        "%.2fx\n",
        static_cast<unsigned long long>(rows), single, copied, together, single / together,
        copied / together);
  }
  if (found != 9 * gets * value_bytes) throw std::runtime_error("rows are missing");
  co_await env->close();
}

#ifdef LENTIC_BENCH_ROCKSDB
void need(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("rocksdb: " + status.ToString());
}

rocksdb::Slice slice(bytes_view raw) {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

// Universal compaction, no compression, blocks of 4 KiB, a filter of 10 bits, as Kafka Streams; a
// block cache of 8 MiB; no read-ahead for single gets.
std::unique_ptr<rocksdb::DB> open_rocksdb() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.compression = rocksdb::kNoCompression;
  options.advise_random_on_open = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8U << 20);
  table.block_size = 4096;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* opened = nullptr;
  need(rocksdb::DB::Open(options, std::string(data_directory) + "/rocksdb", &opened));
  return std::unique_ptr<rocksdb::DB>(opened);
}

figure measure_rocksdb(const load& chosen) {
  {
    const std::unique_ptr<rocksdb::DB> database = open_rocksdb();
    rocksdb::WriteOptions quick;
    quick.disableWAL = true;
    const bytes value(value_bytes, std::byte{'v'});
    for (std::uint64_t i = 0; i < chosen.rows; ++i)
      need(database->Put(quick, slice(key_of(i)), slice(value)));
    need(database->Flush({}));
    need(database->CompactRange({}, nullptr, nullptr));
  }
  drop_page_cache(data_directory);
  const std::unique_ptr<rocksdb::DB> database = open_rocksdb();
  const std::vector<key_type> keys = some_keys(chosen, 1);
  std::string value;
  need(database->Get({}, slice(keys[0]), &value));  // index and filter
  const clock::time_point start = clock::now();
  for (const key_type& key : keys) need(database->Get({}, slice(key), &value));
  figure result;
  result.us_per_get = us_since(start) / static_cast<double>(keys.size());
  return result;
}
#endif

void run(const load& chosen) {
  fs::remove_all(data_directory);
  fs::create_directory(data_directory);
  asio::io_context context(1);
  coro::asio_runtime runtime(context);
  if (chosen.young != 0) sync_wait(runtime, young(runtime, chosen.young));
  sync_wait(runtime, fill(runtime, chosen.rows));
  for (int round = 0; round < 3; ++round) {
    const figure one = sync_wait(runtime, measure(runtime, chosen, 1, shape::tasks));
    const figure keys = sync_wait(runtime, measure(runtime, chosen, chosen.flight, shape::groups));
    const figure tasks = sync_wait(runtime, measure(runtime, chosen, chosen.flight, shape::tasks));
    const std::string flight = std::to_string(chosen.flight);
    show("one", one);
    show(flight + " keys", keys);
    show(flight + " tasks", tasks);
    std::printf("%-12s %9.2fx %.2fx\n", "ratio", one.us_per_get / keys.us_per_get,
                one.us_per_get / tasks.us_per_get);
  }
#ifdef LENTIC_BENCH_ROCKSDB
  show("rocksdb", measure_rocksdb(chosen));
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
  if (error != std::errc() || end != argument.data() + argument.size()) return false;
  const std::string_view name = argument.substr(0, at);
  if (name == "rows") chosen.rows = value;
  if (name == "gets") chosen.gets = value;
  if (name == "flight") chosen.flight = value;
  if (name == "young") chosen.young = value;
  return name == "rows" || name == "gets" || name == "flight" || name == "young";
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** arguments) {
  lentic::bench::load chosen;
  for (int i = 1; i < count; ++i) {
    if (!lentic::bench::set(chosen, arguments[i])) {
      std::fprintf(stderr, "usage: cold_read_bench [rows=N] [gets=N] [flight=N] [young=N]\n");
      return 2;
    }
  }
  if (chosen.gets == 0 || chosen.rows / chosen.gets < 2 || chosen.flight < 2) {
    std::fprintf(stderr, "cold_read_bench: rows must be at least twice gets, flight at least 2\n");
    return 2;
  }
  try {
    lentic::bench::run(chosen);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cold_read_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
