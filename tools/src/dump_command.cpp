// SPDX-License-Identifier: Apache-2.0
// `lentic store dump`: the rows of a state as they are stored, block by block.
#include "row_writer.hpp"
#include "stored_windows.hpp"
#include "suggest.hpp"
#include "utf8.hpp"
#include "view_commands.hpp"

#include <lentic/windows/key_schema.hpp>

#include <algorithm>
#include <limits>
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
      if (invalid_utf8_at(text) == text.size()) key_ = text;
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
      append_json_string(text_, key_);
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

task<void> dump_all(environment& env, const dump_options& options, output_sink& sink) {
  const std::vector<std::string> names = chosen_stores(env, options);
  const std::unique_ptr<run_facts> facts = co_await load_facts(env);
  dump_writer writer(options);
  std::uint64_t left = options.rows_max;
  for (const std::string& name : names) {
    segmented_store& store = env.open_segmented_store(name);
    for (const segment_id id : store.segments(0, std::numeric_limits<segment_id>::max())) {
      writer.begin_segment(name, id, facts && name == window_store_name);
      cursor rows = store.find_segment(id)->scan();
      while (left != 0) {
        const std::span<const row> block = co_await rows.next();
        if (block.empty()) break;
        for (const row& each : block.first(std::min<std::uint64_t>(left, block.size())))
          writer.add(each);
        left -= std::min<std::uint64_t>(left, block.size());
        const std::string text = writer.take();
        co_await sink.write(text);
      }
    }
  }
  const std::string rest = writer.take();  // the header of an empty state
  co_await sink.write(rest);
}

}  // namespace

task<void> show(coro::runtime& runtime, const dump_options& options, output_sink& sink,
                say_function) {
  environment_options chosen;
  chosen.directory = options.state_directory;
  chosen.mode = open_mode::read_only;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  try {
    co_await dump_all(*env, options, sink);
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  co_await env->close();
  if (error) std::rethrow_exception(error);
}

}  // namespace lentic::tool
