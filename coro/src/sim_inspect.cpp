// SPDX-License-Identifier: Apache-2.0
// What tests look at and damage from outside of the simulated processes.
#include "sim_file.hpp"
#include "sim_tree.hpp"

#include <lentic/coro/sim_disk.hpp>

#include <cassert>

#include <fcntl.h>

namespace lentic::coro {

using detail::sim_tree;

namespace {

class hasher {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte one : bytes) mix(std::to_integer<std::uint64_t>(one));
  }
  void add(std::string_view text) noexcept { add(std::as_bytes(std::span(text))); }
  // FNV-1a, 64 bits.
  void mix(std::uint64_t value) noexcept { state_ = (state_ ^ value) * 0x100000001b3U; }
  std::uint64_t state() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

std::string bytes_of(const detail::sim_file& file) {
  std::string bytes(file.size(), '\0');
  file.cache().read(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

void hash_below(const detail::sim_node& directory, hasher& hash) {
  for (const auto& [name, node] : directory.names) {
    hash.add(name);
    hash.mix(node->directory ? 1 : 0);
    if (node->directory) {
      hash_below(*node, hash);
    } else {
      hash.mix(node->file.size());
      hash.add(bytes_of(node->file));
    }
  }
}

}  // namespace

std::optional<std::string> sim_disk::content(std::string_view path) const {
  const node_ptr node = sim_tree::look_up(sim_tree::locate(tree_->root(), path));
  if (node == nullptr || node->directory) return std::nullopt;
  return bytes_of(node->file);
}

void sim_disk::put_file(std::string_view path, std::string_view bytes) {
  const int process = begin_process();
  const std::int64_t opened = open(process, AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC);
  assert(opened >= 0 && "put_file: the directory of the file must exist");
  const int fd = static_cast<int>(opened);
  const std::int64_t written = write(fd, std::as_bytes(std::span(bytes)), 0);
  assert(written == static_cast<std::int64_t>(bytes.size()));
  static_cast<void>(written);
  data_sync(fd, changes_);
  tree_->sync_all();
  end_process(process);
}

bool sim_disk::flip_bit(std::string_view path, std::uint64_t bit) {
  const node_ptr node = sim_tree::look_up(sim_tree::locate(tree_->root(), path));
  if (node == nullptr || node->directory || bit / 8 >= node->file.size()) return false;
  node->file.flip_bit(bit);
  return true;
}

std::uint64_t sim_disk::used_bytes() const noexcept {
  return tree_->charged_pages * page_bytes;
}

std::uint64_t sim_disk::image_hash() const {
  hasher hash;
  hash_below(*tree_->root(), hash);
  return hash.state();
}

}  // namespace lentic::coro
