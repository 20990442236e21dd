// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_target.hpp"

#include "numbered_name.hpp"
#include "state_directory.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

namespace lentic::detail {

namespace {

constexpr std::size_t copy_bytes = std::size_t{256} << 10;
constexpr std::int64_t lock_retry_ms = 20;
constexpr std::string_view marker_text = "A checkpoint is written here, or was interrupted.\n";

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A link between these two places is not to be had; a copy may be.
bool wants_copy(const std::error_code& error) {
  return error == std::errc::cross_device_link || error == std::errc::operation_not_permitted
      || error == std::errc::too_many_links || error == std::errc::operation_not_supported
      || error == std::errc::function_not_supported;
}

std::vector<std::string> without_lost_and_found(std::vector<std::string> names) {
  std::erase(names, "lost+found");
  return names;
}

}  // namespace

void checkpoint_target::refuse(const std::string& name) const {
  throw std::system_error(std::make_error_code(std::errc::directory_not_empty),
                          path_ + " holds " + shown(name));
}

task<void> checkpoint_target::begin(std::int64_t lock_wait_ms) {
  co_await coro::directory::make(runtime_->io(), path_);
  home_ = co_await coro::directory::open(runtime_->io(), path_, nullptr);
  std::vector<std::string> names = co_await home_.list();
  names = without_lost_and_found(std::move(names));
  const bool left_behind = holds(names, checkpoint_marker);
  if (!left_behind && !names.empty()) refuse(names.front());
  co_await claim(left_behind, lock_wait_ms);
  // Again, now that nobody else can be writing here.
  names = co_await home_.list();
  names = without_lost_and_found(std::move(names));
  if (!holds(names, checkpoint_marker)) refuse(names.empty() ? path_ : names.front());
  if (!left_behind && names.size() > 1) {
    co_await home_.unlink(checkpoint_marker);
    refuse(names.front());
  }
  co_await check_marker(names);
  const bytes text = to_bytes(as_bytes(marker_text));
  co_await marker_.write_and_sync(text, 0);
  co_await home_.sync();
  co_await sync_own_name();
  co_await remove_leftovers(std::move(names));
}

// A process that was killed may hold the lock a moment longer.
task<void> checkpoint_target::claim(bool left_behind, std::int64_t lock_wait_ms) {
  const int flags = left_behind ? O_RDWR : O_RDWR | O_CREAT | O_EXCL;
  marker_ = co_await home_.open_file(checkpoint_marker, flags);
  const std::int64_t give_up = runtime_->now_ms() + lock_wait_ms;
  for (;;) {
    const bool locked = co_await marker_.try_lock(LOCK_EX | LOCK_NB);
    if (locked) co_return;
    if (runtime_->now_ms() >= give_up)
      fail(errc::in_use, path_ + ": another checkpoint is being written there");
    co_await coro::sleep_until(*runtime_, runtime_->now_ms() + lock_retry_ms);
  }
}

// A marker that stands beside other files was durable, with its text, before they were made.
task<void> checkpoint_target::check_marker(const std::vector<std::string>& names) {
  if (names.size() == 1) co_return;
  bytes text(marker_text.size());
  const std::size_t got = co_await marker_.read(text, 0);
  text.resize(got);
  if (as_text(text) != marker_text)
    fail(errc::not_a_state_directory,
         path_ + " holds " + checkpoint_marker + ", which no checkpoint has written");
}

task<void> checkpoint_target::remove_leftovers(std::vector<std::string> names) {
  for (const std::string& name : names) {
    check_();
    if (name == checkpoint_marker) continue;
    if (name == "LOCK" || numbered(name, "MANIFEST-", "") || numbered(name, "journal-", ".log")) {
      co_await home_.unlink(name);
    } else if (is_store_name(name)) {
      co_await remove_runs(name);
    } else {
      fail(errc::not_a_state_directory, path_ + " holds " + shown(name));
    }
  }
  co_await home_.sync();
}

// The directory stays: it is empty then, and harmless.
task<void> checkpoint_target::remove_runs(std::string name) {
  result<coro::directory> found = co_await as_result(home_.open_directory(name));
  if (!found && is_no_regular_file(found.error()))
    fail(errc::not_a_state_directory, path_ + " holds " + shown(name));
  coro::directory below = std::move(found).value();
  const std::vector<std::string> files = co_await below.list();
  for (const std::string& file : files) {
    if (!file.ends_with(".run"))
      fail(errc::not_a_state_directory, below.name() + " holds " + shown(file));
    co_await below.unlink(file);
  }
  co_await below.sync();
}

task<void> checkpoint_target::begin_store(std::string name) {
  co_await home_.make_directory(name);
  store_ = co_await home_.open_directory(name);
}

task<void> checkpoint_target::take_run(coro::directory& from, std::string name) {
  check_();
  const result<void> linked = co_await as_result(from.link(name, store_, name));
  if (linked) co_return;
  if (!wants_copy(linked.error()))
    throw std::system_error(linked.error(), "link " + from.name() + "/" + name + " into " + path_);
  coro::file source = co_await from.open_file(name, O_RDONLY);
  const std::uint64_t size = co_await source.size();
  co_await copy(std::move(source), store_, name, size);
}

task<void> checkpoint_target::end_store() {
  co_await store_.sync();
}

task<void> checkpoint_target::take_journal(coro::directory& from, journal_file part) {
  const std::string name = journal::file_name(part.number);
  coro::file source = co_await from.open_file(name, O_RDONLY);
  co_await copy(std::move(source), home_, name, part.bytes);
}

task<void> checkpoint_target::copy(coro::file source, coro::directory& to, std::string name,
                                   std::uint64_t bytes_wanted) {
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  coro::file target = co_await to.open_file(name, flags);
  bytes block;
  for (std::uint64_t done = 0; done < bytes_wanted; done += block.size()) {
    check_();
    block.resize(std::min<std::uint64_t>(copy_bytes, bytes_wanted - done));
    const std::size_t got = co_await source.read(block, done);
    if (got != block.size()) fail(errc::damaged, source.name() + " is shorter than it was");
    co_await target.write(block, done);
  }
  co_await target.sync();
  co_await target.close();
  co_await source.close();
}

task<void> checkpoint_target::finish(manifest content) {
  check_();
  std::string name = "LOCK";
  coro::file lock = co_await home_.open_file(name, O_RDWR | O_CREAT);
  co_await lock.close();
  co_await home_.sync();
  content.number = 1;
  const bytes raw = encode_manifest(content);
  name = "MANIFEST-1";
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  coro::file target = co_await home_.open_file(name, flags);
  co_await target.write_and_sync(raw, 0);
  co_await target.close();
  co_await home_.sync();
  co_await home_.unlink(checkpoint_marker);
  co_await home_.sync();
  co_await marker_.close();
}

task<void> checkpoint_target::sync_own_name() {
  const std::string parent = parent_of(path_);
  coro::directory above = co_await coro::directory::open(runtime_->io(), parent, nullptr);
  co_await above.sync();
}

}  // namespace lentic::detail
