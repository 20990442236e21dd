// SPDX-License-Identifier: Apache-2.0
#include "entry_order.hpp"
#include "entry_table.hpp"

#include <lentic/cache/named_cache.hpp>

#include <cassert>
#include <utility>

namespace lentic {

using detail::entry_index;
using detail::entry_node;
using detail::no_entry;

namespace {

// Kafka's LRUNode: 8 for each of three references, 1 for the dirty flag of the entry.
constexpr std::uint64_t node_bytes = 24;
constexpr std::uint64_t flag_bytes = 1;

std::uint64_t row_bytes(const entry_node& node) noexcept {
  const auto value = node.value();
  return node.key().size() + (value ? value->size() : 0);
}

std::uint64_t size_of(const entry_node& node) noexcept {
  return row_bytes(node) + node_bytes + flag_bytes + accounted_bytes(node.context);
}

cached_entry entry_of(const entry_node& node) noexcept {
  return {node.key(), node.value(), &node.context, node.dirty};
}

// All or nothing. Contexts without headers are copied in place.
void assign(entry_node& node, std::optional<bytes_view> value, const record_context& context) {
  if (!context.headers.empty()) {
    record_context copy = context;
    node.assign(value);
    node.context = std::move(copy);
    return;
  }
  node.assign(value);
  node.context = context;
}

bool unlanded(const entry_node& node) noexcept {
  return node.dirty || node.in_flight;
}

}  // namespace

struct named_cache::index {
  detail::entry_table table;
  detail::entry_order order{table};
  detail::index_list recent;  // the newest in front
  detail::index_list dirty;
  std::uint64_t places = 0;
  std::uint64_t flush_limit = 0;  // places up to it belong to the flush under way
  std::uint64_t dirty_count = 0;
  std::uint64_t dirty_bytes = 0;

  void promote(entry_index at) noexcept {
    if (recent.front() == at) return;
    recent.remove(at);
    recent.push_front(at);
  }
  // Everything that can fail before a prepared node is linked.
  void make_room() {
    recent.make_room(table.node_count());
    dirty.make_room(table.node_count());
    order.make_room();
  }
  entry_index insert(bytes_view key, std::uint32_t hash, std::optional<bytes_view> value,
                     const record_context& context);
  void uncount(const entry_node& node) noexcept {
    if (!unlanded(node)) return;
    --dirty_count;
    dirty_bytes -= row_bytes(node);
  }
  void count(const entry_node& node) noexcept {
    if (!unlanded(node)) return;
    ++dirty_count;
    dirty_bytes += row_bytes(node);
  }
  void mark_dirty(entry_index at) noexcept;
  void remove(entry_index at) noexcept;
};

entry_index named_cache::index::insert(bytes_view key, std::uint32_t hash,
                                       std::optional<bytes_view> value,
                                       const record_context& context) {
  const entry_index at = table.prepare(key, hash, value);
  try {
    make_room();
    table[at].context = context;
  } catch (...) {  // rethrown once the node is free again
    table.release(at);
    throw;
  }
  table.link(at);
  order.add(at);
  recent.push_front(at);
  return at;
}

// To the end of the dirty order; an entry that the flush under way will still take stays.
void named_cache::index::mark_dirty(entry_index at) noexcept {
  entry_node& node = table[at];
  if (node.dirty) {
    if (node.place <= flush_limit) return;
    dirty.remove(at);
  }
  node.dirty = true;
  node.place = ++places;
  dirty.push_back(at);
}

void named_cache::index::remove(entry_index at) noexcept {
  uncount(table[at]);
  if (table[at].dirty) dirty.remove(at);
  recent.remove(at);
  order.remove(at);
  table.unlink(at);
  table.release(at);
}

named_cache::named_cache(thread_cache& owner, std::string_view name)
    : account_(owner, name, this), index_(std::make_unique<index>()) {}
named_cache::~named_cache() = default;

void named_cache::put(bytes_view key, std::optional<bytes_view> value, entry_state state,
                      const record_context& context) {
  const std::uint32_t hash = detail::entry_table::hash_of(key);
  entry_index at = index_->table.find(key, hash);
  if (at == no_entry) {
    at = index_->insert(key, hash, value, context);
    account_.add_entry();
  } else {
    entry_node& node = index_->table[at];
    assert((state == entry_state::dirty || !node.dirty) && "a clean entry over a dirty one");
    const std::uint64_t size_before = size_of(node);
    const std::uint64_t row_before = row_bytes(node);
    assign(node, value, context);
    account_.credit(size_before);
    if (unlanded(node)) {
      --index_->dirty_count;
      index_->dirty_bytes -= row_before;
    }
    index_->promote(at);
    ++figures_.overwrites;
  }
  entry_node& node = index_->table[at];
  account_.charge(size_of(node));
  if (state == entry_state::dirty) index_->mark_dirty(at);
  index_->count(node);
}

std::optional<bytes_view> named_cache::put_if_absent(bytes_view key, bytes_view value,
                                                     const record_context& context) {
  const std::optional<cached_entry> found = get(key);
  if (found && found->value) return found->value;
  put(key, value, entry_state::dirty, context);
  return std::nullopt;
}

std::optional<cached_entry> named_cache::get(bytes_view key) {
  const entry_index at = index_->table.find(key);
  if (at == no_entry) {
    ++figures_.misses;
    return std::nullopt;
  }
  ++figures_.hits;
  index_->promote(at);
  return entry_of(index_->table[at]);
}

bool named_cache::erase(bytes_view key) {
  const entry_index at = index_->table.find(key);
  if (at == no_entry) return false;
  account_.credit(size_of(index_->table[at]));
  account_.remove_entries(1);
  index_->remove(at);
  return true;
}

void named_cache::clear() noexcept {
  account_.credit(account_.bytes());
  account_.remove_entries(index_->table.size());
  index_->order.clear();
  index_->recent.clear();
  index_->dirty.clear();
  index_->table.clear();
  index_->dirty_count = 0;
  index_->dirty_bytes = 0;
}

std::optional<cached_entry> named_cache::at_or_after(bytes_view key, bool exclusive) {
  const entry_index at = index_->order.at_or_after(key, exclusive);
  if (at == no_entry) return std::nullopt;
  ++figures_.hits;
  index_->promote(at);
  return entry_of(index_->table[at]);
}

std::optional<cached_entry> named_cache::before(const std::optional<bytes_view>& key) {
  const entry_index at = index_->order.before(key);
  if (at == no_entry) return std::nullopt;
  ++figures_.hits;
  index_->promote(at);
  return entry_of(index_->table[at]);
}

std::optional<cached_entry> named_cache::peek_from(bytes_view key, bool exclusive) {
  const entry_index at = index_->order.at_or_after(key, exclusive);
  if (at == no_entry) return std::nullopt;
  return entry_of(index_->table[at]);
}

std::optional<cached_entry> named_cache::oldest() const {
  const entry_index at = index_->recent.back();
  if (at == no_entry) return std::nullopt;
  cached_entry found = entry_of(index_->table[at]);
  found.dirty = unlanded(index_->table[at]);
  return found;
}

std::size_t named_cache::size() const noexcept {
  return index_->table.size();
}
std::uint64_t named_cache::dirty_count() const noexcept {
  return index_->dirty_count;
}
std::uint64_t named_cache::dirty_bytes() const noexcept {
  return index_->dirty_bytes;
}

void named_cache::begin_flush() noexcept {
  ++figures_.flushes;
  index_->flush_limit = index_->places;
}

std::optional<cached_entry> named_cache::next_dirty() const {
  const entry_index at = index_->dirty.front();
  if (at == no_entry || index_->table[at].place > index_->flush_limit) return std::nullopt;
  return entry_of(index_->table[at]);
}

bool named_cache::start(bytes_view key) noexcept {
  const entry_index at = index_->table.find(key);
  if (at == no_entry || !index_->table[at].dirty) return false;
  index_->dirty.remove(at);
  index_->table[at].dirty = false;
  index_->table[at].in_flight = true;
  return true;
}

void named_cache::landed(bytes_view key) noexcept {
  const entry_index at = index_->table.find(key);
  if (at == no_entry || !index_->table[at].in_flight) return;
  entry_node& node = index_->table[at];
  index_->uncount(node);
  node.in_flight = false;
  index_->count(node);
  if (node.dirty || node.value()) return;
  account_.credit(size_of(node));
  account_.remove_entries(1);
  index_->remove(at);
}

void named_cache::failed(bytes_view key) noexcept {
  const entry_index at = index_->table.find(key);
  if (at == no_entry || !index_->table[at].in_flight) return;
  entry_node& node = index_->table[at];
  node.in_flight = false;
  if (node.dirty) return;
  node.dirty = true;
  index_->dirty.push_front(at);
}

void named_cache::end_flush() noexcept {
  index_->flush_limit = 0;
}

bool named_cache::drop_oldest_clean() noexcept {
  const entry_index at = index_->recent.back();
  if (at == no_entry || unlanded(index_->table[at])) return false;
  account_.credit(size_of(index_->table[at]));
  account_.remove_entries(1);
  index_->remove(at);
  ++figures_.evictions;
  return true;
}

// The least recent ones, up to the first that is not clean. Nodes are kept for new entries.
std::uint64_t named_cache::give_up(std::uint64_t wanted) noexcept {
  const std::uint64_t before = account_.bytes();
  while (before - account_.bytes() < wanted && drop_oldest_clean()) {
  }
  return before - account_.bytes();
}

}  // namespace lentic
