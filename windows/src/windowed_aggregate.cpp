// SPDX-License-Identifier: Apache-2.0
#include <lentic/endian.hpp>
#include <lentic/errc.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/windows/windowed_aggregate.hpp>

#include <algorithm>

namespace lentic::windows::detail {

namespace {

constexpr std::byte node_version{1};
constexpr std::size_t header_bytes = 49;
constexpr std::size_t node_bytes = header_bytes + aggregation_state::encoded_bytes;

std::string row_name(const std::string& store) {
  return "windows:" + store;
}

}  // namespace

windowed_aggregate_base::windowed_aggregate_base(std::string store,
                                                 const window_definition& windows,
                                                 emit_strategy emit)
    : state_store(std::move(store)), definition_(windows), emit_(emit) {}

void windowed_aggregate_base::refuse(std::error_code why) const {
  throw process::record_rejected(why, store_name());
}

void windowed_aggregate_base::drop_null() noexcept {
  context_->will_change();
  ++counters_.null_dropped;
}

// Behind a cache only when nothing is dirty: a window that has closed shares the flush of the
// others, and is not told on its own.
maybe_ready<void> windowed_aggregate_base::expire_now_and_then() {
  const std::int64_t now_ms = aggregation_->stream_time_ms();
  if (now_ms < next_expiry_ms_) [[likely]]
    return {};
  if (cache_ && cache_->dirty_count() != 0) return {};
  next_expiry_ms_ = saturating_add(now_ms, store_->segment_interval_ms());
  return aggregation_->expire();
}

task<void> windowed_aggregate_base::open(process::task_context& context) {
  context_ = &context;
  segmented_store& segments = context.env().open_segmented_store(store_name());
  stored_ = std::make_unique<segmented_window_store>(segments, definition_.store_options());
  store_ = stored_.get();
  if (context.cache_mode() && !emits_on_close()) {
    caching_options chosen;
    chosen.listener = this;
    chosen.current = &context.current();
    cache_.reset();  // of an open() that failed: its name is taken
    cache_ = std::make_unique<caching_window_store>(*context.cache_mode(), *stored_,
                                                    context.cache(), store_name(), chosen);
    store_ = cache_.get();
  }
  aggregation_ = std::make_unique<windowed_aggregation>(*store_, definition_.windows(), emit_);
  process::task_metadata saved = context.metadata();
  std::string name = row_name(store_name());
  const std::optional<bytes> raw = co_await saved.load(std::move(name));
  if (raw) co_await restore(*raw);
}

maybe_ready<void> windowed_aggregate_base::flush(coro::stop_token stop) {
  if (!cache_) return {};
  maybe_ready<std::uint64_t> told = cache_->flush(stop);
  if (!told.ready()) return flush_cold(std::move(told));
  process::detail::check_flushed(cache_->dirty_count(), store_name());
  return expire_now_and_then();
}

task<void> windowed_aggregate_base::flush_cold(maybe_ready<std::uint64_t> pending) {
  co_await std::move(pending);
  process::detail::check_flushed(cache_->dirty_count(), store_name());
  co_await expire_now_and_then();
}

window_key windowed_aggregate_base::key_of(bytes_view raw) const {
  const result<window_key> key = decode_window_key(raw);
  if (!key) throw std::system_error(key.error(), store_name() + ": key " + to_hex(raw));
  return *key;
}

timestamped_value windowed_aggregate_base::stored_of(bytes_view raw) const {
  const result<timestamped_value> stored = decode_timestamped_value(raw);
  if (!stored) fail(errc::damaged, store_name() + ": value " + to_hex(raw) + " has no timestamp");
  return *stored;
}

task<void> windowed_aggregate_base::save(process::task_metadata& to) {
  std::string name = row_name(store_name());
  bytes raw = encode_state();
  co_await to.save(std::move(name), std::move(raw));
}

// Metadata of a windowed aggregate, 99 bytes: what its rows depend on, and the state below.
//
//   0         1            9               17            25                33
//   +---------+------------+---------------+-------------+-----------------+
//   | version | size_ms BE | advance_ms BE | grace_ms BE | retention_ms BE | ..
//   +---------+------------+---------------+-------------+-----------------+
//   33                       41                49            99
//   +------------------------+-----------------+-------------+
//   | segment_interval_ms BE | null_dropped BE | aggregation |
//   +------------------------+-----------------+-------------+
//
// On disk: the version is never reused.
bytes windowed_aggregate_base::encode_state() const {
  bytes raw{node_version};
  append_be(raw, aggregation_->windows().size_ms());
  append_be(raw, aggregation_->windows().advance_ms());
  append_be(raw, aggregation_->windows().grace_ms());
  append_be(raw, store_->retention_ms());
  append_be(raw, store_->segment_interval_ms());
  append_be(raw, counters_.null_dropped);
  const bytes state = aggregation_->state().encode();
  raw.insert(raw.end(), state.begin(), state.end());
  return raw;
}

// Any other grace or retention is refused, a longer one too: what was dropped as late or as past
// its retention would be missing in windows that count as open or readable now.
task<void> windowed_aggregate_base::restore(bytes_view raw) {
  if (raw.size() != node_bytes) fail(errc::damaged, row_name(store_name()));
  if (raw[0] != node_version) fail(errc::newer_format, row_name(store_name()));
  if (load_be<std::int64_t>(raw.data() + 1) != aggregation_->windows().size_ms()
      || load_be<std::int64_t>(raw.data() + 9) != aggregation_->windows().advance_ms()
      || load_be<std::int64_t>(raw.data() + 17) != aggregation_->windows().grace_ms()
      || load_be<std::int64_t>(raw.data() + 25) != store_->retention_ms()
      || load_be<std::int64_t>(raw.data() + 33) != store_->segment_interval_ms())
    fail(errc::store_mismatch,
         store_name()
             + " was written with another window size, advance, grace, retention or segment "
               "interval");
  counters_.null_dropped = load_be<std::uint64_t>(raw.data() + 41);
  const result<aggregation_state> state = aggregation_state::decode(raw.subspan(header_bytes));
  if (!state) throw std::system_error(state.error(), row_name(store_name()));
  co_await aggregation_->restore(*state);
}

}  // namespace lentic::windows::detail
