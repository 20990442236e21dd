// SPDX-License-Identifier: Apache-2.0
// What snapshots cost the writer: 1,000,000 puts of N keys in random order (default 200,000; the
// only argument), 28-byte keys and 16-byte values, over memory_store and over an environment in
// memory, hashed rows. `plain` is the store alone, `recorded` the same behind a snapshot_store,
// `held` with a snapshot that is open through all of it, which saves each key's old value once.
// Rounds of all three take turns; the median is printed, ns a put, and the ratio to `plain`. Then
// what a snapshot costs by itself.
#include <lentic/coro/asio_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/store/memory_store.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace lentic {
namespace {

constexpr std::size_t put_count = 1'000'000;
constexpr int rounds = 7;

class workload {
 public:
  const std::size_t key_count;
  explicit workload(std::size_t keys) : key_count(keys) {
    for (std::size_t i = 0; i < key_count; ++i) {
      const std::string number = std::to_string(i * 7919 % keys);
      keys_.push_back("a key of some length " + std::string(7 - number.size(), '0') + number);
    }
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < put_count; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      order_.push_back(static_cast<std::uint32_t>((state >> 33U) % keys));
    }
  }
  void fill(byte_store& store) const {
    for (const std::string& key : keys_) store.put(as_bytes(key), as_bytes(value_)).take();
  }
  // ns a put.
  double put_all(byte_store& store) const {
    const auto start = std::chrono::steady_clock::now();
    for (const std::uint32_t each : order_)
      store.put(as_bytes(keys_[each]), as_bytes(value_)).take();
    return ns_since(start) / static_cast<double>(put_count);
  }
  double get_all(byte_store& rows) const {
    std::uint64_t bytes = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::uint32_t each : order_) bytes += rows.get(as_bytes(keys_[each])).take()->size();
    const double ns = ns_since(start) / static_cast<double>(put_count);
    return bytes == put_count * value_.size() ? ns : -1;
  }
  static double ns_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
        .count();
  }

 private:
  std::vector<std::string> keys_;
  std::vector<std::uint32_t> order_;
  std::string value_ = std::string(16, 'v');
};

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// One store below for all three, so that where its rows lie in memory is the same.
void compare_puts(const char* name, const workload& work, coro::runtime& runtime,
                  byte_store& rows) {
  const auto recorded = make_snapshot_store(rows, runtime);
  work.fill(rows);
  std::array<std::vector<double>, 3> times;
  std::vector<double> reads;
  std::uint64_t kept = 0;
  for (int round = 0; round < rounds; ++round) {
    times[0].push_back(work.put_all(rows));
    times[1].push_back(work.put_all(*recorded));
    snapshot_limits limits;
    limits.max_bytes = 0;
    const auto then = recorded->open_snapshot(limits).take();
    times[2].push_back(work.put_all(*recorded));
    reads.push_back(work.get_all(*then));
    kept = then->bytes();
  }
  const double plain = median(times[0]);
  std::printf("%-12s plain %6.1f ns   recorded %6.1f ns (%.3f)   held %6.1f ns (%.3f)\n", name,
              plain, median(times[1]), median(times[1]) / plain, median(times[2]),
              median(times[2]) / plain);
  std::printf("%-12s get of a snapshot %6.1f ns; it keeps %.1f bytes a changed key\n", name,
              median(reads), static_cast<double>(kept) / static_cast<double>(work.key_count));
}

void open_and_close(const workload& work, coro::runtime& runtime) {
  constexpr int times = 100'000;
  memory_store rows;
  work.fill(rows);
  const auto store = make_snapshot_store(rows, runtime);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) static_cast<void>(store->open_snapshot().take());
  std::printf("open and close, %zu rows: %.1f ns\n", work.key_count,
              workload::ns_since(start) / times);
}

int run(std::size_t key_count) {
  asio::io_context context;
  coro::asio_runtime runtime(context);
  const workload work(key_count);
  memory_store memory(young_layout::hashed);
  compare_puts("memory_store", work, runtime, memory);
  const auto env = sync_wait(runtime, environment::open(runtime, {}));
  compare_puts("environment", work, runtime, env->open_byte_store("rows", young_layout::hashed));
  sync_wait(runtime, env->close());
  open_and_close(work, runtime);
  return 0;
}

}  // namespace
}  // namespace lentic

int main(int count, char** arguments) {
  const unsigned long keys = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 200'000;
  return lentic::run(keys == 0 ? 1 : keys);
}
