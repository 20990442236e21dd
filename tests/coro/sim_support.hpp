// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of the simulator share: requests as values, and a shell that runs one of them at a
// time in a life of its own on a disk. Threads: one. Failures are -errno, as the engine gives them.

#include <lentic/coro/io_op.hpp>
#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/coro/sync_wait.hpp>
#include <lentic/coro/task.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>

namespace lentic::coro::sim_test {

inline io_request request(io_kind kind, int fd) {
  io_request one;
  one.kind = kind;
  one.fd = fd;
  return one;
}

inline io_request open_request(const char* path, int flags, int fd = AT_FDCWD) {
  io_request one = request(io_kind::open, fd);
  one.path = path;
  one.flags = flags;
  one.mode = 0600;
  return one;
}

inline io_request write_request(int fd, std::string& bytes, std::uint64_t offset) {
  io_request one = request(io_kind::write, fd);
  one.data = bytes.data();
  one.bytes = bytes.size();
  one.offset = offset;
  return one;
}

inline io_request read_request(int fd, std::string& into, std::uint64_t offset) {
  io_request one = write_request(fd, into, offset);
  one.kind = io_kind::read;
  return one;
}

inline io_request sync_request(int fd) {
  return request(io_kind::data_sync, fd);
}

inline task<std::int64_t> perform(io_engine& engine, const io_request& one) {
  co_return co_await io_op(engine, one);
}

inline task<linked_results> perform_linked(io_engine& engine, const io_request& first,
                                           const io_request& second) {
  co_return co_await linked_io_op(engine, first, second);
}

class shell {
 public:
  explicit shell(sim_disk& disk, std::uint64_t seed = 1, sim_runtime_options options = {})
      : disk_(&disk), runtime_(disk, seed, options) {}

  sim_runtime& runtime() noexcept { return runtime_; }
  sim_disk& disk() noexcept { return *disk_; }
  sim_engine& engine() noexcept { return runtime_.engine(); }
  std::int64_t run(const io_request& one) {
    return sync_wait(runtime_, perform(runtime_.io(), one));
  }
  int open(const char* path, int flags = O_RDWR | O_CREAT, int fd = AT_FDCWD) {
    return static_cast<int>(run(open_request(path, flags, fd)));
  }
  int open_directory(const char* path) { return open(path, O_RDONLY | O_DIRECTORY); }
  std::int64_t write(int fd, std::string bytes, std::uint64_t offset) {
    return run(write_request(fd, bytes, offset));
  }
  std::int64_t sync(int fd) { return run(sync_request(fd)); }
  std::int64_t sync_directory(int fd) { return run(request(io_kind::sync_directory, fd)); }
  std::int64_t named(io_kind kind, const char* path, const char* path2 = nullptr) {
    io_request one = request(kind, AT_FDCWD);
    one.path = path;
    one.path2 = path2;
    return run(one);
  }
  std::int64_t link(const char* path, const char* path2) {
    io_request one = request(io_kind::link, AT_FDCWD);
    one.path = path;
    one.fd2 = AT_FDCWD;
    one.path2 = path2;
    return run(one);
  }
  std::int64_t resize(io_kind kind, int fd, std::uint64_t offset, std::size_t bytes = 0) {
    io_request one = request(kind, fd);
    one.offset = offset;
    one.bytes = bytes;
    return run(one);
  }
  std::int64_t lock(int fd, int operation) {
    io_request one = request(io_kind::lock, fd);
    one.flags = operation;
    return run(one);
  }
  std::string read(int fd, std::size_t bytes, std::uint64_t offset) {
    std::string into(bytes, '\0');
    const std::int64_t got = run(read_request(fd, into, offset));
    into.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return into;
  }

 private:
  sim_disk* disk_;
  sim_runtime runtime_;
};

}  // namespace lentic::coro::sim_test
