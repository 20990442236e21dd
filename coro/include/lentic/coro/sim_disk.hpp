// SPDX-License-Identifier: Apache-2.0
#pragma once

// sim_disk: a file system in memory that forgets like a real one, for crash tests. It outlives the
// simulated processes: a story is several sim_runtimes, one after the other, over one disk.
//
// What is durable: a file has a media image and a list of unsynced changes; read() and map see the
// cache, that is, all changes. data_sync() makes the changes of one file durable (bytes and size,
// not its name); sync_directory() the names of one directory (not the bytes).
// power_cut() decides by the seed: each unsynced 512-byte sector keeps its old bytes or has those
// of one of the unsynced writes to it and of all before that one (lost, torn and reordered writes
// in one rule); sizes and names follow sim_disk_options; of unsynced truncations a prefix happened.
// end_process() is death without a power cut: the cache stays, descriptors and locks go.
//
// Threads: one. Cost: an operation depends on the bytes it moves and on what its file has unsynced,
// never on the size of the disk; files are sparse.
// Not modelled: torn sectors, torn names, links, permissions, holes in the accounting of space.

#include <lentic/coro/sim_random.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::coro {

// How far an unsynced growth of a file got.
enum class sim_sizes : std::uint8_t {
  ordered,  // the size grows only over data that is on the media (ext4 data=ordered)
  zeros,    // the size may be ahead of the data; the gap reads as zeros (XFS, unwritten extents)
  garbage,  // the size may be ahead of the data; the gap holds bytes of deleted files, or noise
};

// Which unsynced creations, renames and removals of names survive.
enum class sim_names : std::uint8_t {
  prefix,      // in the order in which they happened, up to some point (a journal)
  any_subset,  // any of them (a file system without a journal)
};

struct sim_disk_options {
  sim_sizes sizes = sim_sizes::ordered;
  sim_names names = sim_names::prefix;
  // Space is charged up to the highest byte of a file that was written or allocated, in 4 KiB.
  std::uint64_t capacity_bytes = ~std::uint64_t{0};

  // One of the six models, chosen by the seed: what a campaign wants.
  static sim_disk_options drawn(std::uint64_t seed) noexcept;
};

namespace detail {
struct sim_node;
class sim_tree;
}  // namespace detail

class sim_disk {
 public:
  static constexpr std::size_t sector_bytes = 512;
  static constexpr std::size_t page_bytes = 4096;
  static constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 32U;  // past it: -EFBIG
  static constexpr int first_fd = 3;
  using page = std::array<std::byte, page_bytes>;

  explicit sim_disk(std::uint64_t seed, sim_disk_options options = {});
  sim_disk(const sim_disk&) = delete;
  sim_disk& operator=(const sim_disk&) = delete;
  ~sim_disk();

  // The crash. Every descriptor and lock is gone. Nothing changes when nothing is unsynced.
  void power_cut();
  int begin_process() noexcept { return ++processes_; }
  // Closes what the process has open and drops its locks.
  void end_process(int process);

  // --- for sim_engine: each answers like the system call, -errno for a failure ---
  // `fd` AT_FDCWD, or a path that begins with '/', means the root. A descriptor is never used
  // again, so one that was closed, or belongs to an earlier life, is -EBADF. Flags known:
  // access mode, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY; others have no effect.
  std::int64_t open(int process, int fd, std::string_view path, int flags);
  std::int64_t close(int fd);
  // no_offset stands for the position of the descriptor.
  std::int64_t read(int fd, std::span<std::byte> to, std::uint64_t offset);
  enum class fate : std::uint8_t { normal, never_lands };
  std::int64_t write(int fd, std::span<const std::byte> from, std::uint64_t offset,
                     fate outcome = fate::normal);
  std::int64_t allocate(int fd, std::uint64_t offset, std::uint64_t bytes);
  std::int64_t truncate(int fd, std::uint64_t bytes);
  // Covers the changes numbered up to `upto`, a value of changes() at the time the sync began.
  std::int64_t data_sync(int fd, std::uint64_t upto);
  // What a failed sync leaves: the data reads well and counts as clean, and never lands.
  void fail_data_sync(int fd);
  std::int64_t sync_directory(int fd);
  std::int64_t rename(int fd, std::string_view from, std::string_view to);
  std::int64_t unlink(int fd, std::string_view path);
  std::int64_t link(int fd, std::string_view from, int fd2, std::string_view to);
  std::int64_t make_directory(int fd, std::string_view path);
  std::int64_t list(int fd, std::vector<std::string>& names);
  std::int64_t size(int fd);
  int require_regular(int fd) noexcept;
  std::int64_t lock(int fd, int operation);
  std::uint64_t changes() const noexcept { return changes_; }

  // --- for tests, outside of any process; paths from the root ---
  std::optional<std::string> content(std::string_view path) const;
  // Creates or replaces a durable file. Precondition: its directory exists.
  void put_file(std::string_view path, std::string_view bytes);
  // Bit rot, in cache and media. False when there is no such bit.
  bool flip_bit(std::string_view path, std::uint64_t bit);
  std::uint64_t used_bytes() const noexcept;
  void set_capacity(std::uint64_t bytes) noexcept { options_.capacity_bytes = bytes; }
  // Over names, sizes and bytes as the cache has them. O(bytes on the disk).
  std::uint64_t image_hash() const;

 private:
  using node_ptr = std::shared_ptr<detail::sim_node>;
  struct description {
    node_ptr node;  // null once closed
    int process = 0;
    int flags = 0;
    std::uint64_t position = 0;
    int locked = 0;  // LOCK_SH, LOCK_EX or 0
  };

  description* find(int fd) noexcept;
  node_ptr start_of(int fd, std::string_view path) noexcept;
  void release(description& open);
  // How many of the bytes fit when the file is charged up to offset + bytes; charges those.
  std::uint64_t charge(detail::sim_node& node, std::uint64_t offset, std::uint64_t bytes) noexcept;

  sim_random random_;
  sim_disk_options options_;
  std::unique_ptr<detail::sim_tree> tree_;
  std::vector<description> open_;
  int base_fd_ = first_fd;
  int processes_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace lentic::coro
