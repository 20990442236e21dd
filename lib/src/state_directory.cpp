// SPDX-License-Identifier: Apache-2.0
#include "state_directory.hpp"

#include "numbered_name.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <cctype>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace lentic::detail {

namespace {

constexpr std::int64_t lock_retry_ms = 20;
constexpr std::uint64_t manifest_bytes_max = std::uint64_t{256} << 20;

// Names that a state directory may hold before its first manifest is durable.
bool is_ours(const std::string& name) {
  return name == "LOCK" || name == "lost+found" || numbered(name, "MANIFEST-", "");
}

}  // namespace

std::string shown(std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    const auto next = i + 1 < name.size() ? static_cast<unsigned char>(name[i + 1]) : byte;
    const bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (c1) ++i;
    text += c1 || byte < 0x20 || byte == 0x7f ? '?' : name[i];
  }
  return text;
}

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_store_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 249 || name == "." || name == ".." || name == "LOCK"
      || name == checkpoint_marker || name.starts_with("MANIFEST-") || name.starts_with("journal-"))
    return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
}

bool is_no_regular_file(const std::error_code& error) noexcept {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory
      || error == std::errc::too_many_symbolic_link_levels || error == std::errc::is_a_directory
      || error == std::errc::no_such_device_or_address;
}

std::string run_file_name(std::uint64_t segment, std::uint64_t generation) {
  return std::to_string(segment) + "-" + std::to_string(generation) + ".run";
}

task<void> state_directory::open(std::string path, open_mode mode, std::int64_t lock_wait_ms) {
  path_ = path;
  if (mode == open_mode::create) co_await coro::directory::make(runtime_->io(), path);
  writes_ = mode == open_mode::create || mode == open_mode::open_existing;
  result<coro::directory> found =
      co_await as_result(coro::directory::open(runtime_->io(), path, &counters_));
  if (!found && found.error() == std::errc::no_such_file_or_directory && mode != open_mode::create)
    fail(errc::not_a_state_directory, path);
  home_ = std::move(found).value();
  if (mode == open_mode::create) co_await refuse_foreign();
  co_await lock(mode, lock_wait_ms);
}

// Before the lock file is made, so that somebody else's directory stays as it is.
task<void> state_directory::refuse_foreign() {
  const std::vector<std::string> names = co_await home_.list();
  refuse_unfinished_copy(names);
  const bool known = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "LOCK" || numbered(name, "MANIFEST-", "").has_value();
  });
  const auto foreign = std::find_if_not(names.begin(), names.end(), is_ours);
  if (!known && foreign != names.end())
    fail(errc::not_a_state_directory, path_ + " holds " + shown(*foreign));
}

// Even with a manifest: until the marker is gone, the next checkpoint may replace everything here.
void state_directory::refuse_unfinished_copy(const std::vector<std::string>& names) const {
  if (std::find(names.begin(), names.end(), checkpoint_marker) != names.end())
    fail(errc::not_a_state_directory,
         path_ + " holds a checkpoint that was interrupted, or is being written");
}

task<void> state_directory::lock(open_mode mode, std::int64_t wait_ms) {
  const bool reader = !writes_;
  const int flags = reader ? O_RDONLY : mode == open_mode::create ? O_RDWR | O_CREAT : O_RDWR;
  result<coro::file> opened = co_await as_result(home_.open_file("LOCK", flags));
  if (!opened && opened.error() == std::errc::no_such_file_or_directory)
    fail(errc::not_a_state_directory, path_);
  if (!opened && is_no_regular_file(opened.error()))
    fail(errc::not_a_state_directory, path_ + "/LOCK is no regular file");
  if (!opened) throw std::system_error(opened.error(), "open " + path_ + "/LOCK");
  lock_ = std::move(*opened);
  const int operation = (reader ? LOCK_SH : LOCK_EX) | LOCK_NB;
  const std::int64_t give_up = runtime_->now_ms() + wait_ms;
  for (;;) {
    const bool locked = co_await lock_.try_lock(operation);
    if (locked) break;
    if (runtime_->now_ms() >= give_up) {
      const std::string who = co_await holder();
      fail(errc::in_use, path_ + who);
    }
    co_await coro::sleep_until(*runtime_, runtime_->now_ms() + lock_retry_ms);
  }
  if (!reader) co_await write_pid();
}

task<std::string> state_directory::holder() {
  bytes raw(20);
  const std::size_t got = co_await lock_.read(raw, 0);
  raw.resize(got);
  std::string pid;
  for (const char c : as_text(raw)) {
    if (c < '0' || c > '9') break;
    pid += c;
  }
  co_return pid.empty() ? std::string() : " (process " + pid + ")";
}

task<void> state_directory::write_pid() {
  const bytes pid = to_bytes(std::to_string(::getpid()) + "\n");
  co_await lock_.truncate(0);
  co_await lock_.write(pid, 0);
}

task<bytes> state_directory::read_whole(std::string name) {
  result<coro::file> opened = co_await as_result(home_.open_file(name, O_RDONLY));
  if (!opened && is_no_regular_file(opened.error()))
    fail(errc::manifest_damaged, path_ + "/" + name + " is no regular file");
  if (!opened) throw std::system_error(opened.error(), "open " + path_ + "/" + name);
  coro::file source = std::move(*opened);
  const std::uint64_t size = co_await source.size();
  if (size > manifest_bytes_max) fail(errc::manifest_damaged, source.name() + " is too large");
  bytes raw(size);
  const std::size_t got = co_await source.read(raw, 0);
  raw.resize(got);
  co_await source.close();
  co_return raw;
}

// An unreadable newest manifest with an older readable one was never finished: what it would have
// allowed to be removed is still there.
task<std::optional<manifest>> state_directory::load_manifest() {
  std::vector<std::uint64_t> numbers;
  std::string foreign;
  const std::vector<std::string> names = co_await home_.list();
  refuse_unfinished_copy(names);
  for (const std::string& name : names) {
    if (const auto number = numbered(name, "MANIFEST-", "")) numbers.push_back(*number);
    if (!is_ours(name)) foreign = name;
  }
  std::sort(numbers.rbegin(), numbers.rend());
  std::error_code why = make_error_code(errc::not_a_state_directory);
  for (const std::uint64_t number : numbers) {
    const bytes raw = co_await read_whole("MANIFEST-" + std::to_string(number));
    result<manifest> found = decode_manifest(raw);
    manifest_number_ = number;
    if (found && found->number == number) co_return std::move(*found);
    why = found ? make_error_code(errc::manifest_damaged) : found.error();
    if (why == errc::newer_format) break;
  }
  if (why == errc::newer_format || (!numbers.empty() && !foreign.empty()))
    throw std::system_error(why, path_ + "/MANIFEST-" + std::to_string(manifest_number_));
  if (!foreign.empty()) fail(errc::not_a_state_directory, path_ + " holds " + shown(foreign));
  co_return std::nullopt;
}

task<void> state_directory::settle() {
  const std::string name = "MANIFEST-" + std::to_string(manifest_number_);
  const bytes raw = co_await read_whole(name);
  coro::file newest = co_await home_.open_file(name, O_WRONLY);
  co_await newest.write_and_sync(raw, 0);  // a failed fdatasync leaves pages that count as clean
  co_await newest.close();
  co_await home_.sync();
}

task<void> state_directory::sync_own_name() {
  const std::string parent = parent_of(path_);
  coro::directory above = co_await coro::directory::open(runtime_->io(), parent, &counters_);
  co_await above.sync();
}

task<void> state_directory::save_manifest(manifest& content) {
  content.number = manifest_number_ + 1;
  const bytes raw = encode_manifest(content);
  const std::string name = "MANIFEST-" + std::to_string(content.number);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  coro::file target = co_await home_.open_file(name, flags);
  co_await target.write_and_sync(raw, 0);
  co_await target.close();
  co_await home_.sync();
  ++manifest_number_;
  co_await remove_old_manifests();
}

task<void> state_directory::remove_old_manifests() {
  const std::vector<std::string> names = co_await home_.list();
  for (const std::string& name : names) {
    const auto number = numbered(name, "MANIFEST-", "");
    if (number && *number < manifest_number_) co_await home_.unlink(name);
  }
}

task<coro::directory> state_directory::store_directory(std::string name, bool create) {
  if (create) {
    co_await home_.make_directory(name);
    co_await home_.sync();
  }
  coro::directory found = co_await home_.open_directory(name);
  co_return found;
}

// The pid goes, so that nobody is told of a process that has ended well; it is a courtesy, so that
// an error of it is none of the close.
task<void> state_directory::close() {
  if (writes_) {
    [[maybe_unused]] const result<void> cleared = co_await as_result(lock_.truncate(0));
  }
  co_await lock_.close();
}

}  // namespace lentic::detail
