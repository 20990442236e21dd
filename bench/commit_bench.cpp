// SPDX-License-Identifier: Apache-2.0
// commit_bench: how long one journal frame takes until it is durable, over files of several kinds:
//
//   grown     files that are made, and grow by 1 MiB of allocated zeros
//   reused    files that are written over, with a block behind each frame that ends the journal
//   direct    the same bytes over written blocks with O_DIRECT; a bare file, no journal
//   three     three journals over reused files, one third of the payload each, all at once: one log
//             for each of three stores in place of one that they share
//
//   commit_bench [COMMITS]       of each kind and size; 200 by default
//
// The kinds take turns, commit by commit, so that other jobs on the machine disturb all alike.
#include "journal.hpp"

#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/coro/sync_wait.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>

namespace lentic::bench {
namespace {

using detail::journal;
using detail::payload_writer;

constexpr const char* data_directory = "commit_bench.data";
constexpr std::uint64_t file_bytes = std::uint64_t{16} << 20;
constexpr std::array<std::size_t, 3> sizes{3'000, 60'000, 500'000};

double now_us() {
  using namespace std::chrono;
  return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

struct samples {
  std::vector<double> us;

  double at(double part) {
    std::sort(us.begin(), us.end());
    return us.at(static_cast<std::size_t>(part * static_cast<double>(us.size() - 1)));
  }
};

// A journal in a directory of its own, of which two files are live.
class one_journal {
 public:
  one_journal(coro::runtime& runtime, std::string name, bool reuses) : runtime_(&runtime) {
    path_ = std::string(data_directory) + "/" + name;
    options_.environment = 1;
    options_.reuses_files = reuses;
  }

  task<void> open() {
    co_await coro::directory::make(runtime_->io(), path_);
    home_ = co_await coro::directory::open(runtime_->io(), path_, nullptr);
    journal_ = std::make_unique<journal>(home_, options_);
    journal::frame_handler none = [](std::uint64_t, bytes_view) { return true; };
    const detail::journal_start start;
    co_await journal_->replay(start, none);
    co_await journal_->prepare_to_append();
  }

  // The frame is built beside the commit before it, and here before the clock runs.
  void prepare(std::size_t payload_bytes) {
    frame_ = payload_writer();
    frame_.position({}, bytes(payload_bytes));
  }

  task<void> commit() {
    ++sequence_;
    co_await journal_->append(sequence_, frame_, durability::synced);
    const auto& files = journal_->files();
    if (files.size() > 2) co_await journal_->remove_before(files[files.size() - 2].number);
  }

  // Until each file that comes has been written before.
  task<void> warm_up() {
    for (std::uint64_t written = 0; written < 8 * file_bytes; written += 500'000) {
      prepare(500'000);
      co_await commit();
    }
  }

 private:
  coro::runtime* runtime_;
  std::string path_;
  detail::journal_options options_;
  coro::directory home_;
  std::unique_ptr<journal> journal_;
  payload_writer frame_;
  std::uint64_t sequence_ = 0;
};

// Written blocks, taken in turn, with O_DIRECT.
class direct_file {
 public:
  static constexpr std::size_t alignment = 4096;

  direct_file() : buffer_(::operator new(buffer_bytes, std::align_val_t{alignment})) {
    std::fill_n(static_cast<char*>(buffer_), buffer_bytes, 'x');
  }
  direct_file(const direct_file&) = delete;
  direct_file& operator=(const direct_file&) = delete;
  ~direct_file() { ::operator delete(buffer_, std::align_val_t{alignment}); }

  // False where the file system does not take O_DIRECT.
  task<bool> open(coro::runtime& runtime) {
    std::string path = data_directory;
    home_ = co_await coro::directory::open(runtime.io(), path, nullptr);
    std::string name = "direct";
    const int flags = O_RDWR | O_CREAT | O_DIRECT;
    result<coro::file> opened = co_await as_result(home_.open_file(name, flags));
    if (!opened) co_return false;
    file_ = std::move(*opened);
    for (std::uint64_t at = 0; at < file_bytes; at += buffer_bytes)
      co_await file_.write(whole(buffer_bytes), at);
    co_await file_.sync();
    co_return true;
  }

  task<void> commit(std::size_t payload_bytes) {
    const std::uint64_t need = detail::frame_bytes(payload_bytes) + alignment;
    if (offset_ + need > file_bytes) offset_ = 0;
    co_await file_.write_and_sync(whole(need), offset_);
    offset_ += need - alignment;
  }

 private:
  static constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

  std::span<const std::byte> whole(std::size_t bytes) const {
    return {static_cast<const std::byte*>(buffer_), bytes};
  }

  void* buffer_;
  coro::directory home_;
  coro::file file_;
  std::uint64_t offset_ = 0;
};

task<void> commit_all(coro::runtime& runtime, std::array<one_journal*, 3> all) {
  coro::scope together(runtime.queue());
  for (one_journal* const each : all) together.spawn(each->commit());
  co_await together.join();
}

struct kinds {
  samples grown, reused, direct, three;
};

void print(std::size_t size, const char* name, samples& kind) {
  if (kind.us.empty()) return;
  std::printf("%8zu B  %-8s p50 %8.0f us   p99 %8.0f us\n", size, name, kind.at(0.5),
              kind.at(0.99));
}

task<void> measure(coro::runtime& runtime, int commits) {
  one_journal grown(runtime, "grown", false);
  one_journal reused(runtime, "reused", true);
  one_journal first(runtime, "first", true);
  one_journal second(runtime, "second", true);
  one_journal third(runtime, "third", true);
  direct_file direct;
  for (one_journal* const each : {&grown, &reused, &first, &second, &third}) {
    co_await each->open();
    co_await each->warm_up();
  }
  const bool takes_direct = co_await direct.open(runtime);
  const std::array<one_journal*, 3> all{&first, &second, &third};
  for (const std::size_t size : sizes) {
    kinds times;
    for (int i = 0; i < commits; ++i) {
      grown.prepare(size);
      reused.prepare(size);
      for (one_journal* const each : all) each->prepare(size / all.size());
      double before = now_us();
      co_await grown.commit();
      times.grown.us.push_back(now_us() - before);
      before = now_us();
      co_await reused.commit();
      times.reused.us.push_back(now_us() - before);
      before = now_us();
      if (takes_direct) co_await direct.commit(size);
      if (takes_direct) times.direct.us.push_back(now_us() - before);
      before = now_us();
      co_await commit_all(runtime, all);
      times.three.us.push_back(now_us() - before);
    }
    print(size, "grown", times.grown);
    print(size, "reused", times.reused);
    print(size, "direct", times.direct);
    print(size, "three", times.three);
  }
}

}  // namespace
}  // namespace lentic::bench

int main(int count, char** words) {
  const int commits = count > 1 ? std::atoi(words[1]) : 200;
  if (count > 2 || commits < 1) {
    std::fputs("usage: commit_bench [COMMITS]\n", stderr);
    return 2;
  }
  try {
    std::filesystem::remove_all(lentic::bench::data_directory);
    std::filesystem::create_directory(lentic::bench::data_directory);
    asio::io_context context;
    lentic::coro::asio_runtime runtime(context);
    lentic::sync_wait(runtime, lentic::bench::measure(runtime, commits));
    std::filesystem::remove_all(lentic::bench::data_directory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "commit_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
