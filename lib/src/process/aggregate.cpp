// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/process/aggregate.hpp>
#include <lentic/process/sink.hpp>

namespace lentic::process::detail {

namespace {

constexpr std::byte aggregate_version{1};
constexpr std::size_t aggregate_row_bytes = 9;

std::string row_name(const std::string& store) {
  return "aggregate:" + store;
}

}  // namespace

task<void> sink_node::open(task_context& context) {
  context_ = &context;
  co_return;
}

// Metadata of an aggregate, 9 bytes.
//
//   0         1                 9
//   +---------+-----------------+
//   | version | null_dropped BE |
//   +---------+-----------------+
//
// 2 dropped -> 01 | 00 00 00 00 00 00 00 02. On disk: the version is never reused.
task<void> aggregate_base::save(task_metadata& to) {
  bytes raw{aggregate_version};
  append_be(raw, counters_.null_dropped);
  std::string name = row_name(store_name());
  co_await to.save(std::move(name), std::move(raw));
}

task<void> aggregate_base::open(task_context& context) {
  context_ = &context;
  store_ = &context.env().open_byte_store(store_name());
  if (context.cache_mode()) {
    caching_options chosen;
    chosen.listener = this;
    chosen.current = &context.current();
    cache_.reset();  // of an open() that failed: its name is taken
    cache_ =
        make_caching_store(*context.cache_mode(), *store_, context.cache(), store_name(), chosen);
    store_ = cache_.get();
  }
  task_metadata saved = context.metadata();
  std::string name = row_name(store_name());
  const std::optional<bytes> raw = co_await saved.load(std::move(name));
  if (!raw) co_return;
  if (raw->size() != aggregate_row_bytes) fail(errc::damaged, row_name(store_name()));
  if (raw->front() != aggregate_version) fail(errc::newer_format, row_name(store_name()));
  counters_.null_dropped = load_be<std::uint64_t>(raw->data() + 1);
}

maybe_ready<void> aggregate_base::flush(coro::stop_token stop) {
  if (!cache_) return {};
  maybe_ready<std::uint64_t> told = cache_->flush(stop);
  if (!told.ready()) return flush_cold(std::move(told));
  check_flushed(cache_->dirty_count(), store_name());
  return {};
}

task<void> aggregate_base::flush_cold(maybe_ready<std::uint64_t> pending) {
  co_await std::move(pending);
  check_flushed(cache_->dirty_count(), store_name());
}

timestamped_value aggregate_base::stored_of(bytes_view raw) const {
  const result<timestamped_value> stored = decode_timestamped_value(raw);
  if (!stored) fail(errc::damaged, store_name() + ": value " + to_hex(raw) + " has no timestamp");
  return *stored;
}

void aggregate_base::refuse(std::error_code why) const {
  throw record_rejected(why, store_name());
}

}  // namespace lentic::process::detail
