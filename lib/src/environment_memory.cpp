// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <new>
#include <utility>

// The memory budget: docs/design/0012-memory-budget.md. Before the budget is used up the owner's
// cuts freeze the coldest segments, and wants_commit() asks for such a cut. A put without room
// drops what can be dropped at once, waits for what is in flight, and has segments sealed whose
// rows are all committed; where there is nothing of that, it fails.

namespace lentic {

namespace {

// Young rows above this part of what they may take: the owner's cut has the coldest sealed.
constexpr std::uint64_t rest_share = 3;
constexpr std::uint64_t rest_part = 7;
// So much, as a part of that, stays young.
constexpr std::uint64_t kept_part = 4;
// A frame that grows to this part of the budget is due.
constexpr std::uint64_t frame_part = 8;
// A segment with less than this part of the budget is not worth a run, as long as others are.
constexpr std::uint64_t worth_part = 64;

// Colder first: changed longer ago; of those that changed alike, the one of which less did.
bool is_colder(const detail::seal_candidate& left, const detail::seal_candidate& right) noexcept {
  if (left.is_small != right.is_small) return right.is_small;
  if (left.last_change != right.last_change) return left.last_change < right.last_change;
  return left.dirty_share < right.dirty_share;
}

}  // namespace

// Young rows above this want to go to disk: a part of what the other holders leave to them.
std::uint64_t environment::state::young_bytes_high() const noexcept {
  std::uint64_t left = memory->open_bytes();
  for (const memory_holder each :
       {memory_holder::outbox, memory_holder::runs, memory_holder::caches, memory_holder::blocks,
        memory_holder::snapshots})
    left -= std::min(left, memory->bytes_of(each));
  return left / rest_part * rest_share;
}

bool environment::state::wants_commit() const noexcept {
  const std::uint64_t budget = memory->budget();
  const std::uint64_t uncommitted = memory->bytes_of(memory_holder::uncommitted);
  if (budget == 0 || uncommitted < budget / worth_part || !is_durable()) return false;
  if (uncommitted >= budget / frame_part) return true;
  return memory->bytes_of(memory_holder::rows) >= young_bytes_high() && !is_relief_under_way();
}

// What ends by itself, and frees memory or fails.
bool environment::state::is_relief_under_way() const noexcept {
  return writing_ || ((sealing_ || !seals_.empty()) && !background_.error());
}

std::vector<detail::seal_candidate> environment::state::coldest(rows_wanted which) const {
  std::vector<detail::seal_candidate> found;
  for (const auto& [id, store] : stores_by_id) {
    for (const auto& [segment, each] : store->all()) {
      if (!each->is_spillable()) continue;
      if (which == rows_wanted::clean && (!each->is_clean() || each->has_touched())) continue;
      detail::seal_candidate next;
      next.store = store;
      next.segment = each;
      next.bytes = each->young_bytes();
      next.is_small = next.bytes < memory->budget() / worth_part;
      const bool is_changing = which == rows_wanted::all && !each->is_clean();
      next.last_change = is_changing ? last_cut + 1 : each->last_change();
      next.dirty_share = each->dirty_rows() * 1024 / each->young_rows();
      found.push_back(std::move(next));
    }
  }
  std::sort(found.begin(), found.end(), is_colder);
  return found;
}

// Before the owner's cut, which makes every row one that may be frozen.
void environment::state::press_seals() {
  if (memory->budget() == 0 || !is_durable()) return;
  const std::uint64_t high = young_bytes_high();
  std::uint64_t young = memory->bytes_of(memory_holder::rows);
  if (young < high) return;
  for (const detail::seal_candidate& each : coldest(rows_wanted::all)) {
    if (young < (each.is_small ? high : high / kept_part)) break;
    each.segment->want_seal();
    young -= std::min(young, each.bytes);
  }
}

// Freezes segments whose rows are all committed, in a frame that commits nothing: what is dirty
// stays dirty. False when there is none, or where a cut that failed half-way is in the way.
bool environment::state::spill(std::uint64_t wanted) {
  const std::vector<detail::seal_candidate> found = coldest(rows_wanted::clean);
  if (found.empty()) return false;
  frame& target = open_frame();
  if (!target.whole && !target.payload.empty()) return false;
  const bool is_fresh = target.sequence > last_cut;
  const detail::log_point point{target.sequence, target.epoch};
  std::uint64_t sum = 0;
  try {
    for (const detail::seal_candidate& each : found) {
      each.store->freeze(each.segment, target.payload, point, target.seals);
      sum += each.bytes;
      if (sum >= wanted) break;
    }
  } catch (const std::bad_alloc&) {  // what is frozen has its job
    if (sum == 0 && is_fresh) queue_.pop_back();
    if (sum == 0) throw;
  }
  target.whole = true;
  if (is_fresh) {
    if (pass_.after == target.sequence) ++pass_.after;  // it waits for a cut of the owner
    last_cut = target.sequence;
  }
  count_frames();
  ask_for(target.sequence, durability::synced);  // a run may be built on nothing less
  write_what_is_due();
  return true;
}

// What was cut goes out, however little its owner asked for.
void environment::state::retry_writing() {
  ask_for(last_cut, durability::logged);
  write_what_is_due();
}

// Begins something, or sees that it goes on; false when nothing can be freed.
bool environment::state::relieve(std::uint64_t missing) {
  if (memory->collect(missing) != 0) return true;
  if (!is_durable()) return memory->collect_last(missing) != 0;
  retry_writing();
  if (!seals_.empty() && !sealing_) work_.set();
  if (is_relief_under_way()) return true;
  if (spill(std::max(missing, memory->budget() / frame_part))) return true;
  return reads->bytes_in_use() != 0 || memory->collect_last(missing) != 0;
}

task<void> environment::state::make_room(std::uint64_t entry_bytes) {
  const std::shared_ptr<memory_account> account = memory;
  const waiting_put counted(*this);
  const memory_account::wait_guard overtaken(*account);
  const std::uint64_t failures = relief_failures_;
  const coro::async_mutex::guard held = co_await room_turn_.lock();
  for (;;) {
    check_writable();
    const std::uint64_t needed = is_durable() ? 2 * entry_bytes : entry_bytes;
    if (needed > account->open_bytes()) fail_over_budget(entry_bytes);
    if (account->admits_waiter(entry_bytes)) co_return;
    if (relief_failures_ != failures) std::rethrow_exception(relief_error_);
    const std::uint64_t missing = account->bytes() + entry_bytes - account->open_bytes();
    if (!relieve(missing)) fail_over_budget(entry_bytes);
    if (account->admits_waiter(entry_bytes)) co_return;
    if (is_relief_under_way() || reads->bytes_in_use() != 0) co_await relief_.wait();
  }
}

void environment::state::fail_over_budget(std::uint64_t entry_bytes) const {
  std::string text = "an entry of " + std::to_string(entry_bytes) + " bytes; " + memory->describe();
  if (memory->bytes_of(memory_holder::uncommitted) != 0) text += "; a commit lets rows go to disk";
  fail(errc::over_budget, text);
}

// Output cannot wait, so it may draw on the reserve: twice its bytes, in the outbox and in a frame.
// It is copied before caches give way: it may lie in one of them.
void environment::state::append_output(bytes_view added) {
  check_writable();
  const auto refuse = [this, bytes = added.size()] {
    fail(errc::over_budget, "output of " + std::to_string(bytes) + " bytes; " + memory->describe());
  };
  const std::uint64_t budget = memory->budget();
  if (budget != 0 && 2 * added.size() > budget) refuse();  // nothing should give way for that
  const std::size_t before = output.size();
  output.insert(output.end(), added.begin(), added.end());
  std::uint64_t after = memory->bytes() + 2 * added.size();
  if (budget != 0 && after > budget) after -= memory->collect(after - budget);
  if (budget != 0 && after > budget) after -= memory->collect_last(after - budget);
  if (budget != 0 && after > budget) {
    output.resize(before);
    refuse();
  }
  changed = true;
  outbox_memory_.add(added.size());
  output_memory_.add(added.size());
}

void environment::state::count_outbox() noexcept {
  std::uint64_t sum = output.size();
  for (const auto& [sequence, batch] : outbox) sum += batch.size();
  outbox_memory_.set(sum);
}

void environment::state::count_frames() noexcept {
  std::uint64_t sum = 0;
  for (const frame& each : queue_) sum += each.payload.held_bytes();
  if (journal) sum += journal->held_bytes();
  frame_memory_.set(sum);
}

void environment::state::relief_failed(std::exception_ptr error) noexcept {
  ++relief_failures_;
  relief_error_ = std::move(error);
  relief_.wake_all();
}

// Those who wait see that the environment is closed, and leave.
task<void> environment::state::end_waiting_puts() {
  relief_.wake_all();
  while (waiting_puts_ != 0) co_await puts_left_.wait();
}

}  // namespace lentic
