// SPDX-License-Identifier: Apache-2.0
#pragma once

// caching_store: a byte_store in front of another that tells what changed: each key that was put
// since it was last told gives one change(old, new, context), where old is the value last told.
// Two modes with one contract (docs/design/0006-caching-modes.md):
//
//   kafka  Kafka Streams' caching store: puts stay in a named_cache until a flush; dirty order,
//          byte accounting, and the whole dirty set flushed when a dirty entry is evicted
//   fused  puts go to the inner store at once, which is the cache; the old value and the context
//          are kept aside at the first touch; order of first touch; the budget counts keys and
//          newest values of what is dirty, and everything is told when it is passed
//
// The last value told and the chain of old and new are equal in both; what is told in between, and
// in which order, may differ. A change that is null before and after is not told.
//
// Flush: one unit per entry (read old, write below, tell), not cancellable; a stop is seen between
// units, and the rest stays dirty. One flush at a time: a second waits. A put during a flush does
// not wait for it, and is told by a later one if its key was already under way. A unit that fails
// before its value is written leaves the entry dirty; one whose listener throws is written, and its
// change comes again, first of all, with the next flush. So: flush again before a commit.
// A put that has to read first is under way from its call on: await it before a flush.
// Threads: one owner, the inner store's. Lifetime: inner store, thread_cache, listener and current
// context outlive it. Nobody else writes to the inner store. Views, limits: as byte_store.
// Suspension: only where the inner store or the listener does. Durability: none before the flush in
// kafka mode; the inner store's in fused mode. clear() tells nothing: the chain starts anew.
// Not promised: a bound while a flush is suspended; what is put meanwhile waits for its end. What
// is put while clear() waits may be forgotten with the rest.

#include <lentic/cache/change.hpp>
#include <lentic/cache/thread_cache.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/store/byte_store.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace lentic {

enum class caching { kafka, fused };

struct caching_options {
  // Null: changes, also those that an eviction flushes, are kept until flush_with_old() takes them.
  change_listener* listener = nullptr;
  // The context of the record being processed, read at each put; null: an empty one.
  const record_context* current = nullptr;
  bool send_old_values = true;  // false: old_value is none in every change
  // kafka: a get that misses leaves a clean entry, as Kafka's caches of keys do; not of windows.
  bool keep_what_was_read = true;
};

// fused: a hit is a put of a key that was dirty, a miss one that was not; an eviction is a flush
// for lack of room.
struct caching_statistics {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;
  std::uint64_t flushes = 0;
};

// A scan through the cache that leaves keys out: for stores whose rows are parts of the key order.
class scan_plan {
 public:
  enum class verdict { wanted, unwanted, seek, end };

  virtual ~scan_plan() = default;
  virtual direction order() const = 0;
  // Where to begin: the first key (forward), or the exclusive end (backward, none: at the very
  // end).
  virtual std::optional<bytes_view> start() const = 0;
  // The wanted rows of the store below, in order; only those behind `after` when it is given.
  virtual cursor below(const std::optional<bytes_view>& after) = 0;
  // Whether an entry of the cache belongs to the scan. `seek` leaves out all up to `to`: forward,
  // the next key to look at or after; backward, to look before.
  virtual verdict judge(bytes_view key, bytes& to) = 0;
};

class caching_store : public byte_store {
 public:
  // Tells the listener each change of what was dirty; answers how many. Ready, without an
  // allocation, when nothing is dirty. O(dirty entries x log n).
  virtual maybe_ready<std::uint64_t> flush(coro::stop_token stop = {}) = 0;
  // Drains: the same changes as owned copies, and those that were flushed without a listener since
  // the last call. After a failure or a stop, what was drained comes with this or the next call.
  virtual task<std::vector<owned_change>> flush_with_old(coro::stop_token stop = {}) = 0;

  // Only what is dirty with a key below `end`; then forgets those keys. For an owner that is about
  // to drop them from the inner store. `end` outlives the await.
  virtual maybe_ready<std::uint64_t> retire_below(bytes_view end) = 0;
  // The rows of the plan, as a reader of this store sees them.
  virtual cursor merged(std::unique_ptr<scan_plan> plan) = 0;

  // Entries whose change was not told yet, and their keys and newest values.
  virtual std::uint64_t dirty_count() const noexcept = 0;
  virtual std::uint64_t dirty_bytes() const noexcept = 0;
  virtual caching_statistics statistics() const noexcept = 0;
};

// `name` is that of the cache in `cache`: errc::invalid_argument when it is taken.
std::unique_ptr<caching_store> make_caching_store(caching mode, byte_store& inner,
                                                  thread_cache& cache, std::string_view name,
                                                  const caching_options& options = {});

}  // namespace lentic
