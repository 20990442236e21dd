// SPDX-License-Identifier: Apache-2.0
#include "sim_file.hpp"
#include "sim_tree.hpp"

#include <lentic/coro/io_request.hpp>
#include <lentic/coro/sim_disk.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

namespace lentic::coro {

using detail::sim_tree;

sim_disk_options sim_disk_options::drawn(std::uint64_t seed) noexcept {
  sim_random random(seed ^ 0x6d6f64656cU);
  sim_disk_options options;
  options.sizes = static_cast<sim_sizes>(random.below(3));
  options.names = static_cast<sim_names>(random.below(2));
  return options;
}

sim_disk::sim_disk(std::uint64_t seed, sim_disk_options options)
    : random_(seed), options_(options), tree_(std::make_unique<sim_tree>()) {}

sim_disk::~sim_disk() = default;

// --- descriptors ---

sim_disk::description* sim_disk::find(int fd) noexcept {
  if (fd < base_fd_) return nullptr;
  const auto index = static_cast<std::size_t>(fd - base_fd_);
  if (index >= open_.size() || open_[index].node == nullptr) return nullptr;
  return &open_[index];
}

sim_disk::node_ptr sim_disk::start_of(int fd, std::string_view path) noexcept {
  if (fd == AT_FDCWD || path.starts_with('/')) return tree_->root();
  description* const open = find(fd);
  return open == nullptr ? nullptr : open->node;
}

void sim_disk::release(description& open) {
  if (open.locked == LOCK_EX) open.node->exclusive_lock = false;
  if (open.locked == LOCK_SH) --open.node->shared_locks;
  --open.node->opened;
  tree_->bury(*open.node, random_);
  open = description();
}

void sim_disk::end_process(int process) {
  for (description& open : open_) {
    if (open.node != nullptr && open.process == process) release(open);
  }
}

void sim_disk::power_cut() {
  for (description& open : open_) {
    if (open.node != nullptr) release(open);
  }
  base_fd_ += static_cast<int>(open_.size());
  open_.clear();
  tree_->power_cut(random_, options_);
}

std::int64_t sim_disk::open(int process, int fd, std::string_view path, int flags) {
  const node_ptr start = start_of(fd, path);
  if (start == nullptr) return -EBADF;
  const sim_tree::place at = sim_tree::locate(start, path);
  if (at.error != 0) return -at.error;
  node_ptr node = sim_tree::look_up(at);
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (node == nullptr) {
    if ((flags & O_CREAT) == 0) return -ENOENT;
    ++changes_;
    node = tree_->create(at, false);
  } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    return -EEXIST;
  }
  if (node->directory && writes) return -EISDIR;
  if (!node->directory && (flags & O_DIRECTORY) != 0) return -ENOTDIR;
  if (writes && (flags & O_TRUNC) != 0 && node->file.size() != 0) {
    node->file.resize(++changes_, 0);
    tree_->charged_pages -= std::exchange(node->charged_pages, 0U);
  }
  ++node->opened;
  open_.push_back({std::move(node), process, flags, 0, 0});
  return base_fd_ + static_cast<int>(open_.size()) - 1;
}

std::int64_t sim_disk::close(int fd) {
  description* const open = find(fd);
  if (open == nullptr) return -EBADF;
  release(*open);
  return 0;
}

std::int64_t sim_disk::lock(int fd, int operation) {
  description* const open = find(fd);
  if (open == nullptr) return -EBADF;
  detail::sim_node& node = *open->node;
  const int wanted = operation & ~LOCK_NB;
  if (wanted != LOCK_SH && wanted != LOCK_EX && wanted != LOCK_UN) return -EINVAL;
  const bool other_exclusive = node.exclusive_lock && open->locked != LOCK_EX;
  const std::size_t other_shared = node.shared_locks - (open->locked == LOCK_SH ? 1U : 0U);
  if (wanted != LOCK_UN && other_exclusive) return -EWOULDBLOCK;
  if (wanted == LOCK_EX && other_shared != 0) return -EWOULDBLOCK;
  node.exclusive_lock = wanted == LOCK_EX || other_exclusive;
  node.shared_locks = other_shared + (wanted == LOCK_SH ? 1U : 0U);
  open->locked = wanted == LOCK_UN ? 0 : wanted;
  return 0;
}

// --- bytes ---

std::int64_t sim_disk::read(int fd, std::span<std::byte> to, std::uint64_t offset) {
  description* const open = find(fd);
  if (open == nullptr || (open->flags & O_ACCMODE) == O_WRONLY) return -EBADF;
  if (open->node->directory) return -EISDIR;
  const detail::sim_file& file = open->node->file;
  const std::uint64_t from = offset == no_offset ? open->position : offset;
  if (from >= file.size()) return 0;
  const std::size_t count = std::min<std::uint64_t>(to.size(), file.size() - from);
  file.cache().read(from, to.first(count));
  if (offset == no_offset) open->position += count;
  return static_cast<std::int64_t>(count);
}

std::uint64_t sim_disk::charge(detail::sim_node& node, std::uint64_t offset,
                               std::uint64_t bytes) noexcept {
  const std::uint64_t pages = (offset + bytes + page_bytes - 1) / page_bytes;
  if (pages <= node.charged_pages) return bytes;
  const std::uint64_t used = used_bytes();
  const std::uint64_t room =
      options_.capacity_bytes > used ? (options_.capacity_bytes - used) / page_bytes : 0;
  const std::uint64_t granted = std::min(pages, node.charged_pages + room);
  const std::uint64_t end = std::min(offset + bytes, granted * page_bytes);
  if (end <= offset && bytes != 0) return 0;
  tree_->charged_pages += granted - node.charged_pages;
  node.charged_pages = granted;
  return end - offset;
}

std::int64_t sim_disk::write(int fd, std::span<const std::byte> from, std::uint64_t offset,
                             fate outcome) {
  description* const open = find(fd);
  if (open == nullptr || (open->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
  detail::sim_node& node = *open->node;
  std::uint64_t at = offset == no_offset ? open->position : offset;
  if ((open->flags & O_APPEND) != 0) at = node.file.size();
  if (at > file_bytes_max || from.size() > file_bytes_max - at) return -EFBIG;
  const std::size_t count = charge(node, at, from.size());
  if (count == 0) return from.empty() ? 0 : -ENOSPC;
  node.file.write(++changes_, at, from.first(count), outcome);
  if (offset == no_offset) open->position = at + count;
  return static_cast<std::int64_t>(count);
}

std::int64_t sim_disk::allocate(int fd, std::uint64_t offset, std::uint64_t bytes) {
  description* const open = find(fd);
  if (open == nullptr || (open->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
  if (bytes == 0) return -EINVAL;
  if (offset > file_bytes_max || bytes > file_bytes_max - offset) return -EFBIG;
  detail::sim_node& node = *open->node;
  const std::uint64_t charged = node.charged_pages;
  if (charge(node, offset, bytes) != bytes) {
    tree_->charged_pages -= node.charged_pages - charged;
    node.charged_pages = charged;
    return -ENOSPC;
  }
  if (offset + bytes > node.file.size()) node.file.resize(++changes_, offset + bytes);
  return 0;
}

std::int64_t sim_disk::truncate(int fd, std::uint64_t bytes) {
  description* const open = find(fd);
  if (open == nullptr || (open->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
  if (bytes > file_bytes_max) return -EFBIG;
  detail::sim_node& node = *open->node;
  if (bytes == node.file.size()) return 0;
  node.file.resize(++changes_, bytes);
  const std::uint64_t pages = (bytes + page_bytes - 1) / page_bytes;
  if (pages < node.charged_pages) {
    tree_->charged_pages -= node.charged_pages - pages;
    node.charged_pages = pages;
  }
  return 0;
}

std::int64_t sim_disk::data_sync(int fd, std::uint64_t upto) {
  description* const open = find(fd);
  if (open == nullptr) return -EBADF;
  if (open->node->directory) return sync_directory(fd);
  open->node->file.sync(upto);
  return 0;
}

void sim_disk::fail_data_sync(int fd) {
  description* const open = find(fd);
  if (open != nullptr) open->node->file.fail_sync();
}

std::int64_t sim_disk::size(int fd) {
  description* const open = find(fd);
  return open == nullptr ? -EBADF : static_cast<std::int64_t>(open->node->file.size());
}

int sim_disk::require_regular(int fd) noexcept {
  description* const open = find(fd);
  if (open == nullptr) return -EBADF;
  return open->node->directory ? -EISDIR : 0;
}

// --- names ---

std::int64_t sim_disk::sync_directory(int fd) {
  description* const open = find(fd);
  if (open == nullptr) return -EBADF;
  if (!open->node->directory) return data_sync(fd, changes_);
  tree_->sync(open->node);
  return 0;
}

std::int64_t sim_disk::rename(int fd, std::string_view from, std::string_view to) {
  const node_ptr from_start = start_of(fd, from);
  const node_ptr to_start = start_of(fd, to);
  if (from_start == nullptr || to_start == nullptr) return -EBADF;
  const sim_tree::place source = sim_tree::locate(from_start, from);
  const sim_tree::place target = sim_tree::locate(to_start, to);
  if (source.error != 0) return -source.error;
  if (target.error != 0) return -target.error;
  const node_ptr replaced = sim_tree::look_up(target);
  const std::int64_t outcome = tree_->rename(source, target);
  if (outcome < 0) return outcome;
  ++changes_;
  if (replaced != nullptr) tree_->bury(*replaced, random_);
  return 0;
}

std::int64_t sim_disk::unlink(int fd, std::string_view path) {
  const node_ptr start = start_of(fd, path);
  if (start == nullptr) return -EBADF;
  const sim_tree::place at = sim_tree::locate(start, path);
  if (at.error != 0) return -at.error;
  const node_ptr node = sim_tree::look_up(at);
  const std::int64_t outcome = tree_->unlink(at);
  if (outcome < 0) return outcome;
  ++changes_;
  tree_->bury(*node, random_);
  return 0;
}

std::int64_t sim_disk::link(int fd, std::string_view from, int fd2, std::string_view to) {
  const node_ptr from_start = start_of(fd, from);
  const node_ptr to_start = start_of(fd2, to);
  if (from_start == nullptr || to_start == nullptr) return -EBADF;
  const sim_tree::place source = sim_tree::locate(from_start, from);
  const sim_tree::place target = sim_tree::locate(to_start, to);
  if (source.error != 0) return -source.error;
  if (target.error != 0) return -target.error;
  const std::int64_t outcome = tree_->link(source, target);
  if (outcome == 0) ++changes_;
  return outcome;
}

std::int64_t sim_disk::make_directory(int fd, std::string_view path) {
  const node_ptr start = start_of(fd, path);
  if (start == nullptr) return -EBADF;
  const sim_tree::place at = sim_tree::locate(start, path);
  if (at.error != 0) return -at.error;
  if (sim_tree::look_up(at) != nullptr) return -EEXIST;
  ++changes_;
  tree_->create(at, true);
  return 0;
}

std::int64_t sim_disk::list(int fd, std::vector<std::string>& names) {
  description* const open = find(fd);
  if (fd != AT_FDCWD && open == nullptr) return -EBADF;
  const detail::sim_node& node = fd == AT_FDCWD ? *tree_->root() : *open->node;
  if (!node.directory) return -ENOTDIR;
  names.clear();
  for (const auto& [name, entry] : node.names) names.push_back(name);
  return 0;
}

}  // namespace lentic::coro
