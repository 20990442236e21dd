// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <algorithm>
#include <utility>

// The recovery budget: docs/design/0013-recovery-budget.md. Above it the coldest segments are
// sealed until the rows that stay in the journal take half of it, and passes of
// environment_recycle.cpp give up the oldest files until all is within. Passes and seals wait for
// cuts; while the owner has nothing to cut, the environment cuts itself.

namespace lentic {

namespace {

// What bench/recovery_bench measures, rounded up: a byte is read, checked and copied, a row is
// looked for, made and counted.
constexpr std::uint64_t byte_ns = 1;
constexpr std::uint64_t row_ns = 200;
// Rows that stay take this part of the budget at most, so that logging them again, each time the
// rest is used up, does not write more than the owner does.
constexpr std::uint64_t staying_part = 2;
// A file that takes this part of the budget is over: the oldest eighth must be a file.
constexpr std::uint64_t file_part = 8;
// Segments below this part of the budget are not worth a run, as long as there are others.
constexpr std::uint64_t worth_part = 256;

std::uint64_t estimate_us(std::uint64_t bytes, std::uint64_t rows) noexcept {
  return (bytes * byte_ns + rows * row_ns) / 1000;
}

std::uint64_t estimate_us(const detail::mmap_segment& of) noexcept {
  return estimate_us(of.journal_bytes(), of.journal_rows());
}

}  // namespace

std::uint64_t environment::state::replay_estimate_us() const noexcept {
  return estimate_us(journal->file_bytes(), journal->file_rows());
}

// A commit was cut. What we may write without another one of the owner is bounded: all that is live
// once more, with room for what frames need beside rows.
void environment::state::renew_budget(std::uint64_t frame_bytes) noexcept {
  alone_bytes_left_ = 2 * (journal->file_bytes() + detail::frame_bytes(frame_bytes));
  if (options.recovery_budget_ms == 0 || journal->files().empty()) return;
  const detail::journal_file& last = journal->files().back();
  if (estimate_us(last.bytes, last.rows) > options.recovery_budget_ms * 1000 / file_part)
    journal->begin_file_next();
}

bool environment::state::is_over_budget() const noexcept {
  return options.recovery_budget_ms != 0
      && replay_estimate_us() > options.recovery_budget_ms * 1000;
}

// Of what is logged again when its file goes.
std::uint64_t environment::state::staying_estimate_us() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [sequence, batch] : outbox) sum += estimate_us(batch.size(), 1);
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      if (!each->is_being_sealed()) sum += estimate_us(*each);
    }
  }
  return sum;
}

// Where little else is in the journal, logging all of it again would not make it shorter.
bool environment::state::is_worth_shortening() const noexcept {
  return is_over_budget() && replay_estimate_us() / staying_part > staying_estimate_us();
}

// The segments that may be sealed, those first that have not changed for longest; of those that
// changed alike the larger ones. Small ones come last.
std::vector<std::shared_ptr<detail::mmap_segment>> environment::state::coldest_first() const {
  std::vector<std::shared_ptr<detail::mmap_segment>> found;
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      if (each->is_sealable()) found.push_back(each);
    }
  }
  const std::uint64_t worth_us = options.recovery_budget_ms * 1000 / worth_part;
  std::sort(found.begin(), found.end(), [worth_us](const auto& left, const auto& right) {
    const std::uint64_t left_us = estimate_us(*left);
    const std::uint64_t right_us = estimate_us(*right);
    if ((left_us < worth_us) != (right_us < worth_us)) return right_us < worth_us;
    if (left->newest_epoch() != right->newest_epoch())
      return left->newest_epoch() < right->newest_epoch();
    return left_us > right_us;
  });
  return found;
}

bool environment::state::wants_seals() const noexcept {
  if (staying_estimate_us() <= options.recovery_budget_ms * 1000 / staying_part) return false;
  return std::any_of(stores_by_id.begin(), stores_by_id.end(), [](const auto& store) {
    const auto& all = store.second->all();
    return std::any_of(all.begin(), all.end(),
                       [](const auto& each) { return each.second->is_sealable(); });
  });
}

// Their rows are frozen by the next cut.
void environment::state::seal_coldest() {
  const std::uint64_t most_us = options.recovery_budget_ms * 1000 / staying_part;
  std::uint64_t staying_us = staying_estimate_us();
  for (const std::shared_ptr<detail::mmap_segment>& each : coldest_first()) {
    if (staying_us <= most_us) return;
    staying_us -= std::min(staying_us, estimate_us(*each));
    each->want_seal();
    ++counts.seals_for_budget;
  }
}

// A seal, or a pass that goes on, or one that begins once another frame is there.
bool environment::state::waits_for_cut() const {
  if (pass_.keep_file != 0 && (pass_.waits || pass_.after > last_durable)) return true;
  if (pass_.keep_file == 0 && is_worth_shortening() && !next_pass()) return true;
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      if (each->is_being_sealed() && !each->is_frozen()) return true;
    }
  }
  return false;
}

// Nothing of the owner's would be in it, and nothing of the owner's has to wait for it.
bool environment::state::wants_cut_alone() const {
  return !changed && !writing_ && !failure_ && !stopping_ && !poisoned_ && alone_bytes_left_ != 0
      && waits_for_cut();
}

void environment::state::cut_alone() {
  const std::uint64_t left = alone_bytes_left_;
  if (journal->files().size() < 2) journal->begin_file_next();
  positions_changed = true;  // so that it is not empty
  cut(durability::synced);
  const std::uint64_t payload = queue_.empty() ? 0 : queue_.back().payload.payload().size();
  alone_bytes_left_ = left - std::min(left, detail::frame_bytes(payload));
}

bool environment::state::wants_budget_step() const {
  return is_over_budget() && (wants_seals() || wants_cut_alone());
}

void environment::state::budget_step() {
  if (wants_seals()) {
    seal_coldest();
  } else {
    cut_alone();
  }
}

}  // namespace lentic
