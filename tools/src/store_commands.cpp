// SPDX-License-Identifier: Apache-2.0
#include "store_commands.hpp"

#include "position_proof.hpp"
#include "progress.hpp"
#include "row_writer.hpp"
#include "salvage_mark.hpp"
#include "utf8.hpp"

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

constexpr std::int64_t progress_interval_ms = 500;

environment_options reading(const std::string& directory, open_mode mode) {
  environment_options chosen;
  chosen.directory = directory;
  chosen.mode = mode;
  return chosen;
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

task<commit_sequence> copy_to(environment& env, std::string target) {
  result<commit_sequence> copied = co_await as_result(env.checkpoint(target));
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
      : runtime_(runtime), options_(options), say_(std::move(say)), shown_ms_(runtime.now_ms()) {}

  task<void> run(environment& env) {
    const std::vector<std::string> names = env.store_names();
    for (const std::string& name : names) {
      segmented_store& store = env.open_segmented_store(name);
      for (const segment_id id : store.segments(0, std::numeric_limits<segment_id>::max()))
        co_await add_segment(*store.find_segment(id), name, id);
    }
  }
  std::string take() {
    if (options_.show_progress) say_("\r\033[K");
    return std::move(text_);
  }

 private:
  task<void> add_segment(byte_store& segment, std::string store, segment_id id) {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    cursor rows = segment.scan();
    for (;;) {
      const std::span<const row> block = co_await rows.next();
      if (block.empty()) break;
      for (const row& each : block) sum += row_digest(options_.hash_key, each.key, each.value);
      count += block.size();
      show_progress(block.size());
    }
    if (count != 0) text_ += fmt::format("{},{},{},{:016x}\n", store, id, count, sum);
  }

  void show_progress(std::size_t rows) {
    rows_read_ += rows;
    const std::int64_t now = runtime_.now_ms();
    if (!options_.show_progress || now - shown_ms_ < progress_interval_ms) return;
    shown_ms_ = now;
    say_(fmt::format("\r\033[K{} rows read", grouped(rows_read_)));
  }

  coro::runtime& runtime_;
  const digest_options& options_;
  say_function say_;
  std::int64_t shown_ms_;
  std::uint64_t rows_read_ = 0;
  std::string text_ = "store,segment,rows,digest\n";
};

}  // namespace

std::uint64_t row_digest(std::string_view hash_key, bytes_view key, bytes_view value) {
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
                say_function) {
  const environment_options chosen = reading(options.state_directory, open_mode::read_only);
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  std::string text;
  try {
    const commit_sequence copied = co_await copy_to(*env, options.target);
    text = fmt::format("commit {} copied to {}\n", copied, options.target);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
  co_await sink.write(text);
}

namespace {

// Durable before anybody is told that NEW is there.
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

task<salvage_report> salvage(coro::runtime& runtime, const salvage_options& options) {
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
      const commit_sequence copied = co_await copy_to(*env, *options.target);
      report.text += fmt::format("commit {} written to {}; store verify reads its sealed rows\n",
                                 copied, *options.target);
    }
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
  if (!mixture.empty() && options.target) {
    co_await mark_mixture(runtime, *options.target, mixture);
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
