// SPDX-License-Identifier: Apache-2.0
#pragma once

// file and directory: the operations that stores need, as tasks over an io_engine. Names are
// relative to a directory that is open, so a path swapped meanwhile leads nowhere else.
//
// Errors: std::system_error with the system's code and the operation and name as its text. A failed
// fdatasync or directory sync throws sync_error instead: what is durable is unknown then, and the
// sync must not be retried.
// Threads: the engine's. Lifetime: the object and the buffers outlive the returned task.
// Cancellation: none; a write that has started is not stopped.
// The destructor closes the descriptor at once; close() does it through the engine.

#include <lentic/coro/io_engine.hpp>
#include <lentic/coro/task.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::coro {

class sync_error : public std::system_error {
 public:
  using std::system_error::system_error;
};

// Bytes handed to write and read operations; shared by the files of one directory tree.
struct io_counters {
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_read = 0;
};

// An open descriptor and what messages and statistics need to know of it.
class descriptor {
 public:
  descriptor() = default;
  descriptor(io_engine& engine, int fd, std::string name, io_counters* counters) noexcept
      : engine_(&engine), fd_(fd), name_(std::move(name)), counters_(counters) {}
  descriptor(descriptor&& other) noexcept
      : engine_(other.engine_),
        fd_(std::exchange(other.fd_, -1)),
        name_(std::move(other.name_)),
        counters_(other.counters_) {}
  descriptor& operator=(descriptor&& other) noexcept;
  ~descriptor();

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  io_engine& engine() const noexcept { return *engine_; }
  const std::string& name() const noexcept { return name_; }
  io_counters* counters() const noexcept { return counters_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  io_engine* engine_ = nullptr;
  int fd_ = -1;
  std::string name_;
  io_counters* counters_ = nullptr;
};

class file {
 public:
  file() = default;
  explicit file(descriptor handle) noexcept : handle_(std::move(handle)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
  const std::string& name() const noexcept { return handle_.name(); }

  // Bytes read; fewer than asked only at the end of the file.
  task<std::size_t> read(std::span<std::byte> to, std::uint64_t offset);
  // Writes all of `from`.
  task<void> write(std::span<const std::byte> from, std::uint64_t offset);
  // The same, durable when it returns: one write linked to one fdatasync; after a short write, the
  // rest with a new one.
  task<void> write_and_sync(std::span<const std::byte> from, std::uint64_t offset);
  // fdatasync: covers the writes that have completed.
  task<void> sync();
  // Makes room for [offset, offset + bytes), which reads as zeros where nothing was written.
  task<void> allocate(std::uint64_t offset, std::uint64_t bytes);
  task<void> truncate(std::uint64_t bytes);
  task<std::uint64_t> size();
  // False when another open description holds the lock. `flags`: LOCK_EX or LOCK_SH.
  task<bool> try_lock(int flags);
  task<void> close();

  // Maps the first `bytes` read-only; see io_engine::map. The map outlives the file.
  std::span<const std::byte> map(std::size_t bytes);

 private:
  descriptor handle_;
};

class directory {
 public:
  directory() = default;
  explicit directory(descriptor handle) noexcept : handle_(std::move(handle)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
  const std::string& name() const noexcept { return handle_.name(); }

  // Opens `path`, relative to the working directory.
  static task<directory> open(io_engine& engine, std::string path, io_counters* counters);
  // Makes `path` with mode 0700; false when it was there.
  static task<bool> make(io_engine& engine, std::string path);

  // `flags` as for open(2), e.g. O_RDWR | O_CREAT | O_EXCL; new files have mode 0600. What is not a
  // regular file is refused, with EISDIR or ENXIO, and never waited for.
  task<file> open_file(std::string name, int flags);
  task<directory> open_directory(std::string name);
  task<bool> make_directory(std::string name);
  // Sorted.
  task<std::vector<std::string>> list();
  task<void> rename(std::string from, std::string to);
  // One more name, in `to`, for a file: both are the same bytes from then on. Errors: EXDEV, EPERM
  // and EMLINK among others where the file systems do not take it. `to` outlives the task.
  task<void> link(std::string from, directory& to, std::string name);
  // False when there was no such name.
  task<bool> unlink(std::string name);
  // The names in it are durable.
  task<void> sync();

 private:
  descriptor handle_;
};

}  // namespace lentic::coro
