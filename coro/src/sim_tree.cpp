// SPDX-License-Identifier: Apache-2.0
#include "sim_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lentic::coro::detail {

sim_tree::sim_tree() : root_(std::make_shared<sim_node>()) {
  root_->directory = true;
}

sim_tree::place sim_tree::locate(const sim_node_ptr& start, std::string_view path) {
  place at{start, {}, 0};
  while (true) {
    const std::size_t from = path.find_first_not_of('/');
    if (from == std::string_view::npos) return at;
    path.remove_prefix(from);
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name == ".") continue;
    if (name == "..") return {nullptr, {}, EINVAL};
    if (!at.name.empty()) {
      at.directory = look_up(at);
      if (at.directory == nullptr) return {nullptr, {}, ENOENT};
    }
    if (!at.directory->directory) return {nullptr, {}, ENOTDIR};
    at.name = name;
  }
}

sim_node_ptr sim_tree::look_up(const place& at) {
  if (at.directory == nullptr || at.name.empty()) return at.directory;
  const auto found = at.directory->names.find(at.name);
  return found == at.directory->names.end() ? nullptr : found->second;
}

sim_node_ptr sim_tree::create(const place& at, bool directory) {
  const sim_node_ptr node = std::make_shared<sim_node>();
  node->directory = directory;
  at.directory->names.emplace(std::string(at.name), node);
  unsynced_.push_back(
      {operation_kind::link, at.directory, std::string(at.name), node, nullptr, {}});
  return node;
}

std::int64_t sim_tree::unlink(const place& at) {
  const sim_node_ptr node = look_up(at);
  if (node == nullptr) return -ENOENT;
  if (node->directory) return -EISDIR;
  --node->links;
  at.directory->names.erase(at.directory->names.find(at.name));
  unsynced_.push_back(
      {operation_kind::unlink, at.directory, std::string(at.name), node, nullptr, {}});
  return 0;
}

std::int64_t sim_tree::rename(const place& from, const place& to) {
  const sim_node_ptr node = look_up(from);
  if (node == nullptr) return -ENOENT;
  if (from.name.empty() || to.name.empty()) return -EBUSY;
  const sim_node_ptr replaced = look_up(to);
  if (replaced == node) return 0;
  if (replaced != nullptr && replaced->directory) return node->directory ? -ENOTEMPTY : -EISDIR;
  if (replaced != nullptr && node->directory) return -ENOTDIR;
  if (replaced != nullptr) --replaced->links;
  from.directory->names.erase(from.directory->names.find(from.name));
  to.directory->names.insert_or_assign(std::string(to.name), node);
  unsynced_.push_back({operation_kind::rename, from.directory, std::string(from.name), node,
                       to.directory, std::string(to.name)});
  return 0;
}

std::int64_t sim_tree::link(const place& from, const place& to) {
  const sim_node_ptr node = look_up(from);
  if (node == nullptr) return -ENOENT;
  if (node->directory) return -EPERM;
  if (look_up(to) != nullptr) return -EEXIST;
  to.directory->names.emplace(std::string(to.name), node);
  ++node->links;
  unsynced_.push_back(
      {operation_kind::link, to.directory, std::string(to.name), node, nullptr, {}});
  return 0;
}

void sim_tree::apply(const operation& one) {
  switch (one.kind) {
    case operation_kind::link:
      one.directory->durable_names.insert_or_assign(one.name, one.node);
      return;
    case operation_kind::unlink:
      one.directory->durable_names.erase(one.name);
      return;
    case operation_kind::rename:
      one.directory->durable_names.erase(one.name);
      one.directory2->durable_names.insert_or_assign(one.name2, one.node);
      return;
  }
}

void sim_tree::sync(const sim_node_ptr& directory) {
  // Backwards: a rename across directories is one transaction, and what came before it in the
  // other directory must not be applied after it.
  std::vector<const sim_node*> touched{directory.get()};
  std::vector<bool> covered(unsynced_.size(), false);
  const auto is_touched = [&](const sim_node_ptr& node) {
    return node != nullptr
        && std::find(touched.begin(), touched.end(), node.get()) != touched.end();
  };
  for (std::size_t i = unsynced_.size(); i-- > 0;) {
    const operation& one = unsynced_[i];
    if (!is_touched(one.directory) && !is_touched(one.directory2)) continue;
    covered[i] = true;
    if (one.directory2 == nullptr || one.directory == one.directory2) continue;
    touched.push_back(one.directory.get());
    touched.push_back(one.directory2.get());
  }
  std::vector<operation> rest;
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    if (covered[i]) {
      apply(unsynced_[i]);
    } else {
      rest.push_back(std::move(unsynced_[i]));
    }
  }
  unsynced_ = std::move(rest);
}

void sim_tree::sync_all() {
  for (const operation& one : unsynced_) apply(one);
  unsynced_.clear();
}

void sim_tree::power_cut(sim_random& random, const sim_disk_options& options) {
  const std::size_t kept = random.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    const bool survives = options.names == sim_names::prefix ? i < kept : random.chance(500);
    if (survives) apply(unsynced_[i]);
  }
  for (const operation& one : unsynced_) {
    one.directory->names = one.directory->durable_names;
    if (one.directory2 != nullptr) one.directory2->names = one.directory2->durable_names;
  }
  unsynced_.clear();
  charged_pages = 0;
  std::set<const sim_node*> seen;
  crash_below(*root_, random, options.sizes, seen);
}

void sim_tree::crash_below(sim_node& directory, sim_random& random, sim_sizes sizes,
                           std::set<const sim_node*>& seen) {
  for (const auto& [name, node] : directory.names) {
    if (!seen.insert(node.get()).second) {
      ++node->links;
      continue;
    }
    node->links = 1;
    if (node->directory) {
      crash_below(*node, random, sizes, seen);
      continue;
    }
    node->file.power_cut(random, sizes, freed_);
    node->charged_pages = (node->file.size() + sim_disk::page_bytes - 1) / sim_disk::page_bytes;
    charged_pages += node->charged_pages;
  }
}

void sim_tree::bury(sim_node& node, sim_random& random) {
  if (node.directory || node.links != 0 || node.opened != 0) return;
  charged_pages -= node.charged_pages;
  node.charged_pages = 0;
  const sim_image& media = node.file.media();
  if (media.page_count() == 0) return;
  for (int samples = 0; samples < 4; ++samples) {
    const sim_disk::page* const old = media.page(random.below(media.page_count()));
    if (old == nullptr) continue;
    if (freed_.size() < freed_max) {
      freed_.push_back(*old);
    } else {
      freed_[random.below(freed_max)] = *old;
    }
  }
}

}  // namespace lentic::coro::detail
