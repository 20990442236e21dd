// SPDX-License-Identifier: Apache-2.0
#include "store_commands.hpp"

#include "position_proof.hpp"
#include "progress_teller.hpp"
#include "row_writer.hpp"
#include "salvage_mark.hpp"
#include "utf8.hpp"

#include <lentic/coro/file.hpp>
#include <lentic/digest.hpp>
#include <lentic/endian.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace lentic::tool {

namespace {

environment_options reading(const std::string& directory, open_mode mode) {
  environment_options chosen;
  chosen.directory = directory;
  chosen.mode = mode;
  return chosen;
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// "commit 4", "commits 4 to 9".
std::string commits_text(commit_sequence first, commit_sequence last) {
  return first == last ? fmt::format("commit {}", first)
                       : fmt::format("commits {} to {}", first, last);
}

// In quotes where it is text, else its bytes.
std::string key_text(bytes_view key) {
  const std::string_view text = as_text(key);
  if (invalid_utf8_at(text) != text.size()) return "hex " + to_hex(key);
  std::string shown;
  append_json_string(shown, text);
  return shown;
}

// A command that copies, on a terminal.
upkeep_listener listener_of(progress_teller& progress) {
  return [&progress](const upkeep_progress& at) { progress.tell(at.bytes_done, at.bytes_total); };
}

task<commit_sequence> copy_to(environment& env, std::string target, progress_teller& progress) {
  const upkeep_listener told = listener_of(progress);
  result<commit_sequence> copied = co_await as_result(env.checkpoint(target, told));
  if (!copied && copied.error() == std::errc::directory_not_empty)
    throw usage_error(target + " is not empty", "choose a directory that is empty or missing");
  if (!copied) throw std::system_error(copied.error(), "copy to " + target);
  co_return *copied;
}

void add_loss(std::string& text, const journal_damage& lost) {
  text += "lost: ";
  text += lost.first <= lost.last ? commits_text(lost.first, lost.last)
                                  : std::string("no commit that is known of");
  text += fmt::format(", {} from {} to {}: {}\n", lost.file, lost.begin, lost.end,
                      lost.readable ? "whole frames, of no use without what is missing before them"
                      : lost.begin == lost.end ? "nothing is left of them"
                                               : "unreadable");
  for (const lost_changes& each : lost.changes) {
    text += fmt::format("      store {}, segment {}: ", each.store, each.segment);
    text += each.rows == 0 ? "no rows, but it was cleared, sealed or dropped\n"
                           : fmt::format("{} rows, keys {} to {}\n", each.rows,
                                         key_text(each.first_key), key_text(each.last_key));
  }
}

salvage_report report_of(const recovery_report& found) {
  salvage_report report;
  report.losses = found.damage.size() + found.quarantined_runs.size();
  report.text = fmt::format("journal: readable up to commit {}\n", found.sequence);
  for (const journal_damage& each : found.damage) add_loss(report.text, each);
  if (found.mixed_up_to != 0)
    report.text += fmt::format(
        "note: this is not exactly commit {}: sealed rows may be of commits up to {}, and rows "
        "that were logged again in lost commits alone are missing\n",
        found.sequence, found.mixed_up_to);
  if (found.cut)
    report.text += fmt::format(
        "note: the last frame is not whole: commit {}, {} bytes; whether it "
        "was acknowledged is unknown\n",
        found.cut->sequence, found.cut->bytes);
  for (const quarantined_run& each : found.quarantined_runs)
    report.text += fmt::format("lost: what was sealed of store {}, segment {}: {}\n", each.store,
                               each.segment, each.why);
  if (report.losses == 0)
    report.text += "the journal is whole; whether sealed rows are, store verify says\n";
  return report;
}

// Sums of the segments that have rows.
class digester {
 public:
  digester(coro::runtime& runtime, const digest_options& options, say_function say)
      : options_(options), progress_(runtime, options.progress, "digest", std::move(say)) {}

  task<void> run(environment& env) {
    const std::vector<std::string> names = env.store_names();
    bytes_total_ = stored_bytes(env);
    for (const std::string& name : names) {
      segmented_store& store = env.open_segmented_store(name);
      for (const segment_id id : store.segments(0, std::numeric_limits<segment_id>::max()))
        co_await add_segment(env, *store.find_segment(id), name, id);
    }
  }
  std::string take() {
    progress_.end();
    return std::move(text_);
  }

 private:
  task<void> add_segment(environment& env, byte_store& segment, std::string store, segment_id id) {
    if (options_.reads_rows || !options_.hash_key.empty()) {
      co_await scan_segment(segment, std::move(store), id);
    } else {
      const segment_digest kept = co_await kept_digest(env, store, id);
      if (kept.rows != 0) add_line(store, id, kept.rows, kept.total());
      bytes_read_ += segment.size_bytes();
      progress_.tell(bytes_read_, bytes_total_);
    }
  }

  task<void> scan_segment(byte_store& segment, std::string store, segment_id id) {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    cursor rows = segment.scan();
    for (;;) {
      const std::span<const row> block = co_await rows.next();
      if (block.empty()) break;
      for (const row& each : block) {
        sum += options_.hash_key.empty() ? row_digest(id, each.key, each.value)
                                         : keyed_digest(options_.hash_key, each.key, each.value);
        bytes_read_ += each.key.size() + each.value.size();
      }
      count += block.size();
      progress_.tell(bytes_read_, bytes_total_);
    }
    if (count != 0) add_line(store, id, count, sum);
  }

  void add_line(const std::string& store, segment_id id, std::uint64_t rows, std::uint64_t sum) {
    text_ += fmt::format("{},{},{},{:016x}\n", store, id, rows, sum);
  }

  const digest_options& options_;
  progress_teller progress_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_total_ = 0;
  std::string text_ = "store,segment,rows,digest\n";
};

}  // namespace

task<segment_digest> kept_digest(environment& env, std::string store, segment_id id) {
  constexpr segment_id last = std::numeric_limits<segment_id>::max();
  const segment_id end = id == last ? last : id + 1;
  const store_digest kept = co_await env.digest(store, id, end);
  for (const segment_digest& each : kept.segments) {
    if (each.segment == id) co_return each;
  }
  segment_digest none;
  none.segment = id;
  co_return none;
}

std::uint64_t stored_bytes(environment& env) {
  constexpr segment_id last = std::numeric_limits<segment_id>::max();
  std::uint64_t sum = 0;
  for (const std::string& name : env.store_names()) {
    segmented_store& store = env.open_segmented_store(name);
    for (const segment_id id : store.segments(0, last)) sum += store.find_segment(id)->size_bytes();
  }
  return sum;
}

std::uint64_t keyed_digest(std::string_view hash_key, bytes_view key, bytes_view value) {
  std::string message;
  for (const std::uint64_t size : {hash_key.size(), key.size()}) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      message += static_cast<char>(static_cast<unsigned char>(size >> shift));
  }
  message.append(hash_key).append(as_text(key)).append(as_text(value));
  const sha256_digest digest = sha256(message);
  std::uint64_t part = 0;
  for (unsigned i = 0; i < 8; ++i) part |= std::to_integer<std::uint64_t>(digest[i]) << (8 * i);
  return part;
}

task<void> show(coro::runtime& runtime, const copy_options& options, output_sink& sink,
                say_function say) {
  const environment_options chosen = reading(options.state_directory, open_mode::read_only);
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  std::string text;
  try {
    progress_teller progress(runtime, options.progress, "copy", std::move(say));
    const commit_sequence copied = co_await copy_to(*env, options.target, progress);
    text = fmt::format("commit {} copied to {}\n", copied, options.target);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
  co_await sink.write(text);
}

namespace {

// A mixture gets its name last: whatever happens before, there is no NEW without the mark.
std::string unmarked(const std::string& target) {
  return without_slash(target) + ".unmarked";
}

task<void> check_empty(coro::runtime& runtime, std::string target) {
  result<coro::directory> opened =
      co_await as_result(coro::directory::open(runtime.io(), target, nullptr));
  if (!opened && opened.error() == std::errc::no_such_file_or_directory) co_return;
  if (!opened) throw std::system_error(opened.error(), target);
  coro::directory found = *std::move(opened);
  const std::vector<std::string> names = co_await found.list();
  if (!names.empty())
    throw usage_error(target + " is not empty", "choose a directory that is empty or missing");
}

// Durable when it returns. Over an empty directory, too.
task<void> rename_directory(coro::runtime& runtime, std::string from, std::string to) {
  const std::string target = without_slash(to);
  const std::size_t slash = target.rfind('/');
  const std::string parent = slash == target.npos ? "." : target.substr(0, slash + 1);
  coro::directory above = co_await coro::directory::open(runtime.io(), parent, nullptr);
  const std::string old_name = from.substr(slash == target.npos ? 0 : slash + 1);
  const std::string new_name = target.substr(slash == target.npos ? 0 : slash + 1);
  co_await above.rename(old_name, new_name);
  co_await above.sync();
}

// Durable before it has the name that was asked for.
task<void> mark_mixture(coro::runtime& runtime, std::string target, std::string mixture) {
  const environment_options chosen = reading(target, open_mode::open_existing);
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  try {
    env->set_position(salvage_mark, as_bytes(mixture));
    co_await env->commit();
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
}

}  // namespace

task<salvage_report> salvage(coro::runtime& runtime, const salvage_options& options,
                             say_function say) {
  const environment_options chosen = reading(options.state_directory, open_mode::salvage);
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  salvage_report report;
  std::string mixture;
  std::exception_ptr error;
  try {
    const recovery_report& found = env->recovered();
    report = report_of(found);
    if (found.mixed_up_to != 0)
      mixture = fmt::format("of commit {}, with sealed rows of commits up to {}", found.sequence,
                            found.mixed_up_to);
    if (options.target) {
      progress_teller progress(runtime, options.progress, "salvage", std::move(say));
      const std::string written = mixture.empty() ? *options.target : unmarked(*options.target);
      if (!mixture.empty()) co_await check_empty(runtime, *options.target);
      const commit_sequence copied = co_await copy_to(*env, written, progress);
      report.text += fmt::format("commit {} written to {}; store verify reads its sealed rows\n",
                                 copied, *options.target);
    }
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
  if (!mixture.empty() && options.target) {
    const std::string written = unmarked(*options.target);
    co_await mark_mixture(runtime, written, mixture);
    co_await rename_directory(runtime, written, *options.target);
    report.text +=
        "it can be read, but lentic run cannot go on from it: run again from the start "
        "with another --state\n";
  }
  co_return report;
}

task<void> show(coro::runtime& runtime, const digest_options& options, output_sink& sink,
                say_function say) {
  const environment_options chosen = reading(options.state_directory, open_mode::read_only);
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  digester sums(runtime, options, std::move(say));
  try {
    co_await sums.run(*env);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  const std::string text = sums.take();
  co_await sink.write(text);
  if (error) std::rethrow_exception(error);
}

}  // namespace lentic::tool
