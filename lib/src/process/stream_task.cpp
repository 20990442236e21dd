// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/process/processor.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/stream_task.hpp>

#include <algorithm>
#include <cassert>
#include <exception>

namespace lentic::process {

namespace {

// The task's own row, 9 bytes: version 1, then stream time. Nodes have rows under their store
// names, with a prefix that keeps them apart.
//
//   0         1                   9
//   +---------+-------------------+
//   | version | stream_time_ms BE |
//   +---------+-------------------+
//
// stream time 5 -> 01 | 00 00 00 00 00 00 00 05. On disk: the version is never reused.
constexpr std::string_view task_row = "task";
constexpr std::byte task_version{1};
constexpr std::size_t task_row_bytes = 9;

// A flush that was stopped between two entries. A type of its own: whoever else is canceled has
// left a change half told.
class flush_stopped : public std::exception {
 public:
  explicit flush_stopped(const std::string& store) : what_("flush of " + store) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

bytes encode_task(std::int64_t stream_time_ms) {
  bytes raw{task_version};
  append_be(raw, stream_time_ms);
  return raw;
}

std::int64_t decode_task(bytes_view raw) {
  if (raw.size() != task_row_bytes) fail(errc::damaged, "the task's row " + to_hex(raw));
  if (raw[0] != task_version) fail(errc::newer_format, "the task's row " + to_hex(raw));
  const auto stream_time_ms = load_be<std::int64_t>(raw.data() + 1);
  if (stream_time_ms < -1) fail(errc::damaged, "the task's row " + to_hex(raw));
  return stream_time_ms;
}

}  // namespace

task<std::optional<bytes>> task_metadata::load(std::string name) {
  co_return co_await rows_->get_copy(as_bytes(name));
}

task<void> task_metadata::save(std::string name, bytes value) {
  const std::optional<value_view> old = co_await rows_->get(as_bytes(name));
  if (old && equal(*old, value)) co_return;
  co_await rows_->put(as_bytes(name), value);
}

state_store& task_context::find(std::string_view name) {
  state_store* const found = topology_->find_store(name);
  if (found == nullptr) fail(errc::invalid_argument, "there is no store " + std::string(name));
  return *found;
}

void detail::check_flushed(std::uint64_t dirty, const std::string& store) {
  if (dirty != 0) throw flush_stopped(store);
}

task<void> stored_bytes::open(task_context& context) {
  store_ = &context.env().open_byte_store(store_name());
  co_return;
}

task<void> stored_segments::open(task_context& context) {
  store_ = &context.env().open_segmented_store(store_name());
  co_return;
}

stream_task::stream_task(environment& env, topology what, stream_task_options options)
    : options_(std::move(options)),
      cache_(env.runtime().queue(), options_.cache_bytes_max),
      context_(env, what.inner()),
      what_(std::move(what)) {
  cache_.bind(env.memory());
  what_.inner().seal();
  context_.cache_mode_ = options_.cache;
  context_.cache_ = &cache_;
  flush_order_ = what_.inner().flush_order();
  context_.stop_ = options_.stop;
}

task<void> stream_task::open() {
  assert(!open_ && "a task is opened once");
  context_.metadata_rows_ = &context_.env().open_byte_store(options_.metadata_store);
  task_metadata saved = context_.metadata();
  const std::optional<bytes> row = co_await saved.load(std::string(task_row));
  if (row) context_.stream_time_ms_ = decode_task(*row);
  const std::vector<node*> nodes = what_.inner().opening_order();
  for (node* const each : nodes) co_await each->open(context_);
  open_ = true;
}

void stream_task::begin() {
  if (poisoned_) fail(errc::poisoned, "the task has failed; open it again at the last commit");
  if (!open_) fail(errc::closed, "the task is not open");
  if (busy_) fail(errc::invalid_argument, "the task is at work: one operation at a time");
  busy_ = true;
}

void stream_task::take(const record_context& next) {
  context_.changed_ = false;
  context_.current_ = next;
  stream_time_before_ms_ = context_.stream_time_ms_;
  context_.stream_time_ms_ = std::max(context_.stream_time_ms_, next.timestamp_ms);
}

void stream_task::failed() noexcept {
  busy_ = false;
  poisoned_ = true;
  try {
    throw;
  } catch (const record_rejected&) {
    poisoned_ = context_.changed_;
    context_.stream_time_ms_ = stream_time_before_ms_;
  } catch (...) {  // the caller throws it on
  }
}

task<void> stream_task::process_cold(maybe_ready<void> pending) {
  try {
    co_await std::move(pending);
  } catch (...) {
    failed();
    throw;
  }
  done();
}

source_base* stream_task::next_source() const noexcept {
  source_base* first = nullptr;
  for (source_base* const each : what_.inner().sources()) {
    if (each->waiting() == 0) continue;
    if (first == nullptr || each->head_timestamp_ms() < first->head_timestamp_ms()) first = each;
  }
  return first;
}

maybe_ready<bool> stream_task::process_next() {
  begin();
  source_base* const from = next_source();
  if (from == nullptr) {
    done();
    return false;
  }
  try {
    take(from->take_head());
    maybe_ready<void> sent = from->forward_head();
    if (!sent.ready()) return process_next_cold(std::move(sent));
  } catch (...) {
    failed();
    throw;
  }
  done();
  return true;
}

task<bool> stream_task::process_next_cold(maybe_ready<void> pending) {
  co_await process_cold(std::move(pending));
  co_return true;
}

std::size_t stream_task::waiting_records() const noexcept {
  std::size_t count = 0;
  for (const source_base* const each : what_.inner().sources()) count += each->waiting();
  return count;
}

void stream_task::set_position(std::string_view source, bytes_view position) {
  if (poisoned_) fail(errc::poisoned, "the task has failed; open it again at the last commit");
  context_.env().set_position(source, position);
}

task<void> stream_task::stage(coro::stop_token stop) {
  begin();
  try {
    co_await stage_nodes(stop);
  } catch (const flush_stopped& stopped) {
    done();
    throw std::system_error(std::make_error_code(std::errc::operation_canceled), stopped.what());
  } catch (...) {
    done();
    poisoned_ = true;
    throw;
  }
  done();
}

task<void> stream_task::stage_nodes(coro::stop_token stop) {
  const memory_account::flush_guard reserve(*context_.env().memory());
  for (node* const each : flush_order_) co_await each->flush(stop);
  task_metadata saved = context_.metadata();
  for (node* const each : flush_order_) co_await each->save(saved);
  bytes row = encode_task(context_.stream_time_ms_);
  std::string name(task_row);
  co_await saved.save(std::move(name), std::move(row));
}

task<commit_sequence> stream_task::commit(coro::stop_token stop) {
  co_await stage(stop);
  co_return co_await context_.env().commit(stop);
}

task<void> stream_task::close() {
  open_ = false;
  const std::vector<node*> nodes = what_.inner().opening_order();
  for (node* const each : nodes) co_await each->close();
}

source_base& stream_task::find_source(std::string_view name) const {
  for (source_base* const each : what_.inner().sources())
    if (each->name() == name) return *each;
  fail(errc::invalid_argument, "there is no source " + std::string(name));
}

}  // namespace lentic::process
