// SPDX-License-Identifier: Apache-2.0
#include "change_commands.hpp"
#include "input_file.hpp"
#include "load_rows.hpp"
#include "position_check.hpp"
#include "progress_teller.hpp"
#include "run_state.hpp"
#include "salvage_mark.hpp"

#include <lentic/errc.hpp>

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace lentic::tool {

namespace {

// The source position under which a load goes on: encode_position(), then '+' once it is complete.
constexpr const char* load_position = "lentic load";
constexpr char complete_mark = '+';
// A commit of large rows is cut before it has as many of them as was asked for.
constexpr std::uint64_t commit_bytes_max = std::uint64_t{32} << 20;

class loader {
 public:
  loader(coro::runtime& runtime, const load_options& options, environment& env, say_function say)
      : runtime_(runtime),
        options_(options),
        env_(env),
        rows_(options.format, options.store, input_name(options.input)),
        progress_(runtime, options.progress, "load", std::move(say)) {}

  task<std::string> run() {
    const input_file found = co_await open_input_file(runtime_, options_.input);
    total_ = found.bytes;
    source_options chosen;
    chosen.fd = found.fd;
    chosen.kind = found.kind;
    source_ = co_await open_source(runtime_.io(), chosen);
    co_await begin();
    for (bool more = true; more;) {
      switch (rows_.next()) {
        case row_event::need_input:
          co_await refill();
          break;
        case row_event::record:
          co_await put();
          break;
        case row_event::bad_row:
          co_await commit(false);
          throw input_error(rows_.fault() + so_far());
        case row_event::end:
          more = false;
          break;
      }
      if (rows_open_ >= options_.commit_rows || bytes_open_ >= commit_bytes_max)
        co_await commit(false);
    }
    co_await commit(true);
    co_return fmt::format("{} rows loaded{} in {} commits; commit {}\n", loaded_, resumed_text(),
                          commits_, env_.last_durable());
  }

 private:
  std::string resumed_text() const {
    return skipped_ == 0 ? ""
                         : fmt::format(" behind the first {}, which were loaded before", skipped_);
  }
  std::string so_far() const {
    return fmt::format("; {} rows before it are loaded: correct it and run the command again",
                       position_.rows);
  }

  // From the start, or from behind the last commit of a load that was interrupted.
  task<void> begin() {
    const std::optional<bytes> stored = env_.position(load_position);
    const std::string_view text = stored ? lentic::as_text(*stored) : std::string_view();
    if (!text.empty() && text.back() != complete_mark && !options_.from_start) {
      const input_position before = decode_position(text).value();
      co_return co_await resume(before);
    }
    while (!rows_.open()) co_await refill();
    position_.header_bytes = rows_.position();
    row_done();
  }

  task<void> resume(input_position before) {
    resume_point found = co_await check_position(*source_, before);
    if (found.refusal)
      throw usage_error(input_name(options_.input) + " is not the input of which "
                            + std::to_string(before.rows) + " rows were loaded into "
                            + options_.state_directory,
                        "give that one, or --from-start to load all of this one");
    position_ = found.position;
    skipped_ = before.rows;
    proof_ = std::move(found.proof);
    const auto head = std::string_view(found.head).substr(0, before.header_bytes);
    rows_.resume(head, row_start{position_.bytes, position_.line});
  }

  task<void> refill() {
    if (fed_) proof_.release(position_.bytes);
    const byte_source::block block = co_await source_->next();
    progress_.tell(source_->raw_position(), total_);
    if (block.empty()) {
      rows_.finish();
      co_return;
    }
    const std::string_view text = as_text(block);
    proof_.feed(text);
    fed_ = true;
    rows_.feed(text);
  }

  // A row that the store refuses (too large, of a dropped segment) is a fault of the input.
  task<void> put() {
    const load_row& row = rows_.row();
    std::string refused;
    try {
      const young_layout layout = row.segment == 0 ? young_layout::ordered : young_layout::hashed;
      byte_store& segment = env_.open_segmented_store(row.store, layout).segment(row.segment);
      co_await segment.put(row.key, row.value);
    } catch (const std::system_error& failure) {
      if (failure.code() != lentic::errc::too_large
          && failure.code() != lentic::errc::invalid_argument)
        throw;
      refused = failure.what();
    }
    if (!refused.empty()) {
      co_await commit(false);
      throw input_error(rows_.refused(refused) + so_far());
    }
    if (row.store == run_store_name) marks_ = true;
    ++loaded_;
    ++rows_open_;
    bytes_open_ += row.key.size() + row.value.size();
    row_done();
  }

  void row_done() {
    position_.bytes = rows_.position();
    position_.line = rows_.line();
    position_.terminated = rows_.terminated();
    position_.rows = skipped_ + loaded_;
  }

  task<void> commit(bool complete) {
    if (rows_open_ == 0 && !complete) co_return;
    position_.proof = proof_.prove(position_.bytes);
    std::string record = encode_position(position_);
    if (complete) record += complete_mark;
    env_.set_position(load_position, as_bytes(record));
    if (marks_)
      env_.set_position(salvage_mark, as_bytes("rows of a dump, without the place in their input"));
    co_await env_.commit();
    ++commits_;
    rows_open_ = 0;
    bytes_open_ = 0;
  }

  coro::runtime& runtime_;
  const load_options& options_;
  environment& env_;
  load_rows rows_;
  progress_teller progress_;
  std::unique_ptr<byte_source> source_;
  std::optional<std::uint64_t> total_;
  input_position position_;
  proof_tracker proof_;
  bool fed_ = false;
  bool marks_ = false;  // rows of a run: no run can go on from them
  std::uint64_t skipped_ = 0;
  std::uint64_t loaded_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t rows_open_ = 0;
  std::uint64_t bytes_open_ = 0;
};

}  // namespace

task<void> show(coro::runtime& runtime, const load_options& options, output_sink& sink,
                say_function say) {
  environment_options chosen;
  chosen.directory = options.state_directory;
  const std::unique_ptr<environment> env = co_await environment::open(runtime, chosen);
  std::exception_ptr error;
  std::string text;
  try {
    if (env->position("input"))
      fail(lentic::errc::store_mismatch,
           options.state_directory + " belongs to a run, which would count on with other rows; "
                                     "load into another directory");
    loader job(runtime, options, *env, std::move(say));
    text = co_await job.run();
  } catch (...) {  // rethrown once it is closed
    error = std::current_exception();
  }
  const result<void> closed = co_await as_result(env->close());
  if (error) std::rethrow_exception(error);
  if (!closed) throw std::system_error(closed.error(), options.state_directory);
  co_await sink.write(text);
}

}  // namespace lentic::tool
