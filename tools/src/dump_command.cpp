// SPDX-License-Identifier: Apache-2.0
// `lentic store dump`: the rows of a state as they are stored, block by block.
#include "row_writer.hpp"
#include "stored_windows.hpp"
#include "suggest.hpp"
#include "surviving_rows.hpp"
#include "utf8.hpp"
#include "view_commands.hpp"

#include <lentic/windows/key_schema.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace lentic::tool {

namespace {

// One stored row as a line of text.
class dump_writer {
 public:
  explicit dump_writer(const dump_options& options) : options_(options) {
    if (options.output == output_format::csv)
      text_ = "store,segment,key_hex,key,window_start,value_hex\n";
  }

  void begin_segment(std::string_view store, segment_id segment, bool windows) {
    store_ = store;
    segment_ = std::to_string(segment);
    windows_ = windows;
  }
  void add(const row& stored) {
    key_.clear();
    start_.clear();
    const result<windows::window_key> window = windows::decode_window_key(stored.key);
    if (windows_ && window) {
      const std::string_view text = as_text(window->key);
      is_text_ = invalid_utf8_at(text) == text.size();
      key_ = is_text_ ? std::string(text) : "hex:" + to_hex(window->key);
      append_time(start_, window->start_ms, options_.times);
    }
    if (options_.output == output_format::csv) {
      add_csv(stored);
    } else {
      add_json(stored, windows_ && window);
    }
  }
  std::string take() { return std::exchange(text_, {}); }

 private:
  void add_csv(const row& stored) {
    text_.append(store_).append(",").append(segment_).append(",");
    text_.append(to_hex(stored.key)).append(",");
    append_csv_field(text_, key_);
    text_.append(",").append(start_).append(",").append(to_hex(stored.value)).append("\n");
  }
  void add_json(const row& stored, bool window) {
    text_.append("{\"store\":\"").append(store_).append("\",\"segment\":").append(segment_);
    text_.append(",\"key_hex\":\"").append(to_hex(stored.key)).append("\"");
    if (window) {
      text_.append(",\"key\":");
      if (is_text_)
        append_json_string(text_, key_);
      else
        text_.append("null");
      text_.append(",\"window_start\":");
      if (options_.times == time_format::ms) {
        text_.append(start_);
      } else {
        append_json_string(text_, start_);
      }
    }
    text_.append(",\"value_hex\":\"").append(to_hex(stored.value)).append("\"}\n");
  }

  const dump_options& options_;
  std::string_view store_;
  std::string segment_, key_, start_, text_;
  bool windows_ = false;
  bool is_text_ = false;
};

// The stores to show, in order. Throws usage_error for one that is not there.
std::vector<std::string> chosen_stores(const environment& env, const dump_options& options) {
  std::vector<std::string> names = env.store_names();
  std::sort(names.begin(), names.end());
  if (!options.store) return names;
  if (std::find(names.begin(), names.end(), *options.store) != names.end()) return {*options.store};
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string have;
  for (const std::string& each : names) have += (have.empty() ? "" : ", ") + each;
  const std::string guess = did_you_mean(*options.store, views);
  throw usage_error("--store: no store " + in_quotes(*options.store) + " in "
                    + options.state_directory + " (have: " + have + ")"
                    + (guess.empty() ? "" : "; " + guess));
}

// Shows what can be read: what cannot is told, and the rest goes on.
class dumper {
 public:
  dumper(const dump_options& options, output_sink& sink, say_function say)
      : sink_(sink), say_(std::move(say)), writer_(options), left_(options.rows_max) {}

  // Throws errc::damaged at the end when something could not be read.
  task<void> run(environment& env, const dump_options& options) {
    const std::vector<std::string> names = chosen_stores(env, options);
    const bool has_run = co_await knows_run(env);
    for (const std::string& name : names) {
      segmented_store& store = env.open_segmented_store(name);
      const bool windows = has_run && name == window_store_name;
      for (const segment_id id : store.segments(0, std::numeric_limits<segment_id>::max())) {
        writer_.begin_segment(name, id, windows);
        co_await show_segment(*store.find_segment(id), name, id);
      }
    }
    const std::string rest = writer_.take();  // the header of an empty state
    co_await sink_.write(rest);
    if (damages_ != 0)
      fail(lentic::errc::damaged,
           std::to_string(damages_) + " parts of " + options.state_directory + " were not shown");
  }

 private:
  // Whether the windows can be understood.
  task<bool> knows_run(environment& env) {
    std::string unread;
    std::unique_ptr<run_facts> facts;
    try {
      facts = co_await load_facts(env);
    } catch (const std::system_error& failure) {
      if (failure.code().category() == std::system_category()) throw;
      unread = failure.what();
    } catch (const std::logic_error& failure) {
      unread = failure.what();
    }
    if (!unread.empty()) damaged("the records of the run: " + unread);
    co_return facts != nullptr;
  }

  task<void> show_segment(byte_store& segment, std::string store, segment_id id) {
    const std::string place = "store " + store + ", segment " + std::to_string(id) + ": ";
    surviving_rows rows(segment);
    while (left_ != 0) {
      const std::span<const row> block = co_await rows.next();
      if (const std::optional<std::string> damage = rows.take_damage()) {
        damaged(place + *damage);
        continue;
      }
      if (block.empty()) break;
      for (const row& each : block.first(std::min<std::uint64_t>(left_, block.size())))
        writer_.add(each);
      left_ -= std::min<std::uint64_t>(left_, block.size());
      const std::string text = writer_.take();
      co_await sink_.write(text);
    }
  }

  void damaged(const std::string& what) {
    ++damages_;
    say_("lentic: damaged: " + what + "\n");
  }

  output_sink& sink_;
  say_function say_;
  dump_writer writer_;
  std::uint64_t left_;
  std::size_t damages_ = 0;
};

}  // namespace

task<void> show(coro::runtime& runtime, const dump_options& options, output_sink& sink,
                say_function say) {
  environment_options chosen;
  chosen.directory = options.state_directory;
  chosen.mode = open_mode::read_only;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  try {
    dumper all(options, sink, std::move(say));
    co_await all.run(*env, options);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
}

}  // namespace lentic::tool
