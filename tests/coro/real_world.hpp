// SPDX-License-Identifier: Apache-2.0
#pragma once

// The worlds of the io_engine suite on the real file system, over io_uring and over threads: an
// io_context, a runtime and a temporary directory that disappears with the world.

#include <lentic/coro/asio_runtime.hpp>
#include <lentic/coro/run_queue.hpp>
#include <lentic/coro/uring_engine.hpp>

#include <asio/io_context.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace lentic::test {

class temporary_directory {
 public:
  temporary_directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "lentic-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::system_error(errno, std::system_category(), pattern);
    }
    path_ = pattern;
    fd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    ::close(fd_);
    std::error_code ignored;  // what is left over does not fail a test
    std::filesystem::remove_all(path_, ignored);
  }
  int fd() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
};

inline const char* why_no_uring() {
  static const std::string why = [] {
    coro::run_queue queue;
    const auto engine = coro::uring_engine::create(queue);
    return engine ? std::string() : "io_uring is refused here: " + engine.error().message();
  }();
  return why.empty() ? nullptr : why.c_str();
}

template <coro::engine_choice Choice>
class real_world {
 public:
  static constexpr bool has_streams = true;
  static const char* unavailable() {
    return Choice == coro::engine_choice::uring ? why_no_uring() : nullptr;
  }

  coro::runtime& runtime() noexcept { return runtime_; }
  asio::io_context& context() noexcept { return context_; }
  int directory() const noexcept { return directory_.fd(); }

 private:
  static coro::asio_runtime_options options() {
    coro::asio_runtime_options chosen;
    chosen.engine = Choice;
    return chosen;
  }

  temporary_directory directory_;
  asio::io_context context_{1};
  coro::asio_runtime runtime_{context_, options()};
};

using uring_world = real_world<coro::engine_choice::uring>;
using thread_world = real_world<coro::engine_choice::threads>;

}  // namespace lentic::test
