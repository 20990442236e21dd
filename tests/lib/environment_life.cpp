// SPDX-License-Identifier: Apache-2.0
#include "environment_life.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/errc.hpp>

#include <limits>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::test {

environment_options small_options(open_mode mode) {
  environment_options options;
  options.directory = "state";
  options.mode = mode;
  options.journal_file_bytes_max = 16 << 10;
  options.journal_growth_bytes = 4 << 10;
  options.journal_bytes_kept = 32 << 10;
  options.lock_wait_ms = 0;
  return options;
}

environment_life::environment_life(coro::sim_disk& disk, std::uint64_t seed,
                                   coro::sim_runtime_options options)
    : runtime_(disk, seed, std::move(options)) {}

environment_life::~environment_life() {
  if (!env_) return;
  kill();
}

void environment_life::open(environment_options options) {
  env_ = sync_wait(runtime_, environment::open(runtime_, std::move(options)));
}

store_shell environment_life::shell(std::string_view store, segment_id id) {
  return store_shell(runtime_, env_->open_segmented_store(store).segment(id));
}

commit_sequence environment_life::commit() {
  return sync_wait(runtime_, env_->commit());
}

void environment_life::drop_below(std::string_view store, segment_id id) {
  sync_wait(runtime_, env_->open_segmented_store(store).drop_below(id));
}

void environment_life::seal(std::string_view store, segment_id id) {
  env_->open_segmented_store(store).seal_hint(id);
  commit();
  let_work();
}

void environment_life::let_work() {
  while (runtime_.turn()) {
  }
}

void environment_life::close() {
  const std::unique_ptr<environment> closing = std::move(env_);
  sync_wait(runtime_, closing->close());
}

void environment_life::kill() {
  runtime_.engine().kill();
  const std::unique_ptr<environment> dying = std::move(env_);
  try {
    sync_wait(runtime_, dying->close());
  } catch (const std::system_error&) {  // the engine is off: every write fails
  }
}

std::string environment_life::stored() {
  std::string text;
  for (const std::string& name : env_->store_names()) {
    segmented_store& store = env_->open_segmented_store(name);
    ((text += name) += " from ") += std::to_string(store.drop_floor());
    for (const segment_id id : store.segments(0, std::numeric_limits<segment_id>::max())) {
      std::string rows;
      try {
        for (const auto& [key, value] : store_shell(runtime_, store.segment(id)).scan())
          (((rows += ' ') += key) += '=') += value;
      } catch (const std::system_error& error) {
        rows = error.code() == errc::damaged ? " damaged" : error.what();
      }
      if (!rows.empty()) (((text += " [") += std::to_string(id)) += rows) += ']';
    }
    text += '\n';
  }
  return text;
}

std::string environment_life::pending_output() {
  std::string text;
  for (auto batch = env_->next_output(0); batch; batch = env_->next_output(batch->sequence))
    text += as_text(batch->output);
  return text;
}

namespace {

task<void> list_into(coro::directory& home, std::string path, coro::sim_disk& disk,
                     file_map& files) {
  const std::vector<std::string> names = co_await home.list();
  for (const std::string& name : names) {
    std::string inner = path;
    (inner += '/') += name;
    const std::optional<std::string> content = disk.content(inner);
    if (content) {
      files[inner] = *content;
      continue;
    }
    coro::directory below = co_await home.open_directory(name);
    co_await list_into(below, inner, disk, files);
  }
}

task<file_map> list_state(coro::sim_runtime& runtime, coro::sim_disk& disk) {
  file_map files;
  std::string root = "state";
  coro::directory home = co_await coro::directory::open(runtime.io(), root, nullptr);
  co_await list_into(home, root, disk, files);
  co_return files;
}

}  // namespace

file_map files_of(coro::sim_disk& disk) {
  coro::sim_runtime runtime(disk, 1);
  return sync_wait(runtime, list_state(runtime, disk));
}

std::unique_ptr<coro::sim_disk> disk_with(const file_map& files) {
  auto disk = std::make_unique<coro::sim_disk>(1);
  coro::sim_runtime runtime(*disk, 1);
  std::set<std::string> made;
  for (const auto& [path, content] : files) {
    for (std::size_t end = path.find('/'); end != std::string::npos;
         end = path.find('/', end + 1)) {
      const std::string parent = path.substr(0, end);
      if (made.insert(parent).second)
        sync_wait(runtime, coro::directory::make(runtime.io(), parent));
    }
    disk->put_file(path, content);
  }
  return disk;
}

}  // namespace lentic::test
