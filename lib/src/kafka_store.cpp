// SPDX-License-Identifier: Apache-2.0
#include "kafka_store.hpp"

#include "limits.hpp"

#include <utility>

namespace lentic::detail {

maybe_ready<std::optional<value_view>> kafka_store::get(bytes_view key) {
  maybe_ready<std::optional<value_view>> found = find(key);
  if constexpr (views_are_spoilt) {
    if (!found.ready()) return handed_cold(std::move(found));
    return views_.hand_out(found.take());
  }
  return found;
}

task<std::optional<value_view>> kafka_store::handed_cold(
    maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  co_return views_.hand_out(found);
}

maybe_ready<std::optional<value_view>> kafka_store::find(bytes_view key) {
  const std::optional<cached_entry> hit = cache_.get(key);
  if (hit) {
    if (!hit->value) return std::optional<value_view>();
    return std::optional<value_view>(*hit->value);
  }
  maybe_ready<std::optional<value_view>> found = inner_.get(key);
  if (!found.ready()) return get_cold(key, writes_below_, std::move(found));
  const std::optional<value_view> value = found.take();
  if (!value || !options_.keep_what_was_read) return value;
  cache_.put(key, *value, entry_state::clean, record_context());
  answer_.assign(value->data(), value->data() + value->size());  // last: `key` may be a view of it
  if (!cache_.owner().over_budget()) [[likely]]
    return std::optional<value_view>(answer_);
  bytes kept = answer_;
  maybe_ready<void> shedding = shed();
  if (!shedding.ready()) return answer_cold(std::move(kept), std::move(shedding));
  answer_ = std::move(kept);
  return std::optional<value_view>(answer_);
}

// What was written below since the inner store was asked makes the value older than the store: it
// is still an answer, but must not stay in the cache.
task<std::optional<value_view>> kafka_store::get_cold(
    bytes_view key, std::uint64_t writes_before, maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  const std::optional<cached_entry> put_meanwhile = cache_.get(key);
  if (put_meanwhile) {
    if (!put_meanwhile->value) co_return std::nullopt;
    co_return value_view(*put_meanwhile->value);
  }
  if (!found || !options_.keep_what_was_read) co_return found;
  bytes kept = to_bytes(*found);
  if (writes_before == writes_below_) {
    cache_.put(key, kept, entry_state::clean, record_context());
    co_await shed();
  }
  answer_ = std::move(kept);
  co_return value_view(answer_);
}

task<std::optional<value_view>> kafka_store::answer_cold(bytes found, maybe_ready<void> shedding) {
  co_await std::move(shedding);
  answer_ = std::move(found);
  co_return value_view(answer_);
}

maybe_ready<void> kafka_store::put(bytes_view key, bytes_view value) {
  const expiring_views ends(views_);
  check_limits(key, value);
  cache_.put(key, value, entry_state::dirty, current());
  if (!cache_.owner().over_budget()) [[likely]]
    return {};
  return shed();
}

maybe_ready<bool> kafka_store::erase(bytes_view key) {
  const expiring_views ends(views_);
  const std::optional<cached_entry> hit = cache_.get(key);
  if (hit) return entomb(key, hit->value.has_value(), current());
  maybe_ready<std::optional<value_view>> found = inner_.get(key);
  if (!found.ready()) return erase_cold(key, cause(current()), std::move(found));
  return entomb(key, found.take().has_value(), current());
}

task<bool> kafka_store::erase_cold(bytes_view key, cause of,
                                   maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  const std::optional<cached_entry> put_meanwhile = cache_.get(key);
  const bool existed = put_meanwhile ? put_meanwhile->value.has_value() : found.has_value();
  co_return co_await entomb(key, existed, of.context);
}

// A tombstone is put whether there was a value or not, as in Kafka: it may be the store below that
// learns of one only later.
maybe_ready<bool> kafka_store::entomb(bytes_view key, bool existed, const record_context& context) {
  check_limits(key, bytes_view());
  cache_.put(key, std::nullopt, entry_state::dirty, context);
  maybe_ready<void> shedding = shed();
  if (!shedding.ready()) return entomb_cold(existed, std::move(shedding));
  return existed;
}

task<bool> kafka_store::entomb_cold(bool existed, maybe_ready<void> shedding) {
  co_await std::move(shedding);
  co_return existed;
}

// Least recent first, out of this cache alone, until all fit or this one is empty. A dirty one is
// flushed first, and all that is dirty with it; one run does for all, because it leaves only what
// was put meanwhile. While a run is under way nothing goes.
maybe_ready<void> kafka_store::shed() {
  drop_clean();
  if (!cache_.owner().over_budget() || running() || cache_.size() == 0) return {};
  evicting_ = true;
  maybe_ready<std::uint64_t> done = run(coro::stop_token());
  if (!done.ready()) return shed_cold(std::move(done));
  drop_clean();
  return {};
}

task<void> kafka_store::shed_cold(maybe_ready<std::uint64_t> pending) {
  co_await std::move(pending);
  drop_clean();
}

void kafka_store::drop_clean() {
  while (!running() && cache_.owner().over_budget()) {
    if (!cache_.drop_oldest_clean()) break;
  }
}

// The store below first: when that fails, nothing is forgotten.
maybe_ready<void> kafka_store::clear() {
  const expiring_views ends(views_);
  if (running()) return clear_later();
  maybe_ready<void> done = inner_.clear();
  if (!done.ready()) return clear_cold(std::move(done));
  forget_all();
  return {};
}

task<void> kafka_store::clear_later() {
  while (running()) co_await idle().wait();
  co_await inner_.clear();
  while (running()) co_await idle().wait();
  forget_all();
}

task<void> kafka_store::clear_cold(maybe_ready<void> pending) {
  co_await std::move(pending);
  while (running()) co_await idle().wait();
  forget_all();
}

void kafka_store::forget_all() noexcept {
  cache_.clear();
  forget_untaken();
  ++writes_below_;
}

std::uint64_t kafka_store::approximate_count() const {
  return inner_.approximate_count() + cache_.dirty_count();
}

caching_statistics kafka_store::statistics() const noexcept {
  const named_cache_figures& figures = cache_.figures();
  return {figures.hits, figures.misses, figures.evictions, figures.flushes};
}

bool kafka_store::pick() {
  std::optional<cached_entry> next;
  if (bound_) {
    next = next_below();
  } else if (evicting_) {
    next = cache_.oldest();
  }
  if (!bound_ && (!next || !next->dirty)) next = cache_.next_dirty();
  if (!next) return false;
  flight_.context = *next->context;
  flight_.new_value.set(next->value);
  flight_.key.assign(next->key.begin(), next->key.end());
  evicting_ = false;
  return cache_.start(flight_.key);
}

// The next dirty entry below the bound, in key order, behind the one before.
std::optional<cached_entry> kafka_store::next_below() {
  const bytes_view from = walking_ ? bytes_view(flight_.key) : bytes_view();
  std::optional<cached_entry> at = cache_.peek_from(from, walking_);
  while (at && !at->dirty && compare(at->key, *bound_) < 0) at = cache_.peek_from(at->key, true);
  if (!at || compare(at->key, *bound_) >= 0) return std::nullopt;
  walking_ = true;
  return at;
}

void kafka_store::forget_below(bytes_view end) {
  std::optional<cached_entry> at = cache_.peek_from(bytes_view(), false);
  while (at && compare(at->key, end) < 0) {
    const bytes key = to_bytes(at->key);
    if (!at->dirty) cache_.erase(key);
    at = cache_.peek_from(key, true);
  }
}

void kafka_store::landed() noexcept {
  ++writes_below_;
  cache_.landed(flight_.key);
}

maybe_ready<bool> kafka_store::land() {
  flight_.old_value.set(std::nullopt);
  if (flight_.new_value.view() && !options_.send_old_values) return write();
  maybe_ready<std::optional<value_view>> old_value = inner_.get(flight_.key);
  if (!old_value.ready()) return read_cold(std::move(old_value));
  flight_.old_value.set(old_value.take());
  return write();
}

task<bool> kafka_store::read_cold(maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> old_value = co_await std::move(pending);
  flight_.old_value.set(old_value);
  co_return co_await write();
}

maybe_ready<bool> kafka_store::write() {
  const std::optional<bytes_view> value = flight_.new_value.view();
  if (value) {
    maybe_ready<void> done = inner_.put(flight_.key, *value);
    if (!done.ready()) return put_cold(std::move(done));
  } else if (flight_.old_value.view()) {
    maybe_ready<bool> done = inner_.erase(flight_.key);
    if (!done.ready()) return erase_below_cold(std::move(done));
  } else {  // never stored, and erased: nobody has to know
    cache_.landed(flight_.key);
    return false;
  }
  landed();
  return true;
}

task<bool> kafka_store::put_cold(maybe_ready<void> pending) {
  co_await std::move(pending);
  landed();
  co_return true;
}

task<bool> kafka_store::erase_below_cold(maybe_ready<bool> pending) {
  co_await std::move(pending);
  landed();
  co_return true;
}

}  // namespace lentic::detail
