// SPDX-License-Identifier: Apache-2.0
#include "fused_store.hpp"

#include "limits.hpp"

#include <utility>

namespace lentic::detail {

fused_store::fused_store(byte_store& inner, thread_cache& cache, std::string_view name,
                         const caching_options& options)
    : write_through_store(inner, cache, name, options) {}

// True when the key is dirty: nothing has to be read or kept.
bool fused_store::capture::knows(bytes_view key) {
  known_ = store_->table_.find(key);
  return known_ != no_entry;
}

void fused_store::capture::take(bytes_view key, std::optional<bytes_view> old_value) {
  const std::uint32_t hash = entry_table::hash_of(key);
  entry_table& table = store_->table_;
  if (table.find(key, hash) != no_entry) return;
  fresh_ = table.prepare(key, hash, old_value);
  store_->touched_.make_room(table.node_count());
  store_->order_.make_room();
}

void fused_store::capture::land(bytes_view key, std::uint64_t new_bytes) noexcept {
  entry_index at = known_;
  if (at == no_entry || !equal(store_->table_[at].key(), key)) at = store_->table_.find(key);
  if (at != no_entry) {
    store_->account_.credit(key.size() + store_->table_[at].new_bytes);
    ++store_->figures_.hits;
  } else {
    at = std::exchange(fresh_, no_entry);
    store_->table_[at].place = ++store_->places_;
    store_->table_.link(at);
    store_->order_.add(at);
    store_->touched_.push_back(at);
    ++store_->figures_.misses;
  }
  entry_node& node = store_->table_[at];
  ++node.version;
  node.new_bytes = static_cast<std::uint32_t>(new_bytes);
  node.context = std::move(context_);
  store_->account_.charge(key.size() + new_bytes);
  leave();
}

void fused_store::capture::leave() noexcept {
  if (store_ == nullptr) return;
  if (fresh_ != no_entry) store_->table_.release(fresh_);
  store_->end_put();
  store_ = nullptr;
}

maybe_ready<void> fused_store::put(bytes_view key, bytes_view value) {
  check_limits(key, value);
  capture under_way(*this);
  if (!under_way.knows(key)) {
    maybe_ready<std::optional<value_view>> old_value = inner_.get(key);
    if (!old_value.ready()) return put_cold(std::move(under_way), key, value, std::move(old_value));
    under_way.take(key, old_value.take());
  }
  maybe_ready<void> done = inner_.put(key, value);
  if (!done.ready()) return put_landing(std::move(under_way), key, value.size(), std::move(done));
  under_way.land(key, value.size());
  return settle();
}

// Here and below: a parameter lives as long as the frame, and who awaits may keep that. A put that
// failed is no longer under way.
task<void> fused_store::put_cold(capture given, bytes_view key, bytes_view value,
                                 maybe_ready<std::optional<value_view>> pending) {
  capture under_way(std::move(given));
  const std::optional<value_view> old_value = co_await std::move(pending);
  under_way.take(key, old_value);
  co_await inner_.put(key, value);
  under_way.land(key, value.size());
  co_await settle();
}

task<void> fused_store::put_landing(capture given, bytes_view key, std::uint64_t new_bytes,
                                    maybe_ready<void> pending) {
  capture under_way(std::move(given));
  co_await std::move(pending);
  under_way.land(key, new_bytes);
  co_await settle();
}

maybe_ready<bool> fused_store::erase(bytes_view key) {
  capture under_way(*this);
  maybe_ready<std::optional<value_view>> old_value = inner_.get(key);
  if (!old_value.ready()) return erase_cold(std::move(under_way), key, std::move(old_value));
  under_way.take(key, old_value.take());
  maybe_ready<bool> done = inner_.erase(key);
  if (!done.ready()) return erase_landing(std::move(under_way), key, std::move(done));
  under_way.land(key, 0);
  return settled(done.take());
}

task<bool> fused_store::erase_cold(capture given, bytes_view key,
                                   maybe_ready<std::optional<value_view>> pending) {
  capture under_way(std::move(given));
  const std::optional<value_view> old_value = co_await std::move(pending);
  under_way.take(key, old_value);
  const bool existed = co_await inner_.erase(key);
  under_way.land(key, 0);
  co_await settle();
  co_return existed;
}

task<bool> fused_store::erase_landing(capture given, bytes_view key, maybe_ready<bool> pending) {
  capture under_way(std::move(given));
  const bool existed = co_await std::move(pending);
  under_way.land(key, 0);
  co_await settle();
  co_return existed;
}

void fused_store::begin_run() noexcept {
  ++figures_.flushes;
  flush_limit_ = places_;
}

bool fused_store::pick() {
  const entry_index at = bound_ ? order_.at_or_after(bytes_view(), false) : touched_.front();
  if (at == no_entry) return false;
  const bytes_view key = table_[at].key();
  if (bound_ ? compare(key, *bound_) >= 0 : table_[at].place > flush_limit_) return false;
  flight_.key.assign(key.begin(), key.end());
  return true;
}

maybe_ready<bool> fused_store::land() {
  if (puts_under_way()) return land_later();
  maybe_ready<std::optional<value_view>> now = inner_.get(flight_.key);
  if (!now.ready()) return land_cold(std::move(now));
  return finish_unit(now.take());
}

bool fused_store::finish_unit(std::optional<bytes_view> now) {
  const entry_index at = table_.find(flight_.key);
  entry_node& node = table_[at];
  flight_.new_value.set(now);
  flight_.old_value.set(node.value());
  std::swap(flight_.context, node.context);
  account_.credit(node.key().size() + node.new_bytes);
  touched_.remove(at);
  order_.remove(at);
  table_.unlink(at);
  table_.release(at);
  return flight_.old_value.view() || flight_.new_value.view();
}

task<bool> fused_store::land_later() {
  co_await wait_for_puts();
  co_return co_await land();
}

// What was put while the value was read makes it stale: it is read again.
task<bool> fused_store::land_cold(maybe_ready<std::optional<value_view>> pending) {
  for (;;) {
    const std::uint64_t version = table_[table_.find(flight_.key)].version;
    const std::optional<value_view> now = co_await std::move(pending);
    const bool same = table_[table_.find(flight_.key)].version == version;
    if (same && !puts_under_way()) co_return finish_unit(now);
    co_await wait_for_puts();
    pending = inner_.get(flight_.key);
  }
}

void fused_store::forget_entries() noexcept {
  account_.credit(account_.bytes());
  touched_.clear();
  order_.clear();
  table_.clear();
}

}  // namespace lentic::detail
