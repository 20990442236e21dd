// SPDX-License-Identifier: Apache-2.0
#include "posix_operations.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lentic::coro::detail {

namespace {

// -errno in place of -1.
std::int64_t outcome_of(std::int64_t returned) noexcept {
  return returned < 0 ? -std::int64_t{errno} : returned;
}

// Repeats `call` while a signal interrupts it.
template <class Call>
std::int64_t uninterrupted(Call call) noexcept {
  for (;;) {
    const std::int64_t outcome = outcome_of(call());
    if (outcome != -EINTR) return outcome;
  }
}

std::int64_t transfer(const io_request& request) noexcept {
  const auto at = static_cast<off_t>(request.offset);
  if (request.kind == io_kind::read) {
    if (request.offset == no_offset) {
      return outcome_of(::read(request.fd, request.data, request.bytes));
    }
    return uninterrupted([&] { return ::pread(request.fd, request.data, request.bytes, at); });
  }
  if (request.offset == no_offset) {
    return outcome_of(::write(request.fd, request.data, request.bytes));
  }
  return uninterrupted([&] { return ::pwrite(request.fd, request.data, request.bytes, at); });
}

// Where the file system cannot allocate, the file is at least extended: its length is part of the
// contract, its space is not promised there.
std::int64_t allocate(const io_request& request) noexcept {
  const auto at = static_cast<off_t>(request.offset);
  const auto bytes = static_cast<off_t>(request.bytes);
  const std::int64_t outcome = uninterrupted([&] { return ::fallocate(request.fd, 0, at, bytes); });
  if (outcome != -EOPNOTSUPP) return outcome;
  struct stat status {};
  if (::fstat(request.fd, &status) != 0) return -errno;
  if (status.st_size >= at + bytes) return 0;
  return uninterrupted([&] { return ::ftruncate(request.fd, at + bytes); });
}

std::int64_t list_directory(const io_request& request) noexcept try {
  const int fd = ::openat(request.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const auto close_directory = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close_directory)> directory(::fdopendir(fd));
  if (!directory) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return -errno;
  std::sort(names.begin(), names.end());
  *request.names = std::move(names);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

std::int64_t size_of(int fd) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? std::int64_t{status.st_size} : -std::int64_t{errno};
}

}  // namespace

int open_flags(const io_request& request) noexcept {
  return request.flags | O_CLOEXEC | (request.fd == AT_FDCWD ? 0 : O_NOFOLLOW);
}

bool breaks_chain(const io_request& request, std::int64_t outcome) noexcept {
  if (outcome < 0) return true;
  const bool transfers = request.kind == io_kind::read || request.kind == io_kind::write;
  return transfers && static_cast<std::uint64_t>(outcome) != request.bytes;
}

std::int64_t posix_execute(const io_request& request) noexcept {
  const int fd = request.fd;
  switch (request.kind) {
    case io_kind::nop:
      return 0;
    case io_kind::open:
      return uninterrupted(
          [&] { return ::openat(fd, request.path, open_flags(request), request.mode); });
    case io_kind::close:  // never repeated: Linux frees the descriptor even when interrupted
      return outcome_of(::close(fd));
    case io_kind::read:
    case io_kind::write:
      return transfer(request);
    case io_kind::data_sync:
      return outcome_of(::fdatasync(fd));
    case io_kind::sync_directory:
      return outcome_of(::fsync(fd));
    case io_kind::allocate:
      return allocate(request);
    case io_kind::truncate:
      return uninterrupted([&] { return ::ftruncate(fd, static_cast<off_t>(request.offset)); });
    case io_kind::rename:
      return outcome_of(::renameat(fd, request.path, fd, request.path2));
    case io_kind::unlink:
      return outcome_of(::unlinkat(fd, request.path, 0));
    case io_kind::make_directory:
      return outcome_of(::mkdirat(fd, request.path, request.mode));
    case io_kind::list_directory:
      return list_directory(request);
    case io_kind::size:
      return size_of(fd);
    case io_kind::lock:
      return uninterrupted([&] { return ::flock(fd, request.flags); });
    case io_kind::link:
      return outcome_of(::linkat(fd, request.path, request.fd2, request.path2, 0));
  }
  return -EINVAL;
}

int posix_require_regular(int fd) noexcept {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return -errno;
  if (S_ISDIR(status.st_mode)) return -EISDIR;
  if (!S_ISREG(status.st_mode)) return -ENXIO;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return -errno;
  return 0;
}

result<std::span<const std::byte>> posix_map(int fd, std::size_t bytes) {
  void* const start = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (start == MAP_FAILED) return std::error_code(errno, std::system_category());
  ::madvise(start, bytes, MADV_RANDOM);  // advice only: a refusal costs speed, nothing else
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  return std::span<const std::byte>(static_cast<const std::byte*>(start), bytes);
}

std::uint64_t posix_blocking_faults() noexcept {
  rusage used{};
  return ::getrusage(RUSAGE_THREAD, &used) == 0 ? static_cast<std::uint64_t>(used.ru_majflt) : 0;
}

void posix_unmap(std::span<const std::byte> mapping) noexcept {
  ::munmap(const_cast<std::byte*>(mapping.data()), mapping.size());
}

}  // namespace lentic::coro::detail
