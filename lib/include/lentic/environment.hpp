// SPDX-License-Identifier: Apache-2.0
#pragma once

// environment: one directory of durable state: stores, source positions and pending output, with
// one lock, one journal and one owner. A commit is atomic and covers all of them; after a crash the
// environment is exactly at some commit. Without a directory it is the same code in memory: a
// commit completes ready and nothing is written.
//
//   auto env = co_await environment::open(runtime, options);
//   byte_store& store = env->open_byte_store("totals");
//   co_await store.put(key, value);
//   co_await env->commit();
//   co_await env->close();
//
// Threads: everything is called on the thread that opened it, the runtime's, except gate(), through
// which others query (query.hpp). Builds with assertions check that at each write and commit.
// Errors: std::system_error with errc or the system's code. A failed write (a full disk) leaves the
// commit pending: nothing is lost, and the next commit tries again. A failed fdatasync poisons:
// every later write and commit throws errc::poisoned, nothing is retried, and only a reopen tells
// what is durable.
// Cancellation: who waits for a commit may be stopped (std::system_error, coro::aborted_code()); a
// commit that was cut goes on, and last_durable() tells its fate. close() is not cancellable.
// Not promised: several environments on one directory (the second open throws errc::in_use), or
// cheap replay of a journal whose writer never commits.

#include <lentic/bytes.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/coro/runtime.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/digest.hpp>
#include <lentic/durability.hpp>
#include <lentic/errc.hpp>
#include <lentic/memory_account.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/store/young_layout.hpp>
#include <lentic/task.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lentic {

// Number of a commit; the first is 1. 0 means "before every commit".
using commit_sequence = std::uint64_t;

enum class open_mode {
  create,         // open the state, or make it in an empty or missing directory
  open_existing,  // the state must be there
  read_only,      // the same, changes nothing, and shares the lock with other readers
  salvage,        // read-only, also where the journal is damaged: at the last commit before that
};

// How frames are written; the bytes are the same.
enum class journal_writes {
  direct,    // past the page cache (O_DIRECT), where the file system takes that
  buffered,  // always so where commit_level is below synced
};

struct environment_options {
  std::string directory;  // empty: in memory
  open_mode mode = open_mode::create;
  std::uint64_t journal_file_bytes_max = std::uint64_t{16} << 20;
  std::uint64_t journal_growth_bytes = std::uint64_t{1} << 20;
  journal_writes journal_io = journal_writes::direct;
  // The oldest journal files go, and what is live in them is logged again or sealed, while the
  // journal has more than both: so many bytes, and `journal_live_factor` (at least 2) times the
  // bytes of rows that are in no run. A larger journal is written less and replayed longer.
  std::uint64_t journal_bytes_kept = std::uint64_t{64} << 20;
  std::uint64_t journal_live_factor = 2;
  // What the replay of the journal may take by estimate (replay_estimate_us), one frame more at
  // most. Above it the coldest segments are sealed, until what is in no run takes half of it, and
  // the oldest journal files go whatever the two options above say. What was committed last is not
  // waited for: with nothing put since, the environment makes commits of its own, in which nothing
  // changes. A bound on the bytes that are written again: a smaller budget writes more. 0: none.
  std::uint64_t recovery_budget_ms = 1000;
  durability commit_level = durability::synced;  // of cut(), commit() and wait_durable()
  // Buffers for reads of runs that are under way: who finds no room waits. One may always be.
  std::uint64_t block_buffer_bytes_max = std::uint64_t{8} << 20;
  // Bytes that everything in memory may take together, 64 KiB at least; 0: no limit. An eighth of
  // it is kept for flushes of caches. Rows that are not used for long go to disk before it is used
  // up, puts wait for that, and where nothing can go they throw errc::over_budget. Without a
  // directory nothing can. See wants_commit().
  // Each row in a run takes some 2 bytes of it for index and filter.
  std::uint64_t memory_budget = 0;
  std::int64_t lock_wait_ms = 1000;           // a killed process may hold the lock a moment longer
  std::function<void(std::string_view)> log;  // one line each; never called with a lock held
};

// The last frame could not be read and nothing follows it: it was being written, or it was damaged
// later. Whether its commit was acknowledged cannot be known from the journal.
struct tail_cut {
  commit_sequence sequence = 0;
  std::uint64_t bytes = 0;
  bool unknown_if_acknowledged = true;
};

// What lost commits would have changed in one segment.
struct lost_changes {
  std::string store;  // its name; "store 7" where the declaration is lost too
  std::uint64_t segment = 0;
  std::uint64_t rows = 0;  // puts and erases; 0: it was cleared, sealed or dropped
  bytes first_key;         // in key order, of those rows
  bytes last_key;
};

// A part of the journal that open_mode::salvage did not apply: bytes that are no frame of the
// journal, or frames behind such bytes, which are whole and yet of no use without what is missing.
struct journal_damage {
  std::string file;
  std::uint64_t begin = 0;  // offsets of the bytes
  std::uint64_t end = 0;
  bool readable = false;  // whole frames
  // The commits that are lost with it. Of bytes: the numbers that are missing there; none when
  // first > last; `last` is what is known, and of the end of the journal more may be lost.
  commit_sequence first = 1;
  commit_sequence last = 0;
  std::vector<lost_changes> changes;  // of frames that can be decoded, by store and segment
};

// A run that cannot be read; all keys of its segment may be in it.
struct quarantined_run {
  std::string store;
  std::uint64_t segment = 0;
  std::uint64_t generation = 0;
  std::string why;
};

// What open() found and did.
struct recovery_report {
  bool created = false;
  commit_sequence sequence = 0;  // the commit that the environment is at
  std::uint64_t frames_replayed = 0;
  std::uint64_t bytes_replayed = 0;
  std::uint64_t rows_replayed = 0;       // puts and erases in those frames
  std::int64_t replay_ms = 0;            // of reading and applying them, by the runtime's clock
  std::uint64_t replay_estimate_us = 0;  // of the same, as environment_statistics has it
  std::uint64_t runs_mapped = 0;
  std::optional<tail_cut> cut;
  std::vector<std::string> quarantined;  // runs that cannot be read: their segments throw damaged
  std::vector<quarantined_run> quarantined_runs;  // the same
  // Of open_mode::salvage: what of the journal is lost, by file and offset.
  std::vector<journal_damage> damage;
  // Above `sequence` where the manifest is newer than what is left of the journal: runs may hold
  // rows of commits up to this one, and rows that only lost frames held are missing. Else 0.
  commit_sequence mixed_up_to = 0;
};

struct environment_statistics {
  std::uint64_t commits = 0;        // frames made durable by this process
  std::uint64_t bytes_written = 0;  // given to write operations under the directory
  std::uint64_t bytes_read = 0;
  std::uint64_t journal_files = 0;
  std::uint64_t journal_bytes = 0;       // in those files, up to the last frame
  std::uint64_t journal_live_bytes = 0;  // of rows that only the journal holds, about
  // What it would take to replay them: 1 ns a byte and 200 ns a put or erase.
  std::uint64_t replay_estimate_us = 0;
  std::uint64_t seals_for_budget = 0;  // segments that were sealed early for recovery_budget_ms
  std::uint64_t runs_written = 0;
  std::uint64_t upkeep_failures = 0;  // retried at a later commit
  std::uint64_t runs = 0;             // now, as all that follows
  std::uint64_t runs_quarantined = 0;
  std::uint64_t run_bytes = 0;         // of their files; without those that cannot be read
  std::uint64_t run_erased_bytes = 0;  // of rows in them that were erased since, about
  std::uint64_t cold_reads = 0;        // operations that read blocks of runs, or their index
  // Times that the owner's thread waited for a page, major faults, as seen around reads of blocks
  // that were taken to be in memory: wrong guesses, and the pages of other maps on this thread.
  std::uint64_t stalls = 0;
  std::uint64_t block_buffer_bytes = 0;  // for reads that are under way now
  std::uint64_t memory_bytes = 0;        // in memory, by what memory_account counts
  std::uint64_t memory_bytes_max = 0;
  std::array<std::uint64_t, memory_holder_count> memory_of{};  // by memory_holder

  // The part of the bytes on disk that holds no row of the state, 0 to 1, about: journal space that
  // no row needs, and rows of runs that were erased since. Rows of runs that were put over are not
  // counted, rows that were put and erased again since the last seal are. A state below 1 MiB
  // counts as one of 1 MiB, because files have a least size. From counters: no row is looked at.
  double fragmentation() const noexcept;
};

// What one segment has, by the place where it lies. A key may be in the journal and in the run;
// then the journal's row counts for readers.
struct segment_figures {
  std::string store;
  std::uint64_t segment = 0;
  std::uint64_t journal_rows = 0;    // put or erased since the last seal
  std::uint64_t journal_erased = 0;  // of them: erased, and hiding a row of the run
  std::uint64_t journal_bytes = 0;   // of them, about
  std::uint64_t run_rows = 0;
  std::uint64_t run_bytes = 0;  // of its file
  bool quarantined = false;     // there is a run, and it cannot be read
};

// How far compact() or checkpoint() is.
struct upkeep_progress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // of what was there at the start; may grow with it
};
using upkeep_listener = std::function<void(const upkeep_progress&)>;

// Output of one commit, to be written again after a crash until it is acknowledged.
struct outbox_batch {
  commit_sequence sequence = 0;
  bytes_view output;
};

}  // namespace lentic

template <>
inline constexpr bool lentic::coro::is_borrowed<lentic::outbox_batch> = true;

namespace lentic {

class query_gate;

class environment {
 public:
  // Opens the state and recovers it. O(journal tail + runs). Errors: errc::in_use,
  // not_a_state_directory, newer_format, manifest_damaged, journal_damaged, or the system's.
  static task<std::unique_ptr<environment>> open(coro::runtime& runtime,
                                                 environment_options options);

  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  // Without close(), as when an exception passes by, the state is as after a crash: at the last
  // commit. What is in flight then ends in the runtime's next turns, which sync_wait() sees to.
  ~environment();

  // The runtime that it was opened on.
  coro::runtime& runtime() const noexcept;
  const recovery_report& recovered() const noexcept;
  // O(segments).
  environment_statistics statistics() const noexcept;
  // By store and segment. O(segments).
  std::vector<segment_figures> segments() const;

  // What is known of blocks of runs to be in memory is not known any more: each is read through the
  // engine before its next use, which does not block. For who hears that memory is short; stalls
  // do it by themselves. O(1).
  void forget_residency() noexcept;
  // See environment_options.
  void set_block_buffer_bytes_max(std::uint64_t limit) noexcept;

  // The store of that name; declared if new, durable with the next commit. The reference stays
  // valid until close(). Names are 1 to 249 of [A-Za-z0-9._-]; else errc::invalid_argument. A name
  // opened as a byte store is segment 0 of the segmented store of that name.
  // `layout` is for a store that is new: what exists keeps the layout that it was declared with,
  // and answers the same.
  segmented_store& open_segmented_store(std::string_view name,
                                        young_layout layout = young_layout::hashed);
  byte_store& open_byte_store(std::string_view name, young_layout layout = young_layout::ordered);
  std::vector<std::string> store_names() const;

  // Where a source stands: part of the next commit.
  void set_position(std::string_view source, bytes_view position);
  std::optional<bytes> position(std::string_view source) const;
  // The sources that have one, sorted.
  std::vector<std::string> position_names() const;

  // Adds output to the next commit; it may be written to its sink once that commit is durable. It
  // does not wait for room: with a memory budget, clean entries of bound caches go, and with them
  // their views; then it throws over_budget, and nothing was added.
  void append_output(bytes_view output);
  // The oldest batch with a sequence greater than `after` that was not acknowledged and whose
  // commit is durable; written, where commit_level is below synced: a power cut may then take back
  // what was written to the sink already. The view stays valid until acknowledge() or close().
  std::optional<outbox_batch> next_output(commit_sequence after) const;
  // Batches up to `sequence` were written to their sink; recorded by the next commit.
  void acknowledge(commit_sequence sequence);

  // Takes everything since the last cut as one commit and starts to write it; answers its sequence.
  // With nothing new it answers the last one. At most one frame is in flight: what is cut meanwhile
  // waits, and cuts that wait together share a frame. `level` says what is to happen to it; with
  // durability::cached nothing is started before a later cut, or a MiB has gathered. Without one it
  // is commit_level, here and below. Throws errc::poisoned, closed, read_only.
  commit_sequence cut();
  commit_sequence cut(durability level);
  // Returns when the commit has reached the level; throws what kept it from it. It may ask for more
  // than the cut did: the commit is written, and synced, then.
  maybe_ready<void> wait_durable(commit_sequence sequence, coro::stop_token stop = {});
  maybe_ready<void> wait_durable(commit_sequence sequence, durability level,
                                 coro::stop_token stop = {});
  // cut() and wait_durable(). Stopped before the call, it cuts nothing. With durability::cached it
  // is ready, unless the disk cannot keep up: then it waits for the frame in flight.
  maybe_ready<commit_sequence> commit(coro::stop_token stop = {});
  maybe_ready<commit_sequence> commit(durability level, coro::stop_token stop = {});
  // The newest commit that an fdatasync covers, and the newest whose frame was written.
  commit_sequence last_durable() const noexcept;
  commit_sequence last_logged() const noexcept;

  // With a memory budget: a commit is due, because what was put since the last one takes much of
  // it, or because rows can go to disk only once they are committed. Ask between two records and
  // commit; whoever does not may find that a put throws errc::over_budget. O(1).
  bool wants_commit() const noexcept;
  // What is held in memory. It may outlive the environment.
  const std::shared_ptr<memory_account>& memory() const noexcept;

  // Copies the state, as of the last commit that was written, into another directory that is empty,
  // missing or left behind by a checkpoint that was interrupted; answers that commit. The copy is
  // durable and may be opened, also while this environment is open, and goes its own way from then
  // on. Runs are hard-linked, or copied where the file systems take no link; O(journal) otherwise.
  // Puts and commits go on meanwhile; seals and recycling wait. Also of a state that is open
  // read-only. Errors: std::errc::directory_not_empty, errc::in_use (another checkpoint writes
  // there), closed, poisoned, invalid_argument (in memory, or a directory inside of the state), the
  // system's. Whatever fails, here or there, the source is as it was, and so are its commits; the
  // directory then is refused by open() (errc::not_a_state_directory) until a checkpoint into it
  // succeeds. Not cancellable; close() ends it with errc::closed. What is damaged here is damaged
  // there. `told` hears before each file.
  task<commit_sequence> checkpoint(std::string directory, upkeep_listener told = {});

  // Writes all rows that only the journal holds into runs, one segment after the other, and lets
  // the journal's files go: what is left on disk is what the state holds, and the next open replays
  // next to nothing. Runs that journal rows hide or add to are written anew, in bounded slices,
  // with room for one segment twice; puts and commits go on meanwhile. It makes commits of its own,
  // of nothing that its caller has put and not cut: for that it waits, so cut before, or beside it.
  // `told` hears before each segment. A stop leaves what is done: an ordinary state. Errors:
  // closed, poisoned, read_only, what a seal throws (its rows stay in the journal). In memory:
  // nothing.
  task<void> compact(coro::stop_token stop = {}, upkeep_listener told = {});

  // The digests of a store's segments with lo <= id < hi, as of the moment at which the task
  // starts, what was put and not cut included; see digest.hpp. No row is read but those that rows
  // in memory may hide in a run, and runs of earlier versions, which have no sums: O(runs + rows in
  // memory of segments with a run), without a suspension in the second; O(segments + rows put since
  // the last cut) where none has both. A put pays less than 50 ns, with values up to 400 B
  // (bench/digest_bench). Without a directory, read-only, and below a memory budget of 4 MiB rows
  // in memory are hashed when this is called. Rows of runs are not looked at: `lentic store verify`
  // finds damage in them. Puts and seals go on. Errors: invalid_argument (no such store), damaged
  // (one of the runs, or a block that is looked into, cannot be read), over_budget (the keys that
  // have to be looked up in blocks that are not in memory, at 32 bytes and the key for each, would
  // take more than a sixteenth of the budget), closed, the system's.
  task<store_digest> digest(std::string store, segment_id lo = 0,
                            segment_id hi = std::numeric_limits<segment_id>::max());

  // The door for other threads; see query.hpp. May be called on any thread and outlive this object.
  const std::shared_ptr<query_gate>& gate() const noexcept;

  // Ends queries, waits for what is in flight and closes; changes since the last cut are dropped.
  // Throws what the last write threw; closed in any case. Who calls while another call closes waits
  // for it and gets the same.
  task<void> close();

 private:
  class state;
  explicit environment(std::unique_ptr<state> opened) noexcept;
  std::unique_ptr<state> state_;
};

}  // namespace lentic
