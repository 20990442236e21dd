// SPDX-License-Identifier: Apache-2.0
#include "conditions.hpp"

#include "figures.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace lentic::bench {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr int pages = 64;
constexpr int flushes = 100;

std::string scheduling() {
  sched_param chosen{};
  if (sched_getparam(0, &chosen) != 0) return "unknown";
  switch (sched_getscheduler(0)) {
    case SCHED_FIFO:
      return "fifo " + std::to_string(chosen.sched_priority);
    case SCHED_RR:
      return "round robin " + std::to_string(chosen.sched_priority);
    default:
      return "normal";
  }
}

std::string file_system(const std::string& directory) {
  struct statfs found {};
  if (statfs(directory.c_str(), &found) != 0) return "unknown";
  switch (static_cast<unsigned long>(found.f_type)) {
    case 0xef53:
      return "ext4";
    case 0x58465342:
      return "xfs";
    case 0x9123683e:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0x794c7630:
      return "overlay";
    default:
      break;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "type %lx", static_cast<unsigned long>(found.f_type));
  return text.data();
}

class scratch_file {
 public:
  explicit scratch_file(std::string path)
      : path_(std::move(path)), file_(open(path_.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0600)) {
    if (file_ < 0) throw std::system_error(errno, std::system_category(), path_);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() {
    close(file_);
    unlink(path_.c_str());
  }
  void write(int page) {
    if (pwrite(file_, content_.data(), page_bytes, page * static_cast<off_t>(page_bytes))
        != static_cast<ssize_t>(page_bytes))
      throw std::system_error(errno, std::system_category(), path_);
  }
  void flush() {
    if (fdatasync(file_) != 0) throw std::system_error(errno, std::system_category(), path_);
  }

 private:
  std::string path_;
  int file_;
  std::array<char, page_bytes> content_{};
};

double flush_p50_ms(const std::string& directory) {
  scratch_file file(directory + "/bench_flush_probe");
  for (int page = 0; page < pages; ++page) file.write(page);
  file.flush();
  std::vector<double> took;
  for (int i = 0; i < flushes; ++i) {
    const stopwatch flushing;
    file.write(i % pages);
    file.flush();
    took.push_back(1000 * flushing.seconds());
  }
  std::nth_element(took.begin(), took.begin() + flushes / 2, took.end());
  return took[flushes / 2];
}

}  // namespace

bench_conditions measure_conditions(const std::string& directory) {
  bench_conditions found;
  double load = 0;
  if (getloadavg(&load, 1) == 1) found.load_average = load;
  found.scheduling = scheduling();
  found.file_system = file_system(directory);
  found.flush_p50_ms = flush_p50_ms(directory);
  return found;
}

std::string described(const bench_conditions& conditions) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "load %.2f, priority %s, %s, a bare 4 KiB write and fdatasync %.3f ms at p50",
                conditions.load_average, conditions.scheduling.c_str(),
                conditions.file_system.c_str(), conditions.flush_p50_ms);
  return text.data();
}

}  // namespace lentic::bench
