// SPDX-License-Identifier: Apache-2.0
#pragma once

// state_directory: the directory of an environment: its lock, its manifest, its names.
//
//   LOCK           flock: exclusive for a writer, shared for readers; holds the writer's pid
//   MANIFEST-n     see manifest.hpp
//   journal-n.log  see journal.hpp
//   NAME/          a store: runs SEGMENT-GENERATION.run
//
// Threads: the environment's. Errors: errc::in_use, not_a_state_directory, manifest_damaged,
// newer_format, or the system's.

#include "manifest.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/environment.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace lentic::detail {

// In a directory that a checkpoint is being written into; see checkpoint_target.hpp.
inline constexpr const char* checkpoint_marker = "CHECKPOINT";

bool is_store_name(std::string_view name) noexcept;
// Whether this error of open_file() says that there is no such regular file: none at all, or
// something else in its place. What is left is a limit, a permission or the device.
bool is_no_regular_file(const std::error_code& error) noexcept;
// A foreign name in a message: control characters, C1 in UTF-8 too, show as '?', so that a name
// cannot write to the terminal of who reads it.
std::string shown(std::string_view name);
// The directory that holds the name: "a/b/" -> "a", "b" -> ".", "/b" -> "/".
std::string parent_of(std::string path);
std::string run_file_name(std::uint64_t segment, std::uint64_t generation);

class state_directory {
 public:
  explicit state_directory(coro::runtime& runtime) noexcept : runtime_(&runtime) {}

  // Opens (or makes) and locks the directory.
  task<void> open(std::string path, open_mode mode, std::int64_t lock_wait_ms);
  // The newest readable manifest; none when the directory holds no state at all.
  task<std::optional<manifest>> load_manifest();
  // Makes the manifest that was loaded, and all names, durable. A process that was killed leaves
  // them in the cache alone, and nothing may be removed or promised on such ground.
  task<void> settle();
  // Makes the directory's own name durable: of a new state, before anything is promised.
  task<void> sync_own_name();
  // Writes the next manifest and numbers it; durable on return. Then removes the older ones.
  task<void> save_manifest(manifest& content);
  task<void> remove_old_manifests();
  // The directory of a store, made durable if new.
  task<coro::directory> store_directory(std::string name, bool create);
  task<void> close();

  coro::directory& home() noexcept { return home_; }
  const coro::io_counters& counters() const noexcept { return counters_; }
  const std::string& path() const noexcept { return path_; }

 private:
  task<void> refuse_foreign();
  void refuse_unfinished_copy(const std::vector<std::string>& names) const;
  task<void> lock(open_mode mode, std::int64_t wait_ms);
  task<std::string> holder();
  task<void> write_pid();
  task<bytes> read_whole(std::string name);

  coro::runtime* runtime_;
  std::string path_;
  bool writes_ = false;
  coro::io_counters counters_;
  coro::directory home_;
  coro::file lock_;
  std::uint64_t manifest_number_ = 0;  // of the newest that was read or written
};

}  // namespace lentic::detail
