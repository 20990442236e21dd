// SPDX-License-Identifier: Apache-2.0
#pragma once

// environment::state: what an open environment consists of. Its parts, a file each:
//
//   environment.cpp           the public face
//   environment_open.cpp      recovery
//   environment_memory.cpp    the memory budget
//   environment_commit.cpp    cut, the frame in flight, landing, poison
//   environment_checkpoint.cpp  a copy of the last commit in another directory
//   environment_upkeep.cpp    seals, removal of dead runs, close
//   environment_compact.cpp   what its owner asks of both at once
//   environment_digest.cpp    sums of what stores hold
//   environment_recycle.cpp   the journal's space: epochs, recycling of its oldest files
//   environment_budget.cpp    the same for the time that a replay takes: seals, commits of its own
//
// manifest_ is the durable truth: it changes only with what has landed, so a manifest written at
// any moment describes a commit. Threads: the environment's owner.

#include "block_reads.hpp"
#include "journal.hpp"
#include "manifest.hpp"
#include "mmap_store.hpp"
#include "state_directory.hpp"

#include <lentic/coro/async_mutex.hpp>
#include <lentic/coro/event.hpp>
#include <lentic/coro/scope.hpp>
#include <lentic/environment.hpp>
#include <lentic/query_gate.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace lentic {

namespace detail {
class checkpoint_target;
}

// Below it young tables keep no digests.
inline constexpr std::uint64_t digest_budget_min = std::uint64_t{4} << 20;

class environment::state final : public detail::segment_host {
 public:
  state(coro::runtime& owner, environment_options chosen);

  // segment_host
  void check_writable() const override;
  bool is_durable() const override { return !options.directory.empty(); }
  // A reader makes them when it is asked; a small budget has better use for 2 KiB a segment.
  bool keeps_digests() const override {
    const std::uint64_t budget = memory->budget();
    return is_durable() && !is_reader() && (budget == 0 || budget >= digest_budget_min);
  }
  void retire_run(std::uint64_t store, std::uint64_t segment, std::uint64_t generation) override;

  task<void> make_room(std::uint64_t entry_bytes) override;

  bool wants_commit() const noexcept;
  void append_output(bytes_view added);
  void credit_outbox(std::uint64_t gone) noexcept {
    outbox_memory_.set(outbox_memory_.bytes() - gone);
  }

  // Recovery.
  task<void> open();

  // Commit.
  commit_sequence cut(durability level);
  bool has_reached(commit_sequence sequence, durability level) const noexcept;
  // The newest commit whose output is shown.
  commit_sequence last_shown() const noexcept {
    return options.commit_level == durability::synced ? last_durable : last_logged;
  }
  maybe_ready<void> wait_durable(commit_sequence sequence, durability level, coro::stop_token stop);
  detail::mmap_store& open_store(std::string_view name, young_layout layout);

  task<commit_sequence> checkpoint(std::string path, upkeep_listener told);
  task<void> compact(coro::stop_token stop, upkeep_listener told);
  std::vector<segment_figures> segments() const;
  task<store_digest> digest(std::string name, segment_id lo, segment_id hi);
  void count_runs(environment_statistics& now) const noexcept;
  task<void> close();
  // The end of an environment that was not closed: as after a crash, once what is in flight is
  // over.
  static task<void> abandon(std::unique_ptr<state> left);
  // Closed, and nothing of it runs any more; a close() without memory may leave the second out.
  bool has_ended() const noexcept {
    return closed && background_.live() == 0 && !upkeep_turn_.is_locked()
        && !compact_turn_.is_locked() && reads->is_idle() && waiting_puts_ == 0;
  }
  std::uint64_t journal_live_bytes() const noexcept;
  std::uint64_t replay_estimate_us() const noexcept;
  void log(const std::string& line) const;

  coro::runtime& runtime;
  const std::shared_ptr<query_gate> gate;
  environment_options options;
  detail::state_directory directory;
  const std::shared_ptr<detail::block_reads> reads;
  std::unique_ptr<detail::journal> journal;
  std::map<std::string, std::unique_ptr<detail::mmap_store>, std::less<>> stores;
  std::map<std::uint64_t, detail::mmap_store*> stores_by_id;
  std::map<std::string, bytes, std::less<>> positions;
  std::map<commit_sequence, bytes> outbox;  // not acknowledged; the key is its frame's sequence
  bytes output;                             // of the commit that is being made
  commit_sequence acknowledged = 0;
  bool positions_changed = false;
  bool acknowledged_changed = false;
  recovery_report report;
  environment_statistics counts;
  commit_sequence last_cut = 0;
  commit_sequence last_logged = 0;
  commit_sequence last_durable = 0;
  bool closed = false;  // nothing of it is used any more

 private:
  class replayer;

  // A frame between its cut and its landing. queue_ begins with those that were written, which land
  // with the next fdatasync; the first of the others is the one in flight.
  struct frame {
    commit_sequence sequence = 0;
    commit_sequence epoch = 0;  // the newest when it was made, not when it is cut: it may wait
    detail::payload_writer payload;
    std::vector<detail::seal_job> seals;
    std::map<std::uint64_t, std::uint64_t> floors;  // store -> drop floor at the cut
    commit_sequence acknowledged = 0;               // at the cut
    bool whole = false;                             // false: its cut has failed half-way
    bool written = false;                           // and not landed yet
  };
  // What all who call close() at one time share. It outlives the environment.
  struct closing {
    explicit closing(coro::runtime& runtime) : over(runtime.queue()) {}
    coro::event over;
    std::exception_ptr error;
  };
  // A run given up by commit `sequence` (0: the one being made): its file goes when that landed.
  struct retired_run {
    commit_sequence sequence = 0;
    std::uint64_t store = 0;
    std::uint64_t segment = 0;
    std::uint64_t generation = 0;
  };
  // Commits from `start` on count for the journal file that was the last one when `start` was
  // begun: a frame or two too many, never one too few.
  struct log_epoch {
    std::uint64_t file = 0;
    commit_sequence start = 0;
  };
  // What makes the journal's oldest files superfluous, in steps. Nothing here is needed for safety
  // but `keep_from` and `after`: rows_logged_before() says whether a row still needs a file.
  struct recycle_pass {
    std::uint64_t keep_file = 0;    // the files before it are to go; 0: there is no pass
    commit_sequence keep_from = 0;  // rows of epochs that began before it are logged again
    std::uint64_t store = 0;        // where the walk is
    std::uint64_t segment = 0;
    detail::relog_walk walk;
    std::uint64_t marked_bytes = 0;  // for the next cut
    std::uint64_t marked_bytes_max = 0;
    bool waits = false;         // for the next cut
    commit_sequence after = 0;  // the files go once this commit is durable
  };

  // What a checkpoint copies.
  struct copy_plan {
    detail::manifest content;
    std::vector<detail::journal_file> journal;
    commit_sequence sequence = 0;
    upkeep_progress progress;
    upkeep_listener told;
  };

  // A put between its question for room and the answer.
  class waiting_put {
   public:
    explicit waiting_put(state& target) noexcept : state_(&target) { ++state_->waiting_puts_; }
    waiting_put(const waiting_put&) = delete;
    waiting_put& operator=(const waiting_put&) = delete;
    ~waiting_put() {
      if (--state_->waiting_puts_ == 0) state_->puts_left_.wake_all();
    }

   private:
    state* state_;
  };
  enum class rows_wanted { clean, all };

  // environment_memory.cpp
  std::uint64_t young_bytes_high() const noexcept;
  bool is_relief_under_way() const noexcept;
  std::vector<detail::seal_candidate> coldest(rows_wanted which) const;
  void press_seals();
  bool spill(std::uint64_t wanted);
  void retry_writing();
  bool relieve(std::uint64_t missing);
  [[noreturn]] void fail_over_budget(std::uint64_t entry_bytes) const;
  void count_outbox() noexcept;
  void count_frames() noexcept;
  void relief_failed(std::exception_ptr error) noexcept;
  task<void> end_waiting_puts();

  // environment_open.cpp
  task<void> create();
  task<void> recover();
  bool is_reader() const noexcept {
    return options.mode == open_mode::read_only || options.mode == open_mode::salvage;
  }
  task<void> report_damage(detail::replay_result replayed);
  task<void> attach_runs();
  task<void> warm_run(coro::file& file, std::uint64_t size);
  task<result<std::shared_ptr<detail::run_reader>>> open_run(const detail::run_identity& identity,
                                                             coro::directory& home);
  task<void> attach_run(detail::mmap_store& store, coro::directory& home, std::uint64_t segment,
                        std::uint64_t generation);
  void quarantine(detail::mmap_store& store, std::uint64_t segment, std::uint64_t generation,
                  const std::string& why);
  task<void> remove_orphans();
  void declare(std::uint64_t id, std::string name, young_layout layout);
  detail::manifest_store& entry_of(std::uint64_t store);

  // environment_commit.cpp
  void cut_in_memory();
  bool cut_into(frame& target);
  void log_output(frame& target);
  void ask_for(commit_sequence sequence, durability level) noexcept;
  void start_writing();
  frame& open_frame();
  frame* next_frame() noexcept;
  const frame* next_frame() const noexcept;
  bool frame_is_due() const noexcept;
  bool sync_is_due() const noexcept;
  bool is_behind() const noexcept;
  std::uint64_t cached_bytes_max() const noexcept;
  void write_what_is_due();
  task<void> write_frames();
  task<void> write_frame();
  task<void> sync_what_was_written();
  void ask_for_upkeep(const frame& done) noexcept;
  void land_frames();
  void landed(frame& done);
  task<void> wait_slowly(commit_sequence sequence, durability level, coro::stop_token stop);

  // environment_checkpoint.cpp
  void check_copyable() const;
  copy_plan plan_copy() const;
  task<void> copy_runs(const detail::manifest_store& store, detail::checkpoint_target& target,
                       copy_plan& plan);
  std::uint64_t run_bytes(std::uint64_t store, std::uint64_t segment) const;
  void tell_next(copy_plan& plan, std::uint64_t file_bytes) const;

  // environment_upkeep.cpp
  task<void> upkeep();
  task<void> upkeep_step();
  bool has_upkeep() const;
  task<void> remove_dead_runs();
  task<void> seal(detail::seal_job job);
  void bury(const detail::seal_job& job, std::uint64_t generation);
  task<std::shared_ptr<detail::run_reader>> write_run(const detail::seal_job& job);
  task<void> shut_down();
  task<void> shut_files();

  // environment_digest.cpp
  std::vector<detail::digest_job> begin_digests(const std::string& name, segment_id lo,
                                                segment_id hi);

  // environment_compact.cpp
  task<void> wait_for_upkeep(std::uint64_t failures, coro::stop_token stop);
  task<void> commit_nothing(std::uint64_t failures, coro::stop_token stop);
  task<void> seal_now(std::shared_ptr<detail::mmap_segment> segment, coro::stop_token stop);
  task<void> shorten_journal(coro::stop_token stop);

  // environment_recycle.cpp
  void begin_epoch(commit_sequence first, std::uint64_t file);
  void renew_share(std::uint64_t frame_bytes) noexcept;
  std::optional<recycle_pass> next_pass() const;
  bool can_recycle() const;
  task<void> recycle();
  void relog_slice();
  void move_walk(std::uint64_t store, std::uint64_t segment) noexcept;
  detail::mmap_segment* next_pinned();
  void end_walk();
  task<void> drop_files();

  // environment_budget.cpp
  void renew_budget(std::uint64_t frame_bytes) noexcept;
  bool is_over_budget() const noexcept;
  std::uint64_t staying_estimate_us() const noexcept;
  bool is_worth_shortening() const noexcept;
  std::vector<std::shared_ptr<detail::mmap_segment>> coldest_first() const;
  bool wants_seals() const noexcept;
  void seal_coldest();
  bool waits_for_cut() const;
  bool wants_cut_alone() const;
  bool wants_budget_step() const;
  void budget_step();
  void cut_alone();

  detail::manifest manifest_;
  std::uint64_t next_store_ = 1;
  std::deque<frame> queue_;
  bool writing_ = false;              // write_frames() runs
  bool in_flight_ = false;            // the first frame that is not written gets no more items
  commit_sequence write_wanted_ = 0;  // commits up to it are to be written
  commit_sequence sync_wanted_ = 0;   // and up to this one synced
  std::thread::id owner_ = std::this_thread::get_id();
  std::exception_ptr failure_;  // of the frame at the front; the next cut tries again
  bool poisoned_ = false;
  std::uint64_t cuts_ = 0;           // of the owner, and of compact()
  bool last_write_failed_ = false;   // nothing was written since
  std::exception_ptr upkeep_error_;  // the last of upkeep_failures
  bool shortening_ = false;          // the journal goes whatever its size
  coro::event landed_;
  coro::event work_;                  // there may be something for upkeep()
  std::shared_ptr<closing> closing_;  // from the first call of close() on
  bool stopping_ = false;             // no more changes
  std::deque<log_epoch> epochs_;
  recycle_pass pass_;
  std::uint64_t alone_bytes_left_ = 0;         // of commits of our own, until the owner's next one
  std::vector<commit_sequence> relog_outbox_;  // batches that the next cut logs again
  std::deque<detail::seal_job> seals_;
  std::vector<retired_run> retired_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> unreadable_;  // store, segment of bad runs
  coro::async_mutex upkeep_turn_;   // of a step of upkeep, or of a checkpoint
  coro::async_mutex compact_turn_;  // of compact()
  std::vector<retired_run> dead_;   // durable nowhere: their files may be removed
  bool sealing_ = false;
  memory_share frame_memory_;
  memory_share outbox_memory_;
  memory_share output_memory_;   // what the next frame needs for output
  coro::async_mutex room_turn_;  // of the put that waits longest
  coro::event relief_;           // something was freed, or could not be
  coro::event puts_left_;
  std::size_t waiting_puts_ = 0;
  std::uint64_t relief_failures_ = 0;
  std::exception_ptr relief_error_;  // the last one
  coro::scope background_;
};

}  // namespace lentic
