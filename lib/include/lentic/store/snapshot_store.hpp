// SPDX-License-Identifier: Apache-2.0
#pragma once

// snapshot_store: a byte_store in front of another that can show its rows as they were, in O(1) and
// without a copy of them:
//
//   auto totals = make_snapshot_store(env->open_byte_store("totals"), runtime, env->memory());
//   const std::unique_ptr<live_snapshot> then = co_await totals->open_snapshot();
//   co_await totals->put(key, value);                     // and flushes, commits, seals
//   const auto found = co_await then->get(key);           // the value of before
//
// The first change of a key after a snapshot was opened keeps its old value in that snapshot; a
// read asks the snapshot, those that were opened after it, and then the store. So it covers what is
// below by construction: a cache and its backend, young rows, frozen ones and runs. Owned copies
// are another thing: see byte_store::snapshot().
//
// All changes go through this store, or snapshots are wrong. Below a fused cache it offers
// touching(), and shows all that was put; below a kafka cache it shows what was flushed: put it
// above that one.
//
// What a snapshot shows: every change whose put, erase or clear had ended when it was opened, and
// nothing of a later one. Several stores are shown at one moment when their snapshots are opened
// without a suspension in between.
// What ends one: its limits; clear() and restore(); the end of the store; and, last of all means,
// a memory budget that is used up, the oldest one first. Its next read then throws
// errc::snapshot_expired and never answers wrongly; what it kept is free at once, the store goes
// on, and so do other snapshots. One that goes gives what older ones need of it to them, O(rows of
// the smaller). Where memory for that is missing, the older ones expire.
// Threads: one owner, the inner store's. Lifetime: the inner store and the runtime outlive the
// store, the store outlives reads and cursors that are under way; a snapshot may outlive it.
// Cost: nothing without a snapshot but a virtual call. With one: a look for each put, and a read
// and a copy of the old value for the first put of each key. Views, suspension, limits: as
// byte_store; a put may suspend where a get would, and a view of a snapshot ends with the next call
// of that snapshot, of another one of the store, or of the store, and with the end of one of them:
// to put an old value back, take it with get_copy(). Not promised: open_snapshot() while puts that
// suspend overlap without an end: it waits for a moment with none. A put counts from its call,
// awaited or not; so not between the call of one's own put and its await, and not from a listener
// that such a put waits for.

#include <lentic/memory_account.hpp>
#include <lentic/store/byte_store.hpp>

#include <cstdint>
#include <memory>

namespace lentic::coro {
class runtime;
}

namespace lentic {

struct snapshot_limits {
  // Of what it keeps, as it lies in memory; 0: no limit. A few KiB are taken by the first row.
  std::uint64_t max_bytes = std::uint64_t{64} << 20;
  std::int64_t max_age_ms = 0;  // by the runtime's clock; 0: no limit
};

// The rows as they were. What would change them throws errc::read_only. Every read throws
// errc::snapshot_expired once it has expired, cursors too, and counts as a call of the store for
// the views that this handed out. approximate_count() and size_bytes() are those of the store now.
// O(snapshots opened since) for each look. It ends with this object.
class live_snapshot : public byte_store {
 public:
  // What it keeps.
  virtual std::uint64_t bytes() const noexcept = 0;
  virtual bool expired() const noexcept = 0;
};

class snapshot_store : public byte_store {
 public:
  // Ready, unless puts are under way. O(1). Throws std::bad_alloc.
  virtual maybe_ready<std::unique_ptr<live_snapshot>> open_snapshot(
      const snapshot_limits& limits = {}) = 0;
};

// With an account, what snapshots keep is charged to it.
std::unique_ptr<snapshot_store> make_snapshot_store(
    byte_store& inner, coro::runtime& runtime, std::shared_ptr<memory_account> memory = nullptr);

}  // namespace lentic
