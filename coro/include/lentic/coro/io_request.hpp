// SPDX-License-Identifier: Apache-2.0
#pragma once

// One operation on the outside world, as every io_engine understands it. The awaiters of io_op.hpp
// build these; stores and tools use file.hpp and never see one.
//
// Lifetime: a request, its buffers and its paths outlive its completion, whatever happens:
// cancelling means asking, then waiting for the completion all the same.
// Threads: the thread of the engine that it was started on.

#include <lentic/coro/run_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lentic::coro {

// offset of a read or write on something that has no position: pipe, terminal, socket.
inline constexpr std::uint64_t no_offset = ~std::uint64_t{0};

// Result: >= 0 as the system call gives it, or -errno.
enum class io_kind : std::uint8_t {
  nop,
  open,            // openat(fd, path, flags, mode): a descriptor
  close,           // close(fd)
  read,            // pread(fd, data, bytes, offset); read() with no_offset
  write,           // pwrite(fd, data, bytes, offset); write() with no_offset
  data_sync,       // fdatasync(fd)
  sync_directory,  // fsync(fd) of a directory: its names are durable
  allocate,        // posix allocation of [offset, offset + bytes); extends the file
  truncate,        // ftruncate(fd, offset)
  rename,          // renameat(fd, path, fd, path2)
  unlink,          // unlinkat(fd, path)
  make_directory,  // mkdirat(fd, path, mode)
  list_directory,  // names of the entries of fd, without . and .., sorted, into *names
  size,            // st_size of fd
  lock,            // flock(fd, flags): -EWOULDBLOCK when another description holds it
  link,            // linkat(fd, path, fd2, path2): one more name of a file; follows no link
};

enum class io_state : std::uint8_t { idle, started, done };

struct io_request : ready_node {
  io_kind kind = io_kind::nop;
  io_state state = io_state::idle;
  bool cancel_asked = false;
  int fd = -1;
  int fd2 = -1;  // of link: the directory of path2
  int flags = 0;
  unsigned mode = 0;
  void* data = nullptr;
  std::size_t bytes = 0;
  std::uint64_t offset = 0;
  const char* path = nullptr;
  const char* path2 = nullptr;
  std::vector<std::string>* names = nullptr;
  std::int64_t result = 0;

  // Engine's own: links a backlog or a chain, or finds the request in a table.
  bool engine_linked = false;   // the next of the chain runs only after this one
  bool engine_polling = false;  // waits until the descriptor is ready, then runs
  io_request* engine_next = nullptr;
  std::uint64_t engine_number = 0;

  // Requests that complete together share a counter: the last one of them wakes `wake`.
  struct group {
    std::size_t open = 0;
    ready_node* wake = nullptr;
  };
  group* joined = nullptr;
};

}  // namespace lentic::coro
