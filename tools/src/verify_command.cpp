// SPDX-License-Identifier: Apache-2.0
#include "verify_command.hpp"

#include "failure_text.hpp"
#include "position_proof.hpp"
#include "progress_teller.hpp"
#include "salvage_mark.hpp"
#include "store_commands.hpp"
#include "stored_windows.hpp"
#include "surviving_rows.hpp"
#include "time_text.hpp"
#include "utf8.hpp"

#include <lentic/errc.hpp>
#include <lentic/timestamped_value.hpp>
#include <lentic/windows/key_schema.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace lentic::tool {

namespace {

constexpr std::size_t row_faults_shown = 10;  // of one segment

struct tally {
  std::uint64_t segments = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;

  void add(const tally& more) {
    segments += more.segments;
    rows += more.rows;
    bytes += more.bytes;
  }
};

std::string tally_text(const tally& counted) {
  return fmt::format("{} segments, {} rows, {} bytes", counted.segments, counted.rows,
                     counted.bytes);
}

class verifier {
 public:
  verifier(coro::runtime& runtime, const verify_options& options,
           std::function<void(std::string_view)> say)
      : options_(options), progress_(runtime, options.progress, "verify", std::move(say)) {}

  task<void> run(environment& env);
  void damaged(const std::string& what) {
    ++damages_;
    report_ += "damaged: " + what + "\n";
  }
  void say_unopened() { report_ += "damaged: the state does not open; its stores were not read\n"; }
  verify_report report() const { return {report_, damages_}; }

 private:
  void check_opening(const environment& env);
  task<void> check_run(environment& env);
  task<void> check_store(environment& env, std::string name);
  task<tally> check_segment(environment& env, byte_store& segment, std::string store,
                            segment_id id);
  task<void> check_sums(environment& env, std::string store, const segment_digest& read,
                        bool all_read);
  std::string place_text(const std::string& damage, const std::string& store, segment_id id,
                         const std::optional<bytes>& last_key) const;
  void check_rows(std::span<const row> block, bool windows, tally& counted, segment_digest& sums);
  bool are_windows(const std::string& store) const {
    return windows_ && store == window_store_name;
  }
  void check_window(const row& stored, segment_id id);
  void row_fault(const row& stored, segment_id id, const std::string& what);
  std::string key_text(bytes_view key, bool windows) const;

  const verify_options& options_;
  progress_teller progress_;
  std::unique_ptr<run_facts> facts_;
  std::unique_ptr<windows::segmented_window_store> windows_;
  tally total_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_total_ = 0;
  std::size_t row_faults_ = 0;  // of the segment that is read
  std::size_t damages_ = 0;
  std::string report_;
};

// Of a segment, also of one that no window store has made.
std::int64_t first_start_ms(segment_id id, std::int64_t interval_ms) {
  constexpr std::int64_t last_ms = std::numeric_limits<std::int64_t>::max();
  const auto limit = static_cast<segment_id>(last_ms / interval_ms);
  return id > limit ? last_ms : static_cast<std::int64_t>(id) * interval_ms;
}

bool is_damage(std::error_code code) {
  return code == lentic::errc::damaged || code == lentic::errc::journal_damaged
      || code == lentic::errc::manifest_damaged || code == make_error_code(errc::bad_record);
}

void verifier::check_opening(const environment& env) {
  const recovery_report& found = env.recovered();
  const environment_statistics figures = env.statistics();
  report_ += fmt::format("journal: {} files, {} frames, {} bytes read, up to commit {}\n",
                         figures.journal_files, found.frames_replayed, found.bytes_replayed,
                         found.sequence);
  if (!found.cut) return;
  report_ += fmt::format(
      "note: behind it are {} bytes that are no whole frame: commit {}, cut by the next run as "
      "after "
      "a crash; whether it was acknowledged is unknown\n",
      found.cut->bytes, found.cut->sequence);
}

// The records of a run, without which the windows cannot be understood.
task<void> verifier::check_run(environment& env) {
  std::string unread;
  try {
    facts_ = co_await load_facts(env);
  } catch (const std::system_error& failure) {
    // Whatever our own code refuses: what these records hold makes no topology.
    if (failure.code().category() != lentic::error_category() && !is_damage(failure.code())) throw;
    unread = without_code_words(failure);
  } catch (const std::logic_error& failure) {
    unread = failure.what();
  }
  if (!unread.empty()) damaged("the records of the run, store run: " + unread);
  if (!facts_) co_return;
  const std::vector<std::string> names = env.store_names();
  if (std::find(names.begin(), names.end(), window_store_name) != names.end())
    windows_ = std::make_unique<windows::segmented_window_store>(
        env.open_segmented_store(window_store_name), facts_->window_options());
  const std::optional<bytes> position = env.position("input");
  if (position && !decode_position(lentic::as_text(*position)))
    damaged("position input: a record that does not decode");
}

task<void> verifier::run(environment& env) {
  check_opening(env);
  bytes_total_ = stored_bytes(env);
  co_await check_run(env);
  std::vector<std::string> names = env.store_names();
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) co_await check_store(env, name);
  for (const std::string& each : env.recovered().quarantined) {
    if (report_.find(each) == report_.npos) damaged(each);
  }
  progress_.end();
  if (const std::optional<std::string> mixture = salvaged_mixture(env))
    report_ += "note: this state was salvaged: it is " + *mixture + "\n";
  report_ += damages_ == 0 ? "sound: " : fmt::format("damaged, {} found: ", damages_);
  report_ += fmt::format("commit {}, {} stores, {}\n", env.recovered().sequence, names.size(),
                         tally_text(total_));
}

task<void> verifier::check_store(environment& env, std::string name) {
  segmented_store& store = env.open_segmented_store(name);
  tally counted;
  for (const segment_id id : store.segments(0, std::numeric_limits<segment_id>::max())) {
    const tally more = co_await check_segment(env, *store.find_segment(id), name, id);
    counted.add(more);
  }
  total_.add(counted);
  report_ += fmt::format("store {}: {}\n", name, tally_text(counted));
}

task<tally> verifier::check_segment(environment& env, byte_store& segment, std::string store,
                                    segment_id id) {
  const bool windows = are_windows(store);
  tally counted;
  counted.segments = 1;
  segment_digest sums;
  sums.segment = id;
  bool all_read = true;
  row_faults_ = 0;
  std::vector<std::string> damages;  // until it is known which key comes behind them
  std::optional<bytes> last_key;
  progress_.tell(bytes_read_, bytes_total_);
  surviving_rows rows(segment);
  for (;;) {
    const std::span<const row> block = co_await rows.next();
    if (const std::optional<std::string> damage = rows.take_damage()) {
      damages.push_back(place_text(*damage, store, id, last_key));
      all_read = false;
      continue;
    }
    for (std::string& each : std::exchange(damages, {})) {
      if (!block.empty())
        each +=
            (last_key ? " and before " : ", keys before ") + key_text(block.front().key, windows);
      damaged(each);
    }
    if (block.empty()) break;
    check_rows(block, windows, counted, sums);
    last_key = to_bytes(block.back().key);
  }
  if (row_faults_ > row_faults_shown)
    report_ +=
        fmt::format("         and {} more rows of this segment\n", row_faults_ - row_faults_shown);
  co_await check_sums(env, store, sums, all_read);
  co_return counted;
}

// The sums that the run has, with those of the rows in memory, against those of the rows as read.
task<void> verifier::check_sums(environment& env, std::string store, const segment_digest& read,
                                bool all_read) {
  std::string wrong;
  try {
    const segment_digest kept = co_await kept_digest(env, store, read.segment);
    if (all_read && kept != read) wrong = "the sums are not those of the rows";
  } catch (const std::system_error& failure) {
    if (!is_damage(failure.code())) throw;
    wrong = without_code_words(failure);
    if (report_.find("damaged: " + wrong + ";") != report_.npos) co_return;  // told as a block
  }
  if (!wrong.empty()) damaged(fmt::format("{}; store {}, segment {}", wrong, store, read.segment));
}

// What is damaged, and what it lies behind.
std::string verifier::place_text(const std::string& damage, const std::string& store, segment_id id,
                                 const std::optional<bytes>& last_key) const {
  const bool windows = are_windows(store);
  std::string where = fmt::format("{}; store {}, segment {}", damage, store, id);
  if (windows) {
    const std::int64_t interval = windows_->segment_interval_ms();
    where += ", windows that start from ";
    append_time(where, first_start_ms(id, interval), options_.times);
    where += " to ";
    append_time(where, windows::saturating_add(first_start_ms(id, interval), interval - 1),
                options_.times);
  }
  if (last_key) where += ", keys after " + key_text(*last_key, windows);
  return where;
}

void verifier::check_rows(std::span<const row> block, bool windows, tally& counted,
                          segment_digest& sums) {
  for (const row& each : block) {
    ++counted.rows;
    sums.add(each.key, each.value);
    counted.bytes += each.key.size() + each.value.size();
    bytes_read_ += each.key.size() + each.value.size();
    if (windows) check_window(each, sums.segment);
  }
  progress_.tell(bytes_read_, bytes_total_);
}

void verifier::check_window(const row& stored, segment_id id) {
  const result<windows::window_key> key = windows::decode_window_key(stored.key);
  if (!key) return row_fault(stored, id, "its key is no window's key");
  if (windows_->segment_of(key->start_ms) != id)
    return row_fault(stored, id, "its window belongs to another segment");
  const result<timestamped_value> value = decode_timestamped_value(stored.value);
  std::vector<std::string> texts;
  if (!value || !facts_->values->render(value->value, texts))
    row_fault(stored, id, "its value does not decode");
}

void verifier::row_fault(const row& stored, segment_id id, const std::string& what) {
  ++damages_;
  if (++row_faults_ > row_faults_shown) return;
  report_ += fmt::format("damaged: store {}, segment {}, row {}: {}\n", window_store_name, id,
                         to_hex(stored.key), what);
}

// As text where it is one: `"ORD" at 2001-01-01T00:00:00Z`; else the bytes.
std::string verifier::key_text(bytes_view key, bool windows) const {
  const result<windows::window_key> window = windows::decode_window_key(key);
  if (!windows || !window) return to_hex(key);
  const std::string_view text = lentic::as_text(window->key);
  std::string shown = invalid_utf8_at(text) == text.size() ? std::string() : to_hex(window->key);
  if (shown.empty()) append_json_string(shown, text);
  shown += " at ";
  append_time(shown, window->start_ms, options_.times);
  return shown;
}

}  // namespace

task<verify_report> verify(coro::runtime& runtime, const verify_options& options,
                           std::function<void(std::string_view)> say) {
  verifier check(runtime, options, std::move(say));
  environment_options chosen;
  chosen.directory = options.state_directory;
  chosen.mode = open_mode::read_only;
  std::unique_ptr<environment> env;
  try {
    env = co_await environment::open(runtime, chosen);
  } catch (const std::system_error& failure) {
    if (!is_damage(failure.code())) throw;
    check.damaged(failure.what());
  }
  if (!env) {
    check.say_unopened();
    co_return check.report();
  }
  std::exception_ptr error;
  try {
    co_await check.run(*env);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
  co_return check.report();
}

}  // namespace lentic::tool
