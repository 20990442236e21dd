// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/file.hpp>
#include <lentic/coro/io_op.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>

namespace lentic::coro {

namespace {

// One operation moves at most this much: the kernel cuts larger ones short anyway.
constexpr std::size_t transfer_bytes_max = std::size_t{1} << 30;

[[noreturn]] void raise(std::int64_t result, const std::string& what) {
  throw std::system_error(static_cast<int>(-result), std::system_category(), what);
}

bool passing(std::int64_t result) {
  return result == -EINTR || result == -EAGAIN;
}

io_request request(io_kind kind, const descriptor& handle) {
  io_request made;
  made.kind = kind;
  made.fd = handle.fd();
  return made;
}

io_request write_request(const descriptor& handle, std::span<const std::byte> from,
                         std::uint64_t offset) {
  io_request made = request(io_kind::write, handle);
  made.data = const_cast<std::byte*>(from.data());  // a write does not change it
  made.bytes = std::min(from.size(), transfer_bytes_max);
  made.offset = offset;
  return made;
}

void count_write(const descriptor& handle, std::size_t bytes) {
  if (handle.counters() != nullptr) handle.counters()->bytes_written += bytes;
}

task<std::int64_t> run(io_engine& engine, io_request what) {
  for (;;) {
    const std::int64_t result = co_await io_op(engine, what);
    if (result != -EINTR) co_return result;
  }
}

task<int> open_at(io_engine& engine, int fd, std::string path, std::string shown, int flags) {
  io_request what;
  what.kind = io_kind::open;
  what.fd = fd;
  what.path = path.c_str();
  what.flags = flags;
  what.mode = 0600;
  const std::int64_t result = co_await run(engine, what);
  if (result < 0) raise(result, "open " + shown);
  co_return static_cast<int>(result);
}

task<bool> make_at(io_engine& engine, int fd, std::string path, std::string shown) {
  io_request what;
  what.kind = io_kind::make_directory;
  what.fd = fd;
  what.path = path.c_str();
  what.mode = 0700;
  const std::int64_t result = co_await run(engine, what);
  if (result == -EEXIST) co_return false;
  if (result < 0) raise(result, "make directory " + shown);
  co_return true;
}

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) engine_->close_now(fd_);
  engine_ = other.engine_;
  fd_ = std::exchange(other.fd_, -1);
  name_ = std::move(other.name_);
  counters_ = other.counters_;
  return *this;
}

descriptor::~descriptor() {
  if (fd_ >= 0) engine_->close_now(fd_);
}

task<std::size_t> file::read(std::span<std::byte> to, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < to.size()) {
    io_request what = request(io_kind::read, handle_);
    what.data = to.data() + done;
    what.bytes = std::min(to.size() - done, transfer_bytes_max);
    what.offset = offset + done;
    const std::int64_t result = co_await io_op(handle_.engine(), what);
    if (passing(result)) continue;
    if (result < 0) raise(result, "read " + name());
    if (result == 0) break;
    done += static_cast<std::size_t>(result);
    if (handle_.counters() != nullptr)
      handle_.counters()->bytes_read += static_cast<std::uint64_t>(result);
  }
  co_return done;
}

task<void> file::write(std::span<const std::byte> from, std::uint64_t offset) {
  while (!from.empty()) {
    const io_request what = write_request(handle_, from, offset);
    count_write(handle_, what.bytes);
    const std::int64_t result = co_await io_op(handle_.engine(), what);
    if (passing(result)) continue;
    if (result <= 0) raise(result == 0 ? -EIO : result, "write " + name());
    from = from.subspan(static_cast<std::size_t>(result));
    offset += static_cast<std::uint64_t>(result);
  }
}

task<void> file::write_and_sync(std::span<const std::byte> from, std::uint64_t offset) {
  while (!from.empty()) {
    const io_request what = write_request(handle_, from, offset);
    const io_request barrier = request(io_kind::data_sync, handle_);
    count_write(handle_, what.bytes);
    const linked_results results = co_await linked_io_op(handle_.engine(), what, barrier);
    if (passing(results.first)) continue;
    if (results.first <= 0) raise(results.first == 0 ? -EIO : results.first, "write " + name());
    from = from.subspan(static_cast<std::size_t>(results.first));
    offset += static_cast<std::uint64_t>(results.first);
    // A sync that ran and failed is final, even if bytes are left to write.
    if (results.second < 0 && results.second != -ECANCELED)
      throw sync_error(static_cast<int>(-results.second), std::system_category(),
                       "fdatasync " + name());
    if (results.second == 0 && from.empty()) co_return;
    if (from.empty()) co_await sync();  // written in full, yet the chain broke
  }
}

task<void> file::sync() {
  const io_request what = request(io_kind::data_sync, handle_);
  const std::int64_t result = co_await io_op(handle_.engine(), what);
  if (result < 0)
    throw sync_error(static_cast<int>(-result), std::system_category(), "fdatasync " + name());
}

task<void> file::allocate(std::uint64_t offset, std::uint64_t bytes) {
  io_request what = request(io_kind::allocate, handle_);
  what.offset = offset;
  what.bytes = bytes;
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result < 0) raise(result, "allocate " + name());
}

task<void> file::truncate(std::uint64_t bytes) {
  io_request what = request(io_kind::truncate, handle_);
  what.offset = bytes;
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result < 0) raise(result, "truncate " + name());
}

task<std::uint64_t> file::size() {
  const io_request what = request(io_kind::size, handle_);
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result < 0) raise(result, "size of " + name());
  co_return static_cast<std::uint64_t>(result);
}

task<bool> file::try_lock(int flags) {
  io_request what = request(io_kind::lock, handle_);
  what.flags = flags;
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result == -EWOULDBLOCK) co_return false;
  if (result < 0) raise(result, "lock " + name());
  co_return true;
}

task<void> file::close() {
  if (!handle_) co_return;
  io_request what = request(io_kind::close, handle_);
  io_engine& engine = handle_.engine();
  const std::string shown = name();
  handle_.release();  // the descriptor is gone even when close reports an error
  const std::int64_t result = co_await io_op(engine, what);
  if (result < 0 && result != -EINTR) raise(result, "close " + shown);
}

std::span<const std::byte> file::map(std::size_t bytes) {
  result<std::span<const std::byte>> mapped = handle_.engine().map(handle_.fd(), bytes);
  if (!mapped) throw std::system_error(mapped.error(), "map " + name());
  return *mapped;
}

task<directory> directory::open(io_engine& engine, std::string path, io_counters* counters) {
  const int flags = O_RDONLY | O_DIRECTORY;
  const int fd = co_await open_at(engine, AT_FDCWD, path, path, flags);
  co_return directory(descriptor(engine, fd, path, counters));
}

task<bool> directory::make(io_engine& engine, std::string path) {
  return make_at(engine, AT_FDCWD, path, path);
}

task<file> directory::open_file(std::string name, int flags) {
  const std::string shown = handle_.name() + "/" + name;
  const int asked = flags | O_NONBLOCK;
  const int fd = co_await open_at(handle_.engine(), handle_.fd(), name, shown, asked);
  file opened(descriptor(handle_.engine(), fd, shown, handle_.counters()));
  const int refused = handle_.engine().require_regular(fd);
  if (refused < 0) raise(refused, "open " + shown + " as a regular file");
  co_return opened;
}

task<directory> directory::open_directory(std::string name) {
  const std::string shown = handle_.name() + "/" + name;
  const int flags = O_RDONLY | O_DIRECTORY;
  const int fd = co_await open_at(handle_.engine(), handle_.fd(), name, shown, flags);
  co_return directory(descriptor(handle_.engine(), fd, shown, handle_.counters()));
}

task<bool> directory::make_directory(std::string name) {
  const std::string shown = handle_.name() + "/" + name;
  const bool made = co_await make_at(handle_.engine(), handle_.fd(), name, shown);
  co_return made;
}

task<std::vector<std::string>> directory::list() {
  std::vector<std::string> names;
  io_request what = request(io_kind::list_directory, handle_);
  what.names = &names;
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result < 0) raise(result, "list " + name());
  co_return names;
}

task<void> directory::rename(std::string from, std::string to) {
  io_request what = request(io_kind::rename, handle_);
  what.path = from.c_str();
  what.path2 = to.c_str();
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result < 0) raise(result, "rename " + handle_.name() + "/" + from);
}

task<void> directory::link(std::string from, directory& to, std::string name) {
  io_request what = request(io_kind::link, handle_);
  what.path = from.c_str();
  what.fd2 = to.handle_.fd();
  what.path2 = name.c_str();
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result < 0)
    raise(result, "link " + handle_.name() + "/" + from + " as " + to.name() + "/" + name);
}

task<bool> directory::unlink(std::string name) {
  io_request what = request(io_kind::unlink, handle_);
  what.path = name.c_str();
  const std::int64_t result = co_await run(handle_.engine(), what);
  if (result == -ENOENT) co_return false;
  if (result < 0) raise(result, "unlink " + handle_.name() + "/" + name);
  co_return true;
}

task<void> directory::sync() {
  const io_request what = request(io_kind::sync_directory, handle_);
  const std::int64_t result = co_await io_op(handle_.engine(), what);
  if (result < 0)
    throw sync_error(static_cast<int>(-result), std::system_category(), "sync " + name());
}

}  // namespace lentic::coro
