// SPDX-License-Identifier: Apache-2.0
#include "figures.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>

namespace lentic::bench {

namespace {

std::uint64_t hash_of(std::uint64_t seed, bytes_view raw) noexcept {
  std::uint64_t hash = mixed(seed ^ raw.size());
  while (!raw.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min(raw.size(), sizeof word);
    std::memcpy(&word, raw.data(), count);
    hash = mixed(hash ^ word);
    raw = raw.subspan(count);
  }
  return hash;
}

double cpu_seconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// 0 where the kernel does not count.
std::uint64_t written_bytes() {
  std::ifstream counts("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (counts >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

// Of the process, without pages of files; 0 where the kernel does not tell.
std::uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  constexpr std::string_view name = "RssAnon:";
  while (std::getline(status, line)) {
    if (line.starts_with(name))
      return 1024 * std::strtoull(line.c_str() + name.size(), nullptr, 10);
  }
  return 0;
}

std::uint64_t allocated_bytes(const std::string& directory) {
  std::uint64_t sum = 0;
  if (directory.empty()) return sum;
  for (const auto& each : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat found {};
    if (stat(each.path().c_str(), &found) == 0 && S_ISREG(found.st_mode))
      sum += 512 * static_cast<std::uint64_t>(found.st_blocks);
  }
  return sum;
}

// Sorts `values`; 0 when there are none.
double per_mille(std::vector<double>& values, std::size_t share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() * share / 1000];
}

}  // namespace

void row_digest::add(bytes_view key, bytes_view value) noexcept {
  ++rows_;
  sum_ += hash_of(hash_of(1, key), value);
}

double now_seconds() noexcept {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

run_meter::run_meter(std::string directory)
    : directory_(std::move(directory)),
      start_seconds_(now_seconds()),
      start_cpu_seconds_(cpu_seconds()),
      start_written_bytes_(written_bytes()),
      start_memory_bytes_(anonymous_bytes()) {}

void run_meter::expiry_took(double seconds) {
  figures_.expiry_max_ms = std::max(figures_.expiry_max_ms, 1000 * seconds);
}

void run_meter::end_of_events(const workload& work) {
  figures_.seconds = now_seconds() - start_seconds_;
  figures_.cpu_seconds = cpu_seconds() - start_cpu_seconds_;
  figures_.written_bytes = written_bytes() - start_written_bytes_;
  figures_.put_bytes = work.put_bytes();
  figures_.event_p50_us = 1e6 * per_mille(events_, 500);
  figures_.event_p999_us = 1e6 * per_mille(events_, 999);
  figures_.commit_p50_ms = 1000 * per_mille(commits_, 500);
  figures_.commit_p99_ms = 1000 * per_mille(commits_, 990);
  const std::uint64_t memory = anonymous_bytes();
  figures_.memory_bytes = memory - std::min(memory, start_memory_bytes_);
  figures_.disk_bytes = allocated_bytes(directory_);
}

void run_meter::fetch_took(double seconds, std::uint64_t rows) {
  fetches_.push_back(seconds);
  figures_.fetched += rows;
}

void run_meter::scan_took(double seconds, std::uint64_t rows) {
  figures_.scan_seconds = seconds;
  figures_.rows = rows;
}

void run_meter::end_of_run(const row_digest& digest) {
  figures_.fetch_p50_us = 1e6 * per_mille(fetches_, 500);
  figures_.fetch_p99_us = 1e6 * per_mille(fetches_, 990);
  figures_.rows = digest.rows();
  figures_.digest = digest.sum();
}

}  // namespace lentic::bench
