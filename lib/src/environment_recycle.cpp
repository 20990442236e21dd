// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <algorithm>
#include <limits>
#include <utility>

// Recycling of the journal's oldest files: docs/design/0009-journal-space.md. A pass walks over the
// segments that have rows in those files. A segment that hardly changes is sealed; of the others
// the rows are marked for the next cuts, a slice at a time, and no more for one cut than it has
// rows of its own, or a small part of a file. When no row needs the files any more, and a commit
// after that is durable, a manifest starts behind them, and they go.

namespace lentic {

namespace {

// Parts of the largest size of a journal file: what a slice marks (64 KiB of 16 MiB), and what is
// marked for one cut at least. A slice looks at so many rows at most; both take well below 1 ms.
constexpr std::uint64_t slices_per_file = 256;
constexpr std::uint64_t cuts_per_file = 32;
// Of the memory budget, for rows that one cut logs again.
constexpr std::uint64_t marked_part = 16;
constexpr std::size_t slice_rows = 1024;
// Fewer young bytes than this part of what the journal keeps (1 MiB of 64 MiB) are not worth a run.
constexpr std::uint64_t seals_per_journal = 64;
// A pass frees so large a part of the files, one at least: the walk over a large table is paid once
// for several files.
constexpr std::size_t passes_per_journal = 8;

}  // namespace

// Before a frame is made, so no row was logged in it: a mapping never changes for a row.
void environment::state::begin_epoch(commit_sequence first, std::uint64_t file) {
  if (!epochs_.empty() && epochs_.back().file == file) return;
  if (!epochs_.empty() && epochs_.back().start == first) {
    epochs_.back().file = file;
  } else {
    epochs_.push_back({file, first});
  }
}

void environment::state::renew_share(std::uint64_t frame_bytes) noexcept {
  pass_.marked_bytes = 0;
  pass_.marked_bytes_max =
      std::max({options.journal_file_bytes_max / cuts_per_file, frame_bytes / 2, std::uint64_t{1}});
  // Rows that are marked count as uncommitted ones of the owner.
  const std::uint64_t budget = memory->budget();
  if (budget != 0) pass_.marked_bytes_max = std::min(pass_.marked_bytes_max, budget / marked_part);
  pass_.waits = false;
  renew_budget(frame_bytes);
}

std::uint64_t environment::state::journal_live_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) sum += each->journal_bytes();
  }
  return sum;
}

std::optional<environment::state::recycle_pass> environment::state::next_pass() const {
  const auto& files = journal->files();
  const std::uint64_t size = journal->file_bytes();
  const bool is_small = size <= options.journal_bytes_kept
                     || size / options.journal_live_factor <= journal_live_bytes();
  if (files.size() < 2) return std::nullopt;
  if (is_small && !shortening_ && !is_worth_shortening()) return std::nullopt;
  const detail::journal_file& kept =
      shortening_ ? files.back()
                  : files[std::max<std::size_t>(files.size() / passes_per_journal, 1)];
  const auto bound = std::find_if(epochs_.begin(), epochs_.end(), [&kept](const log_epoch& each) {
    return each.start >= kept.first_sequence;
  });
  if (bound == epochs_.end()) return std::nullopt;  // with the next frame
  recycle_pass next;
  next.keep_file = kept.number;
  next.keep_from = bound->start;
  next.marked_bytes = pass_.marked_bytes;
  next.marked_bytes_max = pass_.marked_bytes_max;
  return next;
}

bool environment::state::can_recycle() const {
  if (pass_.keep_file == 0) return next_pass().has_value();
  if (pass_.after != 0) return last_durable >= pass_.after;
  return !pass_.waits;
}

task<void> environment::state::recycle() {
  if (pass_.keep_file == 0) {
    if (auto next = next_pass()) pass_ = std::move(*next);
  } else if (pass_.after != 0) {
    co_await drop_files();
  } else {
    relog_slice();
  }
  co_await coro::yield(runtime);
}

// At or behind the walk's place, a segment whose rows need the files and are not on their way into
// a run; null when there is none.
detail::mmap_segment* environment::state::next_pinned() {
  for (auto store = stores_by_id.lower_bound(pass_.store); store != stores_by_id.end(); ++store) {
    if (store->first != pass_.store) move_walk(store->first, 0);
    auto& all = store->second->all();
    for (auto at = all.lower_bound(pass_.segment); at != all.end(); ++at) {
      const detail::mmap_segment& each = *at->second;
      if (each.rows_logged_before(pass_.keep_from) == 0 || each.is_being_sealed()) continue;
      if (at->first != pass_.segment) move_walk(store->first, at->first);
      return at->second.get();
    }
  }
  return nullptr;
}

void environment::state::move_walk(std::uint64_t store, std::uint64_t segment) noexcept {
  pass_.store = store;
  pass_.segment = segment;
  pass_.walk.from = {};
}

void environment::state::relog_slice() {
  const std::uint64_t share =
      pass_.marked_bytes_max - std::min(pass_.marked_bytes, pass_.marked_bytes_max);
  const std::uint64_t slice =
      std::max(options.journal_file_bytes_max / slices_per_file, std::uint64_t{1});
  pass_.walk.rows_left = slice_rows;
  pass_.walk.bytes_left = std::min(share, slice);
  const std::uint64_t bytes_before = pass_.walk.bytes_left;
  const std::uint64_t worth_bytes = options.journal_bytes_kept / seals_per_journal;
  while (pass_.walk.rows_left != 0 && pass_.walk.bytes_left != 0) {
    detail::mmap_segment* const found = next_pinned();
    if (found == nullptr) return end_walk();
    if (found->is_better_sealed(pass_.keep_from, worth_bytes)) {
      found->want_seal();
      continue;  // it is passed over from now on
    }
    if (!found->relog_before(pass_.keep_from, pass_.walk)) continue;
    const bool last = pass_.segment == std::numeric_limits<std::uint64_t>::max();
    move_walk(pass_.store + (last ? 1 : 0), last ? 0 : pass_.segment + 1);
  }
  pass_.marked_bytes += bytes_before - pass_.walk.bytes_left;
  pass_.waits = pass_.marked_bytes >= pass_.marked_bytes_max;
}

// What is dirty or dropped now is in the next commit at the latest. Rows on their way into a run
// need the files until it is there: the walk begins again after the next cut.
void environment::state::end_walk() {
  move_walk(0, 0);
  positions_changed = true;  // so that the next cut is not empty
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all())
      pass_.waits = pass_.waits || each->rows_logged_before(pass_.keep_from) != 0;
  }
  if (pass_.waits) return;
  for (const auto& [sequence, batch] : outbox) {
    if (sequence < pass_.keep_from) relog_outbox_.push_back(sequence);
  }
  pass_.after = last_cut + 1;
}

task<void> environment::state::drop_files() {
  const std::uint64_t number = pass_.keep_file;
  for (const detail::journal_file& each : journal->files()) {
    if (each.number == number) manifest_.first_journal_sequence = each.first_sequence;
  }
  manifest_.first_journal_file = number;
  if (poisoned_) fail(errc::poisoned, options.directory);
  co_await directory.save_manifest(manifest_);
  co_await journal->remove_before(number);
  while (epochs_.size() > 1 && epochs_[1].start <= pass_.keep_from) epochs_.pop_front();
  recycle_pass none;
  none.marked_bytes = pass_.marked_bytes;
  none.marked_bytes_max = pass_.marked_bytes_max;
  pass_ = std::move(none);
}

}  // namespace lentic
