// SPDX-License-Identifier: Apache-2.0
#include "recording_store.hpp"

#include "limits.hpp"
#include "snapshot_rows.hpp"

#include <lentic/errc.hpp>

#include <string>

namespace lentic::detail {

namespace {

using shared_target = std::shared_ptr<recording_store::target>;
using change = snapshot_chain::change;

byte_store& kept(const recording_store::target& at) {
  if (at.inner == nullptr)
    fail(errc::invalid_argument, "segment " + std::to_string(at.segment) + " was dropped");
  return *at.inner;
}

void save_unless_known(const recording_store::target& at, bytes_view key,
                       std::optional<bytes_view> old_value) {
  if (at.chain->wants(at.segment, key)) at.chain->save(at.segment, key, old_value);
}

// Here and below: a parameter lives as long as the frame, and who awaits may keep that. A change
// that is over is no longer under way.
template <class Answer>
task<Answer> ended(change given, maybe_ready<Answer> pending) {
  const change under_way(std::move(given));
  co_return co_await std::move(pending);
}

// The answer of a change that may still be going on.
template <class Answer>
maybe_ready<Answer> counted(const std::shared_ptr<snapshot_chain>& chain,
                            maybe_ready<Answer> pending) {
  if (pending.ready()) [[likely]]
    return pending;
  return ended<Answer>(change(chain), std::move(pending));
}

// As ended(), of a change whose key and value are ours: a vector's bytes stay where they are.
template <class Answer>
task<Answer> ended_ours(change given, bytes /*key*/, bytes /*value*/, maybe_ready<Answer> pending) {
  const change under_way(std::move(given));
  co_return co_await std::move(pending);
}

// Key and value are ours: what is saved may end the layer that the caller's lie in.
task<void> put_slowly(shared_target at, change given, bytes key, bytes value,
                      maybe_ready<std::optional<value_view>> pending) {
  const change under_way(std::move(given));
  const std::optional<value_view> old_value = co_await std::move(pending);
  byte_store& rows = kept(*at);
  save_unless_known(*at, key, old_value);
  co_await rows.put(key, value);
}

task<bool> erase_slowly(shared_target at, change given, bytes key,
                        maybe_ready<std::optional<value_view>> pending) {
  const change under_way(std::move(given));
  const std::optional<value_view> old_value = co_await std::move(pending);
  byte_store& rows = kept(*at);
  if (old_value) save_unless_known(*at, key, old_value);
  co_return co_await rows.erase(key);
}

// A call whose old value is ours.
struct kept_call {
  explicit kept_call(const touch_call& given) : call(given) {
    if (!given.old_value) return;
    old_value = to_bytes(*given.old_value);
    call.old_value = old_value;
  }
  kept_call(const kept_call&) = delete;
  kept_call& operator=(const kept_call&) = delete;

  touch_call call;
  bytes old_value;
};

std::unique_ptr<live_snapshot> handle_of(std::shared_ptr<snapshot_layer> layer,
                                         const recording_store::target& at) {
  live_rows live;
  live.plain = at.inner;
  live.id = at.segment;
  return std::make_unique<snapshot_rows>(std::move(layer), live, snapshot_rows::role::handle);
}

task<std::unique_ptr<live_snapshot>> open_slowly(
    shared_target at, maybe_ready<std::shared_ptr<snapshot_layer>> pending) {
  std::shared_ptr<snapshot_layer> layer = co_await std::move(pending);
  if (layer->is_open()) static_cast<void>(kept(*at));
  co_return handle_of(std::move(layer), *at);
}

}  // namespace

recording_store::recording_store(std::shared_ptr<snapshot_chain> chain, byte_store& inner,
                                 part which, segment_id segment)
    : inner_(inner),
      chain_(*chain),
      rows_(inner.touching()),
      at_(std::make_shared<target>(std::move(chain), &inner, segment)),
      part_(which) {}

recording_store::~recording_store() {
  at_->inner = nullptr;
  if (part_ == part::whole) chain_.close();
}

maybe_ready<std::unique_ptr<live_snapshot>> recording_store::open_snapshot(
    const snapshot_limits& limits) {
  maybe_ready<std::shared_ptr<snapshot_layer>> opened = chain_.open(limits);
  if (!opened.ready()) return open_slowly(at_, std::move(opened));
  return handle_of(opened.take(), *at_);
}

maybe_ready<void> recording_store::put(bytes_view key, bytes_view value) {
  if (chain_.is_recording()) [[unlikely]]
    return put_recorded(key, value);
  return counted(at_->chain, inner_.put(key, value));
}

// Reading the old value may end views that this store has handed out, and key and value may be two
// of them.
maybe_ready<void> recording_store::put_recorded(bytes_view key, bytes_view value) {
  check_limits(key, value);
  if (!chain_.wants(at_->segment, key)) return counted(at_->chain, inner_.put(key, value));
  bytes own_key = to_bytes(key);
  bytes own_value = to_bytes(value);
  maybe_ready<std::optional<value_view>> old_value = inner_.get(own_key);
  if (!old_value.ready())
    return put_slowly(at_, change(at_->chain), std::move(own_key), std::move(own_value),
                      std::move(old_value));
  save_unless_known(*at_, own_key, old_value.take());
  maybe_ready<void> done = inner_.put(own_key, own_value);
  if (done.ready()) return done;
  return ended_ours<void>(change(at_->chain), std::move(own_key), std::move(own_value),
                          std::move(done));
}

maybe_ready<bool> recording_store::erase(bytes_view key) {
  if (chain_.is_recording()) [[unlikely]]
    return erase_recorded(key);
  return counted(at_->chain, inner_.erase(key));
}

maybe_ready<bool> recording_store::erase_recorded(bytes_view key) {
  if (!chain_.wants(at_->segment, key)) return counted(at_->chain, inner_.erase(key));
  bytes own_key = to_bytes(key);
  maybe_ready<std::optional<value_view>> old_value = inner_.get(own_key);
  if (!old_value.ready())
    return erase_slowly(at_, change(at_->chain), std::move(own_key), std::move(old_value));
  const std::optional<value_view> found = old_value.take();
  if (found) save_unless_known(*at_, own_key, *found);
  maybe_ready<bool> done = inner_.erase(own_key);
  if (done.ready()) return done;
  return ended_ours<bool>(change(at_->chain), std::move(own_key), bytes(), std::move(done));
}

maybe_ready<void> recording_store::clear() {
  chain_.end_all("the store was cleared");
  return counted(at_->chain, inner_.clear());
}

// Saves what the key was, where a snapshot wants it; false when it has to be read first. What the
// cache has read before counts where it cannot be read now: what has changed since can be.
bool recording_store::save_touched(bytes_view key, const touch_call& call, saving which) {
  const auto save = [&](std::optional<bytes_view> old_value) {
    if (old_value || which == saving::also_none) save_unless_known(*at_, key, old_value);
  };
  maybe_ready<std::optional<value_view>> old_value = inner_.get(key);
  if (old_value.ready()) {
    save(old_value.take());
  } else if (call.was_read) {
    save(call.old_value);
  } else {
    return false;
  }
  return true;
}

touch_answer recording_store::put_touching(bytes_view key, bytes_view value,
                                           const touch_call& call) {
  if (!chain_.is_recording() || !chain_.wants(at_->segment, key)) [[likely]]
    return rows_->put_touching(key, value, call);
  const bytes own_key = to_bytes(key);
  const bytes own_value = to_bytes(value);
  const kept_call own(call);
  if (!save_touched(own_key, own.call, saving::also_none)) return {.unread = true};
  return rows_->put_touching(own_key, own_value, own.call);
}

touch_answer recording_store::erase_touching(bytes_view key, const touch_call& call) {
  if (!chain_.is_recording() || !chain_.wants(at_->segment, key)) [[likely]]
    return rows_->erase_touching(key, call);
  const bytes own_key = to_bytes(key);
  const kept_call own(call);
  if (!save_touched(own_key, own.call, saving::of_rows)) return {.unread = true};
  return rows_->erase_touching(own_key, own.call);
}

}  // namespace lentic::detail

namespace lentic {

std::unique_ptr<snapshot_store> make_snapshot_store(byte_store& inner, coro::runtime& runtime,
                                                    std::shared_ptr<memory_account> memory) {
  auto chain = std::make_shared<detail::snapshot_chain>(runtime, std::move(memory));
  return std::make_unique<detail::recording_store>(std::move(chain), inner,
                                                   detail::recording_store::part::whole);
}

}  // namespace lentic
