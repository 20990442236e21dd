// SPDX-License-Identifier: Apache-2.0
#include "snapshot_chain.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <cassert>
#include <new>
#include <string>

namespace lentic::detail {

namespace {

constexpr const char* store_is_gone = "its store is gone";
constexpr std::int64_t never_ms = std::numeric_limits<std::int64_t>::max();

void put_row(young_table& to, bytes_view key, std::optional<bytes_view> value) {
  if (value) {
    to.put(key, *value);
  } else {
    to.entomb(key);
  }
}

enum class known_keys { stay, are_replaced };

// Every row of one table into another.
void add_rows(young_table& from, young_table& to, known_keys which) {
  young_table::slice_place place;
  std::vector<young_record*> rows;
  for (bool more = true; more;) {
    rows.clear();
    more = from.next_slice(place, rows);
    for (const young_record* const each : rows) {
      if (which == known_keys::stay && to.find(each->key()) != nullptr) continue;
      const auto value =
          each->is_tombstone() ? std::nullopt : std::optional<bytes_view>(each->value());
      put_row(to, each->key(), value);
    }
  }
}

}  // namespace

snapshot_layer::~snapshot_layer() {
  chain->forget(*this);
}

young_table* snapshot_layer::table(segment_id segment) const noexcept {
  const auto found = saved.find(segment);
  return found == saved.end() ? nullptr : found->second.get();
}

const young_record* snapshot_layer::find(segment_id segment, bytes_view key) const noexcept {
  const young_table* const rows = table(segment);
  return rows == nullptr ? nullptr : rows->find(key);
}

std::uint64_t snapshot_layer::count() noexcept {
  bytes = 0;
  for (const auto& [id, rows] : saved) bytes += rows->held_bytes();
  return bytes;
}

snapshot_chain::snapshot_chain(coro::runtime& runtime, std::shared_ptr<memory_account> memory)
    : runtime_(&runtime), memory_(std::move(memory)), opened_(runtime.queue()) {
  if (memory_) memory_->add_last_donor(*this);
}

snapshot_chain::~snapshot_chain() {
  assert(newest_ == nullptr && under_way_ == 0);
  if (memory_) memory_->remove_donor(*this);
}

bool snapshot_chain::wants(segment_id segment, bytes_view key) const noexcept {
  return newest_ != nullptr && newest_->find(segment, key) == nullptr;
}

// Ends layers until one has room, or has the key already. With the last one the value is needed no
// more.
void snapshot_chain::save(segment_id segment, bytes_view key, std::optional<bytes_view> old_value) {
  views.expire();
  expire_aged();
  const std::uint64_t least = key.size() + (old_value ? old_value->size() : 0);
  while (newest_ != nullptr && newest_->find(segment, key) == nullptr) {
    if (newest_->admits(least)) break;
    end(*newest_, "it keeps more than max_bytes");
  }
  if (newest_ == nullptr || newest_->find(segment, key) != nullptr) return;
  add(*newest_, segment, key, old_value);
  if (!newest_->admits(0)) end(*newest_, "it keeps more than max_bytes");
}

void snapshot_chain::add(snapshot_layer& to, segment_id segment, bytes_view key,
                         std::optional<bytes_view> old_value) {
  young_table* rows = to.table(segment);
  if (rows == nullptr) {
    auto made = std::make_unique<young_table>(young_layout::hashed, memory_);
    made->count_as(memory_holder::snapshots);
    rows = to.saved.emplace(segment, std::move(made)).first->second.get();
    to.bytes += rows->held_bytes();
  }
  const std::uint64_t before = rows->held_bytes();
  ++version_;
  put_row(*rows, key, old_value);
  to.bytes += rows->held_bytes() - before;
}

maybe_ready<std::shared_ptr<snapshot_layer>> snapshot_chain::open(const snapshot_limits& limits) {
  auto made = std::make_shared<snapshot_layer>(shared_from_this(), limits);
  if (under_way_ != 0) return open_later(shared_from_this(), std::move(made));
  begin(*made);
  return made;
}

// It is linked by the change that ends last, before another one can begin.
task<std::shared_ptr<snapshot_layer>> snapshot_chain::open_later(
    std::shared_ptr<snapshot_chain> self, std::shared_ptr<snapshot_layer> made) {
  if (self->under_way_ == 0) {
    self->begin(*made);
    co_return made;
  }
  self->waiting_.push_back(made.get());
  while (!made->open) co_await self->opened_.wait();
  co_return made;
}

void snapshot_chain::leave() noexcept {
  if (--under_way_ != 0 || waiting_.empty()) return;
  for (snapshot_layer* const each : waiting_) begin(*each);
  waiting_.clear();
  opened_.wake_all();
}

void snapshot_chain::begin(snapshot_layer& made) noexcept {
  made.open = true;
  if (closed_) {
    made.why_ended = store_is_gone;
  } else {
    link(made);
  }
}

void snapshot_chain::link(snapshot_layer& made) noexcept {
  made.older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = &made;
  newest_ = &made;
  ++version_;
  if (made.limits.max_age_ms == 0) return;
  const std::int64_t now_ms = runtime_->now_ms();
  if (made.limits.max_age_ms > never_ms - now_ms) return;
  made.deadline_ms = now_ms + made.limits.max_age_ms;
  next_deadline_ms_ = std::min(next_deadline_ms_, made.deadline_ms);
}

void snapshot_chain::unlink(snapshot_layer& gone, const char* why) noexcept {
  (gone.older != nullptr ? gone.older->newer : oldest_) = gone.newer;
  (gone.newer != nullptr ? gone.newer->older : newest_) = gone.older;
  gone.older = nullptr;
  gone.newer = nullptr;
  gone.why_ended = why;
  gone.saved.clear();
  views.expire();
  gone.bytes = 0;
  if (newest_ == nullptr) next_deadline_ms_ = never_ms;  // the runtime may go
  ++version_;
}

void snapshot_chain::end(snapshot_layer& gone, const char* why) noexcept {
  if (!gone.is_open()) return;
  snapshot_layer* next = &gone;
  while (snapshot_layer* const heir = next->older) {
    if (!bequeath(*next, *heir)) {
      while (oldest_ != next) unlink(*oldest_, "there was no memory for what it needs");
      break;
    }
    unlink(*next, why);
    if (heir->admits(0)) return;
    next = heir;
    why = "it keeps more than max_bytes";
  }
  unlink(*next, why);
}

void snapshot_chain::end_all(const char* why) noexcept {
  while (oldest_ != nullptr) unlink(*oldest_, why);
}

void snapshot_chain::close() noexcept {
  closed_ = true;
  end_all(store_is_gone);
}

void snapshot_chain::forget(snapshot_layer& gone) noexcept {
  std::erase(waiting_, &gone);
  end(gone, "it was closed");
}

// False where memory is missing; the heir then has a part of it.
bool snapshot_chain::bequeath(snapshot_layer& gone, snapshot_layer& heir) noexcept {
  try {
    for (auto& [segment, rows] : gone.saved) {
      const auto found = heir.saved.find(segment);
      if (found == heir.saved.end()) continue;
      if (rows->count() <= found->second->count()) {
        add_rows(*rows, *found->second, known_keys::stay);
      } else {
        add_rows(*found->second, *rows, known_keys::are_replaced);
        rows.swap(found->second);
      }
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  heir.saved.merge(gone.saved);
  heir.count();
  return true;
}

void snapshot_chain::lose_below(segment_id id) noexcept {
  for (snapshot_layer* each = oldest_; each != nullptr; each = each->newer) {
    each->lost_below = std::max(each->lost_below, id);
    each->saved.erase(each->saved.begin(), each->saved.lower_bound(id));
    each->count();
  }
  views.expire();
  ++version_;
}

void snapshot_chain::check(const snapshot_layer& layer, segment_id segment) {
  if (layer.why_ended == nullptr) expire_aged();
  if (layer.why_ended != nullptr) fail(errc::snapshot_expired, layer.why_ended);
  if (segment < layer.lost_below)
    fail(errc::snapshot_expired, "segment " + std::to_string(segment) + " was dropped");
}

const young_record* snapshot_chain::find(const snapshot_layer& layer, segment_id segment,
                                         bytes_view key) noexcept {
  for (const snapshot_layer* each = &layer; each != nullptr; each = each->newer) {
    if (const young_record* const saved = each->find(segment, key)) return saved;
  }
  return nullptr;
}

std::uint64_t snapshot_chain::version() noexcept {
  expire_aged();
  return version_;
}

void snapshot_chain::expire_aged() noexcept {
  if (next_deadline_ms_ == never_ms) [[likely]]
    return;
  const std::int64_t now_ms = runtime_->now_ms();
  while (now_ms >= next_deadline_ms_) {  // the oldest first: it leaves nothing to anybody
    next_deadline_ms_ = never_ms;
    snapshot_layer* aged = nullptr;
    for (snapshot_layer* each = newest_; each != nullptr; each = each->older) {
      next_deadline_ms_ = std::min(next_deadline_ms_, each->deadline_ms);
      if (each->deadline_ms <= now_ms) aged = each;
    }
    if (aged != nullptr) end(*aged, "it is older than max_age_ms");
  }
}

// Nobody else needs what the oldest one keeps; what another one keeps, older ones need too.
std::uint64_t snapshot_chain::give_up(std::uint64_t wanted) noexcept {
  std::uint64_t held = 0;
  for (snapshot_layer* each = oldest_; each != nullptr; each = each->newer) held += each->count();
  std::uint64_t given = 0;
  while (given < std::min(held, wanted)) {
    given += oldest_->bytes;
    unlink(*oldest_, "the memory budget is used up");
  }
  return given;
}

}  // namespace lentic::detail
