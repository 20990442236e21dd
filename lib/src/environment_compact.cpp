// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

// compact(): what lies in the journal goes into runs, one segment after the other, and then the
// journal's files go. Both are the work of upkeep, in its slices; here they are only asked for and
// waited for, so that commits, reads and other stores go on beside it.

namespace lentic {

namespace {

class flag_up {
 public:
  explicit flag_up(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  flag_up(const flag_up&) = delete;
  flag_up& operator=(const flag_up&) = delete;
  ~flag_up() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace

std::vector<segment_figures> environment::state::segments() const {
  std::vector<segment_figures> all;
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      segment_figures next = each->figures();
      next.store = store->name();
      all.push_back(std::move(next));
    }
  }
  return all;
}

void environment::state::count_runs(environment_statistics& now) const noexcept {
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      const std::uint64_t run_bytes = each->run_bytes();
      now.run_bytes += run_bytes;
      now.run_erased_bytes += each->run_erased_bytes();
      now.runs += run_bytes != 0 ? 1U : 0U;
      now.runs_quarantined += each->is_quarantined() ? 1U : 0U;
    }
  }
}

double environment_statistics::fragmentation() const noexcept {
  constexpr std::uint64_t least_bytes = std::uint64_t{1} << 20;
  const std::uint64_t dead = journal_bytes - std::min(journal_bytes, journal_live_bytes)
                           + std::min(run_bytes, run_erased_bytes);
  const std::uint64_t total = std::max(journal_bytes + run_bytes, least_bytes);
  return static_cast<double>(dead) / static_cast<double>(total);
}

// Until something has landed: a commit, or a step of upkeep. Throws what upkeep met since, and what
// a commit has met: rows that are frozen by a frame which does not land wait for the next cut.
task<void> environment::state::wait_for_upkeep(std::uint64_t failures, coro::stop_token stop) {
  if (stopping_) fail(errc::closed, options.directory);
  if (failure_) std::rethrow_exception(failure_);
  if (poisoned_) fail(errc::poisoned, options.directory);
  if (counts.upkeep_failures != failures && upkeep_error_) std::rethrow_exception(upkeep_error_);
  if (stop.stop_requested()) throw std::system_error(coro::aborted_code(), "compact");
  work_.set();  // after a failure it rests until the next commit, which may not come
  if (last_durable < last_cut) {  // its owner may have asked for less
    ask_for(last_cut, durability::synced);
    if (!writing_) {
      start_writing();
      if (!writing_) co_return;  // it has ended in the call
    }
  }
  co_await landed_.wait(stop);
}

// One more commit, with nothing in it that its owner has not committed: the owner's next one, where
// something is to be committed, else one of its own.
task<void> environment::state::commit_nothing(std::uint64_t failures, coro::stop_token stop) {
  const std::uint64_t before = cuts_;
  positions_changed = true;  // so that it is not empty
  while (changed && cuts_ == before) co_await wait_for_upkeep(failures, stop);
  if (cuts_ == before) cut(durability::synced);
  const commit_sequence sequence = last_cut;
  co_await wait_durable(sequence, durability::synced, stop);
}

task<void> environment::state::seal_now(std::shared_ptr<detail::mmap_segment> segment,
                                        coro::stop_token stop) {
  const std::uint64_t failures = counts.upkeep_failures;
  while (segment->is_frozen()) co_await wait_for_upkeep(failures, stop);
  if (!segment->want_seal_now()) co_return;
  co_await commit_nothing(failures, stop);
  while (segment->is_frozen()) co_await wait_for_upkeep(failures, stop);
  if (counts.upkeep_failures != failures && upkeep_error_) std::rethrow_exception(upkeep_error_);
}

// The next frame begins a file, and the pass that recycles goes on until it is the oldest one.
task<void> environment::state::shorten_journal(coro::stop_token stop) {
  const std::uint64_t failures = counts.upkeep_failures;
  const flag_up shortening(shortening_);
  journal->begin_file_next();
  co_await commit_nothing(failures, stop);
  const std::uint64_t wanted = journal->files().back().number;
  while (journal->files().front().number < wanted) {
    const bool needs_cut =
        pass_.keep_file == 0 ? !next_pass().has_value() : pass_.waits || pass_.after > last_durable;
    if (needs_cut) {
      co_await commit_nothing(failures, stop);
    } else {
      co_await wait_for_upkeep(failures, stop);
    }
  }
  co_await journal->remove_spares();
}

task<void> environment::state::compact(coro::stop_token stop, upkeep_listener told) {
  check_writable();
  if (!is_durable()) co_return;
  const coro::async_mutex::guard held = co_await compact_turn_.lock();
  std::vector<std::shared_ptr<detail::mmap_segment>> work;
  upkeep_progress progress;
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      if (each->figures().journal_rows == 0) continue;
      work.push_back(each);
      progress.bytes_total += each->size_bytes();
    }
  }
  for (const std::shared_ptr<detail::mmap_segment>& each : work) {
    if (told) told(progress);
    const std::uint64_t done = each->size_bytes();
    if (!each->was_dropped()) co_await seal_now(each, stop);
    progress.bytes_done += done;
    progress.bytes_total = std::max(progress.bytes_total, progress.bytes_done);
  }
  if (told) told(progress);
  co_await shorten_journal(stop);
  const std::uint64_t failures = counts.upkeep_failures;
  while (!dead_.empty()) co_await wait_for_upkeep(failures, stop);
}

}  // namespace lentic
