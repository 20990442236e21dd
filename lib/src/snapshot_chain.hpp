// SPDX-License-Identifier: Apache-2.0
#pragma once

// snapshot_chain: the open snapshots of one store, oldest to newest, and what each keeps:
//
//   oldest                      newest
//   +--------+     +--------+     +--------+     +------------+
//   | layer  | <-> | layer  | <-> | layer  |     | store, now |
//   +--------+     +--------+     +--------+     +------------+
//
// A layer holds, for each key that changed while it was the newest one, the value before the first
// of these changes; a tombstone where there was none. What a snapshot shows of a key is what the
// first layer from its own on says, or else the store. A layer that ends leaves its rows to the
// next older one, where that has none of the key.
//
// Changes that suspend are counted: a layer is linked only while none is under way, so no change
// ever spans the opening of a snapshot.
// Threads: one owner. Lifetime: shared by the store, its tasks and its snapshots; after the store's
// end every layer has ended, and nothing of runtime or store is touched. Errors: save() throws
// std::bad_alloc, and then nothing has changed.

#include "handed_views.hpp"
#include "young_table.hpp"

#include <lentic/coro/event.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/memory_account.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/store/snapshot_store.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace lentic::detail {

class snapshot_chain;

// One snapshot. A plain byte store is segment 0.
struct snapshot_layer {
  snapshot_layer(std::shared_ptr<snapshot_chain> home, const snapshot_limits& chosen) noexcept
      : chain(std::move(home)), limits(chosen) {}
  snapshot_layer(const snapshot_layer&) = delete;
  snapshot_layer& operator=(const snapshot_layer&) = delete;
  ~snapshot_layer();

  const young_record* find(segment_id segment, bytes_view key) const noexcept;
  young_table* table(segment_id segment) const noexcept;
  bool is_open() const noexcept { return open && why_ended == nullptr; }
  bool admits(std::uint64_t more) const noexcept {
    return limits.max_bytes == 0 || bytes + more <= limits.max_bytes;
  }
  // Renews `bytes`, which do not hear of an order that a cursor has made of a table.
  std::uint64_t count() noexcept;

  const std::shared_ptr<snapshot_chain> chain;
  const snapshot_limits limits;
  std::map<segment_id, std::unique_ptr<young_table>> saved;
  std::uint64_t bytes = 0;
  std::int64_t deadline_ms = std::numeric_limits<std::int64_t>::max();
  segment_id lost_below = 0;
  bool open = false;                // linked once
  const char* why_ended = nullptr;  // null: it has not
  snapshot_layer* older = nullptr;
  snapshot_layer* newer = nullptr;
};

class snapshot_chain final : public memory_donor,
                             public std::enable_shared_from_this<snapshot_chain> {
 public:
  snapshot_chain(coro::runtime& runtime, std::shared_ptr<memory_account> memory);
  ~snapshot_chain();
  snapshot_chain(const snapshot_chain&) = delete;
  snapshot_chain& operator=(const snapshot_chain&) = delete;

  // A put, an erase or a clear between its call and its end, where that is not the same moment.
  class [[nodiscard]] change {
   public:
    explicit change(std::shared_ptr<snapshot_chain> chain) noexcept : chain_(std::move(chain)) {
      ++chain_->under_way_;
    }
    change(change&& other) noexcept = default;
    change& operator=(change&&) = delete;
    ~change() {
      if (chain_) chain_->leave();
    }

   private:
    std::shared_ptr<snapshot_chain> chain_;
  };

  // Somebody may need the old value of what changes.
  bool is_recording() const noexcept { return newest_ != nullptr; }
  // The old value of `key` is to be saved before it changes. Ends no layer: key and value of a put
  // may be views of one.
  bool wants(segment_id segment, bytes_view key) const noexcept;
  // What `key` was since the newest snapshot was opened. Precondition: wants(). Neither
  // may be a view of a layer: one may end here.
  void save(segment_id segment, bytes_view key, std::optional<bytes_view> old_value);

  maybe_ready<std::shared_ptr<snapshot_layer>> open(const snapshot_limits& limits);
  // Ends it; no effect where it has ended. O(rows of the smaller of it and the next older one).
  void end(snapshot_layer& gone, const char* why) noexcept;
  void end_all(const char* why) noexcept;
  // The store is gone: all end, those too that wait to be opened.
  void close() noexcept;
  // Nobody refers to it any more, linked or not.
  void forget(snapshot_layer& gone) noexcept;
  // Rows of these segments are lost to every snapshot.
  void lose_below(segment_id id) noexcept;

  // Throws errc::snapshot_expired unless the layer shows that segment.
  void check(const snapshot_layer& layer, segment_id segment);
  // What the snapshot shows of the key, unless the store does; null then.
  static const young_record* find(const snapshot_layer& layer, segment_id segment,
                                  bytes_view key) noexcept;
  // Another one after each change of a layer, or of which there are.
  std::uint64_t version() noexcept;
  void expire_aged() noexcept;

  std::uint64_t give_up(std::uint64_t wanted) noexcept override;

  handed_views views;  // of reads of its snapshots

 private:
  static task<std::shared_ptr<snapshot_layer>> open_later(std::shared_ptr<snapshot_chain> self,
                                                          std::shared_ptr<snapshot_layer> made);
  void leave() noexcept;
  void begin(snapshot_layer& made) noexcept;
  void link(snapshot_layer& made) noexcept;
  void unlink(snapshot_layer& gone, const char* why) noexcept;
  void add(snapshot_layer& to, segment_id segment, bytes_view key,
           std::optional<bytes_view> old_value);
  bool bequeath(snapshot_layer& gone, snapshot_layer& heir) noexcept;

  coro::runtime* runtime_;
  std::shared_ptr<memory_account> memory_;
  snapshot_layer* oldest_ = nullptr;
  snapshot_layer* newest_ = nullptr;
  std::uint64_t version_ = 0;
  std::int64_t next_deadline_ms_ = std::numeric_limits<std::int64_t>::max();
  std::size_t under_way_ = 0;
  bool closed_ = false;
  std::vector<snapshot_layer*> waiting_;  // to be linked
  coro::event opened_;
};

}  // namespace lentic::detail
