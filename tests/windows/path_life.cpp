// SPDX-License-Identifier: Apache-2.0
#include "path_life.hpp"

#include <lentic/process/pipe.hpp>
#include <lentic/windows/windowed_by.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <new>
#include <random>
#include <span>
#include <sstream>
#include <system_error>
#include <utility>

namespace lentic::test {

namespace {

using namespace std::chrono_literals;
using windows::emit_strategy;
using text = std::string;
using counted = process::record<windows::windowed<text>, process::change_of<std::int64_t>>;

constexpr std::int64_t size_ms = 20'000;
constexpr std::int64_t advance_ms = 10'000;
constexpr std::int64_t grace_ms = 5'000;
constexpr std::size_t record_count = 42;

windows::window_definition definition() {
  return windows::hopping(20s, 10s).grace(5s).segment_interval(30s);
}

std::string line_of(std::uint64_t seq, const counted& next) {
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : text("-");
  };
  return std::to_string(seq) + ' ' + next.key.key + ' ' + std::to_string(next.key.start_ms) + ' '
       + number(next.value.old_value) + ' ' + number(next.value.new_value) + '\n';
}

using window_counts = std::map<std::pair<text, std::int64_t>, text>;

// By the definition of a window: it takes a record while its end > stream time - grace.
window_counts expected(emit_strategy emit) {
  std::map<std::pair<text, std::int64_t>, int> counts;
  std::int64_t now_ms = -1;
  for (const path_record& each : path_script()) {
    now_ms = std::max(now_ms, each.at_ms);
    for (std::int64_t start = 0; start <= each.at_ms; start += advance_ms)
      if (start + size_ms > each.at_ms && start + size_ms > now_ms - grace_ms)
        ++counts[{each.key, start}];
  }
  window_counts told;
  for (const auto& [place, count] : counts)
    if (emit == emit_strategy::on_update || place.second + size_ms <= now_ms - grace_ms)
      told[place] = std::to_string(count);
  return told;
}

struct told_line {
  text key;
  std::int64_t start_ms = 0;
  text old_value;
  text new_value;
};

std::map<std::uint64_t, told_line> read_by_rule(const std::string& delivered) {
  std::map<std::uint64_t, told_line> lines;
  std::istringstream in(delivered);
  std::uint64_t seq = 0;
  told_line next;
  while (in >> seq >> next.key >> next.start_ms >> next.old_value >> next.new_value)
    lines[seq] = next;
  return lines;
}

}  // namespace

void PrintTo(const path_case& each, std::ostream* to) {
  *to << each.name;
}

std::vector<path_case> path_cases() {
  std::vector<path_case> all;
  for (const caching mode : {caching::kafka, caching::fused}) {
    const text name = mode == caching::kafka ? "Kafka" : "Fused";
    all.push_back({name + "WithoutRoom", mode, 0});
    all.push_back({name + "WithLittleRoom", mode, 400});
    all.push_back({name + "WithMuchRoom", mode, 1 << 20});
  }
  all.push_back({"WithoutACache", std::nullopt});
  all.push_back({"OnClose", caching::fused, 400, emit_strategy::on_close});
  return all;
}

const std::vector<path_record>& path_script() {
  static const std::vector<path_record> script = [] {
    std::mt19937_64 random(7);
    std::vector<path_record> made;
    std::int64_t now_ms = 1'000;
    for (std::size_t i = 0; i < record_count; ++i) {
      now_ms += static_cast<std::int64_t>(random() % 9'000);
      const auto late_ms = static_cast<std::int64_t>(random() % 4 == 0 ? random() % 35'000 : 0);
      const text key = "key-" + std::to_string(random() % 3);
      made.push_back({key, std::max<std::int64_t>(now_ms - late_ms, 0)});
    }
    return made;
  }();
  return script;
}

path_life::path_life(coro::runtime& runtime, path_case chosen, std::string& delivered)
    : runtime_(runtime), chosen_(std::move(chosen)), delivered_(delivered) {}

path_life::~path_life() {
  if (!env_) return;
  try {
    sync_wait(runtime_, env_->close());
  } catch (const std::system_error&) {  // what failed in the life is told here again
  } catch (const std::bad_alloc&) {
  }
}

process::topology path_life::build() {
  process::topology work;
  auto rows = work.source<text, text>("in") | process::group_by_key();
  const auto print = [this](const counted& next, std::string& out) { out = line_of(++seq_, next); };
  const auto print_slowly = [this](const counted& next) {
    return tell_slowly(line_of(++seq_, next));
  };
  if (chosen_.emit == emit_strategy::on_close)
    std::move(rows) | windowed_by(definition()) | windows::emit_on_close()
        | windows::count("counts") | process::sink("out", print);
  else if (chosen_.slow_reader)
    std::move(rows) | windowed_by(definition()) | windows::count("counts")
        | process::for_each(print_slowly);
  else
    std::move(rows) | windowed_by(definition()) | windows::count("counts")
        | process::sink("out", print);
  return work;
}

task<void> path_life::tell_slowly(std::string line) {
  const std::int64_t until_ms = runtime_.now_ms() + 1;
  co_await coro::sleep_until(runtime_, until_ms);
  env_->append_output(as_bytes(line));
}

void path_life::open() {
  environment_options options;
  options.directory = "state";
  options.journal_file_bytes_max = 16 << 10;
  options.journal_growth_bytes = 4 << 10;
  options.journal_bytes_kept = 32 << 10;
  options.lock_wait_ms = 0;
  env_ = sync_wait(runtime_, environment::open(runtime_, std::move(options)));
  process::stream_task_options how;
  how.cache = chosen_.cache;
  how.cache_bytes_max = chosen_.cache_bytes_max;
  job_ = std::make_unique<process::stream_task>(*env_, build(), std::move(how));
  sync_wait(runtime_, job_->open());
  const std::optional<bytes> position = env_->position("in");
  if (!position) return;
  std::istringstream in{text(as_text(*position))};
  in >> next_ >> seq_;
}

void path_life::feed() {
  const path_record& from = path_script()[next_];
  process::record<text, text> next(from.key, "v", from.at_ms);
  maybe_ready<void> done = job_->process(job_->source_of<text, text>("in"), next);
  if (!done.ready()) sync_wait(runtime_, std::move(done));  // the wait alone may lack memory
  ++next_;
}

task<void> path_life::stage(coro::stop_token stop) {
  co_await job_->stage(stop);
  const text position = std::to_string(next_) + ' ' + std::to_string(seq_);
  job_->set_position("in", as_bytes(position));
}

void path_life::commit() {
  sync_wait(runtime_, stage());
  sync_wait(runtime_, env_->commit());
}

void path_life::deliver() {
  commit_sequence last = 0;
  for (auto batch = env_->next_output(0); batch; batch = env_->next_output(last)) {
    delivered_ += as_text(batch->output);
    last = batch->sequence;
  }
  if (last != 0) env_->acknowledge(last);
}

namespace {

task<std::string> rows_of(windows::window_store& store) {
  std::string rows;
  windows::window_cursor cursor = store.fetch_all(windows::time_range());
  for (;;) {
    const std::span<const windows::window_row> block = co_await cursor.next();
    if (block.empty()) co_return rows;
    for (const windows::window_row& each : block)
      rows +=
          to_hex(each.key) + '@' + std::to_string(each.start_ms) + '=' + to_hex(each.value) + '\n';
  }
}

}  // namespace

std::string path_life::stored() {
  return sync_wait(runtime_, rows_of(job_->store<windows::window_store>("counts")));
}

void path_life::close() {
  sync_wait(runtime_, job_->close());
  sync_wait(runtime_, env_->close());
  job_.reset();
  env_.reset();
}

void run_to_end(path_life& life) {
  while (!life.at_end()) {
    life.feed();
    if (life.next() % records_per_commit != 0 || life.at_end()) continue;
    life.commit();
    life.deliver();
  }
  life.commit();
  life.deliver();
  life.commit();
}

std::string complaint(const path_case& chosen, const std::string& delivered) {
  const std::map<std::uint64_t, told_line> lines = read_by_rule(delivered);
  window_counts last;
  std::uint64_t wanted = 0;
  for (const auto& [seq, line] : lines) {
    const text where =
        std::to_string(seq) + " of " + line.key + " at " + std::to_string(line.start_ms);
    if (seq != ++wanted) return "a gap before " + where;
    text& before = last.try_emplace({line.key, line.start_ms}, "-").first->second;
    if (line.old_value != before)
      return where + ": old is " + line.old_value + ", but new was " + before;
    before = line.new_value;
  }
  const window_counts good = expected(chosen.emit);
  if (last.size() != good.size())
    return std::to_string(last.size()) + " windows instead of " + std::to_string(good.size());
  for (const auto& [place, count] : good) {
    const auto found = last.find(place);
    const text told = found == last.end() ? "nothing" : found->second;
    if (told != count)
      return place.first + " at " + std::to_string(place.second) + ": " + told + " instead of "
           + count;
  }
  return "";
}

}  // namespace lentic::test
