// SPDX-License-Identifier: Apache-2.0
#pragma once

// mmap_segment: one segment of a store in an environment. Three layers, newest first:
//
//   young    rows put since the last seal; logged in the journal
//   frozen   rows on their way into a run, while one is being written
//   run      sorted, immutable, mapped read-only
//
// A commit cuts the dirty records of the young table into a frame. A seal freezes the young table
// in the cut of one frame, writes frozen and old run as a new run once that frame is durable, and
// then drops both. A record in the journal stays there until its file is recycled.
//
// While the run cannot be read the segment is quarantined: what needs the run throws errc::damaged;
// puts go on, and nothing is sealed, because a new run would take the place of the damaged one.
// That ends with clear() or a drop.
//
// A block of the run that is not known to be in memory is read first; a get or an erase that needs
// it then looks again at everything, because rows, run and segment may have changed meanwhile. So
// does a put or an erase that had to wait for room. It waits once: what it has to read then may
// take its time, and the room is still its own.
//
// Parts: mmap_segment.cpp changes rows, mmap_segment_read.cpp answers them, mmap_segment_seal.cpp
// brings them into frames and runs and back, mmap_segment_replay.cpp is what recovery does,
// mmap_segment_digest.cpp sums them up.
//
// Threads: the environment's owner. Errors: see byte_store. Lifetime: owned by a shared_ptr; what
// reads it holds it, so that a drop does not end it under a read.

#include "digest_sums.hpp"
#include "frame.hpp"
#include "handed_views.hpp"
#include "logged_rows.hpp"
#include "row_layer.hpp"
#include "run_file.hpp"
#include "touch_log.hpp"
#include "young_table.hpp"

#include <lentic/environment.hpp>
#include <lentic/memory_account.hpp>
#include <lentic/store/byte_store.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lentic::detail {

// What the segments of an environment ask of it.
class segment_host {
 public:
  explicit segment_host(std::uint64_t budget) : memory(std::make_shared<memory_account>(budget)) {}

  // What everything in memory is charged to. Caches may outlive the environment.
  const std::shared_ptr<memory_account> memory;
  // By the owner, since its last cut.
  bool changed = false;
  // Returns once there is room for an entry of so many bytes; who asks first gets it first. Throws
  // errc::over_budget where nothing can be freed, errc::closed, or what kept memory from being
  // freed.
  virtual task<void> make_room(std::uint64_t entry_bytes) = 0;
  // Throws unless a write is allowed now.
  virtual void check_writable() const = 0;
  // False in memory: nothing is logged, so nothing is marked.
  virtual bool is_durable() const = 0;
  // Young tables keep the digests of their rows; only where rows are marked.
  virtual bool keeps_digests() const = 0;
  // A run that the segment gave up with the changes of the next commit: its file goes
  // once that commit is durable.
  virtual void retire_run(std::uint64_t store, std::uint64_t segment, std::uint64_t generation) = 0;

 protected:
  ~segment_host() = default;
};

// Where a walk that logs rows again stands in a segment, and how much of it a step may do.
struct relog_walk {
  young_table::slice_place from;
  std::size_t rows_left = 0;
  std::uint64_t bytes_left = 0;  // may go below zero by one row: then it is zero
};

// A put, or without a value an erase, as the journal has it.
struct logged_row {
  bytes_view key;
  std::optional<bytes_view> value;
};
// So many are applied together: enough to wait for memory at once, few enough to stay in the cache.
inline constexpr std::size_t replay_group = 32;

// The digest of a segment as it was when this was made: what is known at once, and the run that
// holds the rest. It needs nothing else of the segment, which may change meanwhile.
struct digest_job {
  struct hiding_key {
    std::size_t block = 0;  // of the run, which may hold a row of that key
    bytes key;
  };

  segment_digest found;
  std::shared_ptr<run_reader> run;  // null: nothing is missing
  std::vector<hiding_key> hiding;   // young keys that could not be looked up at once, by block
};

class mmap_segment final : public byte_store,
                           public layered,
                           public touching_store,
                           public std::enable_shared_from_this<mmap_segment> {
 public:
  mmap_segment(segment_host& host, std::uint64_t store, std::uint64_t id, young_layout layout);
  ~mmap_segment() override;

  maybe_ready<std::optional<value_view>> get(bytes_view key) override;
  maybe_ready<void> put(bytes_view key, bytes_view value) override;
  maybe_ready<bool> erase(bytes_view key) override;
  cursor range(const key_range& range, direction order = direction::forward) override;
  task<std::vector<std::optional<bytes>>> multi_get(std::span<const bytes_view> keys) override;
  void prefetch(std::span<const bytes_view> keys) override;
  maybe_ready<std::optional<pinned_value>> pin(bytes_view key) override;
  // O(1) in rows. Durable with the next commit, as any put.
  maybe_ready<void> clear() override;
  std::uint64_t approximate_count() const override;
  std::uint64_t size_bytes() const override;
  touching_store* touching() noexcept override { return this; }
  touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) override;
  touch_answer erase_touching(bytes_view key, const touch_call& call) override;
  task<void> make_room(bytes_view key, std::uint64_t value_bytes) override;
  std::vector<row_layer*> layers() override;
  std::optional<std::uint64_t> version() const override { return layer_changes_ + row_changes_; }

  std::uint64_t id() const noexcept { return id_; }
  std::uint64_t epoch() const noexcept { return epoch_; }  // changes when everything is dropped
  std::uint64_t generation() const noexcept { return generation_; }
  // In the journal as erased, above the run.
  std::uint64_t erased_rows() const noexcept;
  std::uint64_t run_erased_bytes() const noexcept;  // of those, about, in the run
  // Of its file; 0 when there is none that can be read.
  std::uint64_t run_bytes() const noexcept { return run_ ? run_->file().size() : 0; }
  bool is_frozen() const noexcept { return frozen_ != nullptr; }
  // In the cut of that frame; after a failure it waits, longer each time.
  bool wants_seal(std::uint64_t sequence) const noexcept {
    return seal_wanted_ && sequence >= seal_not_before_;
  }
  // Its next cut freezes the rows, or one has.
  bool is_being_sealed() const noexcept { return frozen_ || (seal_wanted_ && seal_failures_ == 0); }
  bool is_quarantined() const noexcept { return !quarantined_.empty(); }
  bool was_dropped() const noexcept { return dropped_; }

  // Commit: logs what is dirty. `point` is the frame's.
  void cut(payload_writer& to, log_point point);

  // All but the name of the store. O(1).
  segment_figures figures() const;

  // Memory. What sealing the young rows gives back, about.
  std::uint64_t young_bytes() const noexcept { return young_->held_bytes(); }
  // Of the last frame that has changes of it: the smaller, the colder.
  std::uint64_t last_change() const noexcept { return last_change_; }
  std::size_t dirty_rows() const noexcept { return dirty_.size(); }
  std::size_t young_rows() const noexcept { return young_->count(); }
  // Its rows may go into a run, once they are in a frame.
  bool is_spillable() const noexcept {
    return !frozen_ && !young_->empty() && quarantined_.empty() && !clear_pending_;
  }
  // They are in one.
  bool is_clean() const noexcept { return dirty_.empty(); }
  // A cache has changes of it to tell: until then a seal gives nothing back.
  bool has_touched() const noexcept { return touched_.has_touched(); }
  // Rows of frozen and run at most.
  std::uint64_t sealed_rows_max() const noexcept {
    return (frozen_ ? frozen_->live_count() : 0) + (run_ ? run_->rows() : 0);
  }

  // Journal space. Rows that need journal files whose epochs began before `sequence`; what is dirty
  // or dropped needs them until the next cut is durable.
  std::uint64_t rows_logged_before(std::uint64_t sequence) const noexcept {
    return logged_.before(sequence) + frozen_logged_.before(sequence);
  }
  // Marks for the next cut young records that were last logged before `sequence`: a step of the
  // walk, true when it is over. Frozen ones are on their way into a run. O(rows of the step).
  bool relog_before(std::uint64_t sequence, relog_walk& walk);
  // A run is the better place for the young rows: enough of them have not changed since `sequence`,
  // and the run that would be written anew is not much larger than they are.
  bool is_better_sealed(std::uint64_t sequence, std::uint64_t bytes_min) const noexcept;
  // A run may take its young rows, and none is on its way or has failed.
  bool is_sealable() const noexcept {
    return !young_->empty() && quarantined_.empty() && seal_failures_ == 0 && !is_being_sealed();
  }
  // Of the epoch in which a young row was logged last: the smaller, the colder.
  std::uint64_t newest_epoch() const noexcept {
    return dirty_.empty() ? logged_.newest() : std::numeric_limits<std::uint64_t>::max();
  }
  // Rows that the journal must hold for this segment.
  std::uint64_t journal_rows() const noexcept {
    return young_->count() + (frozen_ ? frozen_->count() : 0);
  }
  // Bytes that the journal must hold for this segment, about.
  std::uint64_t journal_bytes() const noexcept;

  // Seal.
  void want_seal() noexcept { seal_wanted_ = !young_->empty() && quarantined_.empty(); }
  // The same, also after a failure. False when there is nothing to seal, or it cannot be.
  bool want_seal_now() noexcept;
  // Right after cut(): the young rows become the frozen ones, and the frame says so.
  void freeze(payload_writer& to, std::uint64_t generation);
  // Sorts the frozen rows in steps of bounded time; true when sealed_rows() will start at once.
  bool prepare_sealed_rows() { return !frozen_ || frozen_->prepare_walk(); }
  // The digests of those rows, where they are known: there is no run. Null: not known.
  const digest_sums* sealed_sums() const noexcept {
    return frozen_ && !run_ ? frozen_->digests() : nullptr;
  }
  // Rows of frozen and run: what the next run holds. The segment outlives it.
  cursor sealed_rows();
  // The run (null when no row was left) replaces frozen and the old run.
  void adopt(std::shared_ptr<run_reader> run) noexcept;
  // The seal failed: the frozen rows are young again.
  // `sequence` is the last durable one.
  void thaw(std::uint64_t sequence);
  // The segment is dropped: it gives up everything.
  void drop();

  // Digest. Without a suspension, so of one moment: O(dirty rows), and where rows are frozen or in
  // a run O(young and frozen rows); without kept digests always that. Throws errc::damaged.
  digest_job begin_digest();

  // Recovery: entries as they were logged, `replay_group` at most, and the run that the manifest
  // names.
  void replay(std::span<const logged_row> rows, log_point point);
  // Everything so far was cleared, or is in the run.
  void replay_forget();
  // A run of that generation was tried: its number is taken.
  void replay_generation(std::uint64_t generation) noexcept {
    if (generation > generation_) generation_ = generation;
  }
  void attach_run(std::shared_ptr<run_reader> run, std::uint64_t generation);
  void quarantine(std::string reason, std::uint64_t generation);

 private:
  // The layers that a seal reads: without the young rows, which change meanwhile.
  class sealed_view final : public layered {
   public:
    explicit sealed_view(const mmap_segment& segment) noexcept : segment_(&segment) {}
    std::vector<row_layer*> layers() override;
    std::optional<std::uint64_t> version() const override { return segment_->layer_changes_; }

   private:
    const mmap_segment* segment_;
  };

  std::unique_ptr<young_table> make_table(young_layout layout) const;
  void let_go_of_tables() noexcept;
  young_record* newest_of(const young_table::look& seen, bytes_view key) noexcept;
  bool is_all_young() const noexcept { return run_generation_ == 0; }
  void check_readable() const;
  void give_up_everything();
  void make_room_to_mark();
  void mark(young_record& record, std::uint64_t live_before);
  void put_now(bytes_view key, bytes_view value);
  void check_kept() const;
  task<void> put_later(bytes_view key, bytes_view value);
  task<bool> erase_later(bytes_view key);
  maybe_ready<bool> erase_admitted(bytes_view key);
  void hold_run_memory() noexcept;
  void log_dirty(payload_writer& to);
  void relog(young_record& record);
  static task<std::vector<std::optional<bytes>>> get_many(std::shared_ptr<mmap_segment> self,
                                                          std::span<const bytes_view> keys);
  task<void> load_for(std::span<const bytes_view> keys, std::span<const run_answer> found);
  static task<std::optional<pinned_value>> pin_slowly(std::shared_ptr<mmap_segment> self,
                                                      bytes key);
  std::optional<pinned_value> pinned(const run_answer& found) const;
  void look_many(std::span<const bytes_view> keys, std::span<run_answer> found);
  run_answer look(bytes_view key);
  run_answer look_below(bytes_view key);
  task<run_answer> look_slowly(bytes_view key);
  static task<std::optional<value_view>> get_slowly(std::shared_ptr<mmap_segment> self, bytes key);
  static task<bool> erase_slowly(std::shared_ptr<mmap_segment> self, bytes key);
  bool erase_known(bytes_view key, bool exists_below);
  void thaw_one(young_record& record);
  void add_rows(const young_table& table, segment_digest& to) const;
  void subtract_hidden(young_table& table, digest_job& job);
  void subtract_below(bytes_view key, digest_job& job);

  segment_host* host_;
  std::uint64_t store_;
  std::uint64_t id_;
  std::unique_ptr<young_table> young_;
  std::unique_ptr<young_table> frozen_;
  touch_source touched_;
  std::shared_ptr<run_reader> run_;   // shared with reads that are under way
  std::uint64_t generation_ = 0;      // of the last run that was tried
  std::uint64_t run_generation_ = 0;  // of run_, or of the quarantined one; 0 when there is none
  std::uint64_t epoch_ = 0;
  std::uint64_t layer_changes_ = 0;  // of frozen_ and run_, and which table is young
  std::uint64_t row_changes_ = 0;    // of young_
  std::vector<young_record*> dirty_;
  memory_share uncommitted_;  // what the next frame needs for dirty_
  memory_share run_memory_;
  std::uint64_t last_change_ = 0;
  logged_rows logged_;         // young rows that are not dirty
  logged_rows frozen_logged_;  // frozen rows
  bool clear_pending_ = false;
  bool seal_wanted_ = false;
  unsigned seal_failures_ = 0;         // in a row
  std::uint64_t seal_not_before_ = 0;  // the frame that may try again
  bool dropped_ = false;
  std::string quarantined_;  // why the run cannot be read
  sealed_view sealed_view_{*this};
  handed_views views_;
};

}  // namespace lentic::detail
