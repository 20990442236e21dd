// SPDX-License-Identifier: Apache-2.0
#pragma once

// sim_tree: the names of the simulated disk: directories, their durable entries, and the name
// operations that no sync_directory has covered yet. The rules are those of sim_disk.hpp.
// Threads: one. Answers are 0 or -errno. A path has no ".." (-EINVAL).

#include "sim_file.hpp"

#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_random.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lentic::coro::detail {

struct sim_node;
using sim_node_ptr = std::shared_ptr<sim_node>;
using sim_entries = std::map<std::string, sim_node_ptr, std::less<>>;

struct sim_node {
  bool directory = false;
  std::size_t links = 1;   // names in the cache's tree
  std::size_t opened = 0;  // descriptions
  std::size_t shared_locks = 0;
  bool exclusive_lock = false;
  std::uint64_t charged_pages = 0;
  sim_file file;      // of a file
  sim_entries names;  // of a directory
  sim_entries durable_names;
};

class sim_tree {
 public:
  sim_tree();

  const sim_node_ptr& root() const noexcept { return root_; }
  // A directory and the name in it; `directory` is null and `error` set when there is none. An
  // empty name stands for the directory itself.
  struct place {
    sim_node_ptr directory;
    std::string_view name;
    int error = 0;
  };
  static place locate(const sim_node_ptr& start, std::string_view path);
  // Null when nothing has that name.
  static sim_node_ptr look_up(const place& at);

  sim_node_ptr create(const place& at, bool directory);
  std::int64_t unlink(const place& at);
  std::int64_t rename(const place& from, const place& to);
  std::int64_t link(const place& from, const place& to);
  // Makes the names in `directory` durable, with what a rename across directories ties to them.
  void sync(const sim_node_ptr& directory);
  // Makes everything as it is in the cache durable, names only.
  void sync_all();

  // Files and names after the power cut; what is charged is counted anew.
  void power_cut(sim_random& random, const sim_disk_options& options);
  // For a file without a name that nobody has open: its space is free.
  void bury(sim_node& node, sim_random& random);

  std::uint64_t charged_pages = 0;

 private:
  enum class operation_kind : std::uint8_t { link, unlink, rename };
  struct operation {
    operation_kind kind = operation_kind::link;
    sim_node_ptr directory;  // of a rename: the source
    std::string name;
    sim_node_ptr node;
    sim_node_ptr directory2;
    std::string name2;
  };
  static void apply(const operation& one);
  // `seen`: the files that it came by under another name.
  void crash_below(sim_node& directory, sim_random& random, sim_sizes sizes,
                   std::set<const sim_node*>& seen);

  static constexpr std::size_t freed_max = 32;

  sim_node_ptr root_;
  std::vector<operation> unsynced_;
  std::vector<sim_disk::page> freed_;
};

}  // namespace lentic::coro::detail
