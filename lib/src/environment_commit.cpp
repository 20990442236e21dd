// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <cassert>
#include <new>
#include <system_error>
#include <utility>

namespace lentic {

namespace {

// Commits with durability::cached are written when so much has gathered, or this part of the memory
// budget.
constexpr std::uint64_t cached_bytes_most = std::uint64_t{1} << 20;
constexpr std::uint64_t cached_part = 16;

}  // namespace

environment::state::state(coro::runtime& owner, environment_options chosen)
    : segment_host(chosen.memory_budget),
      runtime(owner),
      gate(std::make_shared<query_gate>(owner)),
      options(std::move(chosen)),
      directory(owner),
      reads(std::make_shared<detail::block_reads>(owner, options.block_buffer_bytes_max, memory)),
      landed_(owner.queue()),
      work_(owner.queue()),
      upkeep_turn_(owner.queue()),
      compact_turn_(owner.queue()),
      frame_memory_(memory.get(), memory_holder::frames),
      outbox_memory_(memory.get(), memory_holder::outbox),
      output_memory_(memory.get(), memory_holder::uncommitted),
      room_turn_(owner.queue()),
      relief_(owner.queue()),
      puts_left_(owner.queue()),
      background_(owner.queue()) {
  reads->tell_freed(relief_);
}

void environment::state::log(const std::string& line) const {
  if (options.log) options.log(line);
}

void environment::state::check_writable() const {
  assert(owner_ == std::this_thread::get_id() && "an environment has one owner thread");
  if (stopping_) fail(errc::closed, options.directory);
  if (is_reader()) fail(errc::read_only, options.directory);
  if (poisoned_) fail(errc::poisoned, options.directory);
}

void environment::state::retire_run(std::uint64_t store, std::uint64_t segment,
                                    std::uint64_t generation) {
  retired_run gone;
  gone.store = store;
  gone.segment = segment;
  gone.generation = generation;
  retired_.push_back(gone);
}

detail::mmap_store& environment::state::open_store(std::string_view name, young_layout layout) {
  if (stopping_) fail(errc::closed, options.directory);
  const auto found = stores.find(name);
  if (found != stores.end()) return *found->second;
  if (!detail::is_store_name(name)) fail(errc::invalid_argument, "store name " + std::string(name));
  check_writable();
  changed = true;
  declare(next_store_, std::string(name), layout);
  return *stores_by_id.rbegin()->second;
}

void environment::state::declare(std::uint64_t id, std::string name, young_layout layout) {
  assert(!stores.contains(name) && !stores_by_id.contains(id));
  auto store = std::make_unique<detail::mmap_store>(*this, id, name, layout);
  const auto made = stores_by_id.insert_or_assign(id, store.get()).first;
  try {
    stores[std::move(name)] = std::move(store);
  } catch (...) {
    stores_by_id.erase(made);
    throw;
  }
  next_store_ = std::max(next_store_, id + 1);
}

void environment::state::cut_in_memory() {
  ++last_cut;
  last_logged = last_durable = last_cut;
  if (!output.empty()) outbox[last_cut] = std::exchange(output, {});
  output_memory_.set(0);
  ++counts.commits;
}

// The frame that the next cut goes into: one that is not in flight.
environment::state::frame& environment::state::open_frame() {
  const frame* const next = next_frame();
  if (next == nullptr || (next == &queue_.back() && in_flight_)) {
    const auto& files = journal->files();
    begin_epoch(last_cut + 1, files.empty() ? 0 : files.back().number);
    queue_.emplace_back();
    queue_.back().sequence = last_cut + 1;
    queue_.back().epoch = epochs_.back().start;
  }
  return queue_.back();
}

// Logs everything since the last cut; false when there was nothing. Where it fails for lack of
// memory, the frame is not whole, and the next cut goes on with it: what was logged may come twice,
// and nothing is left out.
bool environment::state::cut_into(frame& target) {
  const std::size_t before = target.whole ? target.payload.payload().size() : 0;
  target.whole = false;
  target.payload.expect(memory->bytes_of(memory_holder::uncommitted));
  const detail::log_point point{target.sequence, target.epoch};
  for (const auto& [id, store] : stores_by_id) {
    store->cut(target.payload, point, target.seals);
    target.floors[id] = store->drop_floor();
  }
  const bool has_items = target.payload.payload().size() != before || positions_changed
                      || acknowledged_changed || !output.empty();
  if (!has_items) {
    target.whole = true;
    return false;
  }
  for (const auto& [source, position] : positions)
    target.payload.position(as_bytes(source), position);
  if (acknowledged_changed) target.payload.acknowledged(acknowledged);
  target.acknowledged = acknowledged;
  if (!output.empty()) log_output(target);
  for (const commit_sequence sequence : relog_outbox_) {
    const auto batch = outbox.find(sequence);
    if (batch != outbox.end()) target.payload.outbox(sequence, batch->second);
  }
  relog_outbox_.clear();
  positions_changed = acknowledged_changed = false;
  target.whole = true;
  return true;
}

void environment::state::log_output(frame& target) {
  bytes& batch = outbox[target.sequence];
  const std::size_t before = batch.size();
  batch.insert(batch.end(), output.begin(), output.end());
  try {
    target.payload.outbox(target.sequence, batch);  // whole: the frame's last item counts
  } catch (...) {
    batch.resize(before);
    throw;
  }
  output.clear();
  output_memory_.set(0);
}

commit_sequence environment::state::cut(durability level) {
  check_writable();
  if (!is_durable()) {
    cut_in_memory();
    return last_cut;
  }
  press_seals();
  frame& target = open_frame();
  const bool is_new = cut_into(target);
  ++cuts_;
  changed = false;
  if (!writing_) failure_ = nullptr;  // the next write tells anew
  landed_.wake_all();                 // compact() may wait for a cut of what was put
  count_frames();
  if (is_new) {
    last_cut = target.sequence;
    renew_share(target.payload.payload().size());
    for (retired_run& each : retired_) {
      if (each.sequence == 0) each.sequence = target.sequence;
    }
  } else if (target.sequence > last_cut) {
    queue_.pop_back();  // it was made for this cut
  }
  if (!is_new && is_over_budget()) work_.set();  // which waits for a time when nothing is put
  ask_for(last_cut, level);
  // Rows that are to make room do not wait in a frame that may wait.
  if (memory->budget() != 0 && is_new && !target.seals.empty())
    ask_for(last_cut, durability::logged);
  write_what_is_due();
  return last_cut;
}

void environment::state::write_what_is_due() {
  if (writing_ || !(frame_is_due() || sync_is_due())) return;
  failure_ = nullptr;
  start_writing();
}

void environment::state::ask_for(commit_sequence sequence, durability level) noexcept {
  if (level >= durability::logged) write_wanted_ = std::max(write_wanted_, sequence);
  if (level >= durability::synced) sync_wanted_ = std::max(sync_wanted_, sequence);
}

void environment::state::start_writing() {
  writing_ = true;
  in_flight_ = frame_is_due();
  try {
    background_.spawn(write_frames());
  } catch (...) {
    writing_ = in_flight_ = false;
    throw;
  }
}

// The oldest frame that was not written; null when there is none.
environment::state::frame* environment::state::next_frame() noexcept {
  const auto found =
      std::find_if(queue_.begin(), queue_.end(), [](const frame& each) { return !each.written; });
  return found == queue_.end() ? nullptr : &*found;
}

const environment::state::frame* environment::state::next_frame() const noexcept {
  return const_cast<state*>(this)->next_frame();
}

// A frame whose cut has failed waits for the next cut.
bool environment::state::frame_is_due() const noexcept {
  const frame* const next = next_frame();
  if (next == nullptr || !next->whole) return false;
  return next->sequence <= write_wanted_ || next->payload.payload().size() >= cached_bytes_max();
}

std::uint64_t environment::state::cached_bytes_max() const noexcept {
  const std::uint64_t budget = memory->budget();
  return budget == 0 ? cached_bytes_most : std::min(cached_bytes_most, budget / cached_part);
}

// Also when it was synced, and its landing has failed.
bool environment::state::sync_is_due() const noexcept {
  return !queue_.empty() && queue_.front().written && queue_.front().sequence <= sync_wanted_;
}

// The frame that waits for another, or for a disk with room, is large: who commits waits as well.
bool environment::state::is_behind() const noexcept {
  const frame* const next = next_frame();
  return next != nullptr && (next != &queue_.back() || last_write_failed_)
      && queue_.back().payload.payload().size() >= cached_bytes_max();
}

// Writes the queue in order, one frame at a time, and syncs, until nothing is due or one fails.
task<void> environment::state::write_frames() {
  while (!failure_ && !poisoned_ && (frame_is_due() || sync_is_due())) {
    try {
      if (frame_is_due()) {
        co_await write_frame();
      } else {
        co_await journal->sync();
      }
      land_frames();
    } catch (const coro::sync_error&) {
      poisoned_ = true;
      failure_ = std::current_exception();
    } catch (...) {  // kept for who waits for the commit; the next cut tries again
      failure_ = std::current_exception();
      last_write_failed_ = true;
    }
    in_flight_ = false;
    count_frames();
    landed_.wake_all();
    relief_.wake_all();
    work_.set();  // also while more frames wait: two committers keep the queue full
  }
  if (failure_ && !poisoned_ && sync_is_due()) co_await sync_what_was_written();
  writing_ = false;
  const frame* const next = next_frame();
  if (!failure_ && next != nullptr && !next->whole)
    failure_ = std::make_exception_ptr(std::bad_alloc());
  landed_.wake_all();
  if (failure_) relief_failed(failure_);
  relief_.wake_all();
  work_.set();
}

// Behind a frame that cannot be written: a sync needs no room.
task<void> environment::state::sync_what_was_written() {
  try {
    co_await journal->sync();
    land_frames();
  } catch (const coro::sync_error&) {
    poisoned_ = true;
    failure_ = std::current_exception();
  } catch (...) {  // the failure that is known already is told
  }
}

// A sync that is due for earlier frames is linked to this one: their turn comes at once.
task<void> environment::state::write_frame() {
  const commit_sequence sequence = next_frame()->sequence;
  const bool synced = sync_is_due() || sequence <= sync_wanted_;
  const durability level = synced ? durability::synced : durability::logged;
  in_flight_ = true;
  co_await journal->append(sequence, next_frame()->payload, level);
  last_logged = sequence;
  last_write_failed_ = false;
  ask_for_upkeep(*next_frame());
  next_frame()->payload = {};
  next_frame()->written = true;
}

// What goes on beside waits for commits to be durable, whatever the level of who cuts them.
void environment::state::ask_for_upkeep(const frame& done) noexcept {
  const bool retires = std::any_of(retired_.begin(), retired_.end(), [&done](const auto& each) {
    return each.sequence != 0 && each.sequence <= done.sequence;
  });
  const bool recycles = pass_.after != 0 && pass_.after <= done.sequence;
  if (!done.seals.empty() || retires || recycles) ask_for(done.sequence, durability::synced);
}

void environment::state::land_frames() {
  while (!queue_.empty() && queue_.front().written
         && queue_.front().sequence <= journal->last_synced()) {
    landed(queue_.front());
    queue_.pop_front();
  }
}

// The frame is durable: what it dropped is gone for good, what it froze may be written out. What
// can fail comes first, so that it may be called again.
void environment::state::landed(frame& done) {
  for (const auto& [id, floor] : done.floors) entry_of(id);
  dead_.reserve(dead_.size() + retired_.size());
  seals_.insert(seals_.end(), done.seals.begin(), done.seals.end());
  last_durable = done.sequence;
  ++counts.commits;
  manifest_.last_durable = last_durable;
  manifest_.acknowledged = std::max(manifest_.acknowledged, done.acknowledged);
  for (const auto& [id, floor] : done.floors) entry_of(id).drop_floor = floor;
  for (auto at = retired_.begin(); at != retired_.end();) {
    if (at->sequence == 0 || at->sequence > done.sequence) {
      ++at;
      continue;
    }
    auto& runs = entry_of(at->store).runs;
    const auto listed = runs.find(at->segment);
    if (listed != runs.end() && listed->second == at->generation) runs.erase(listed);
    dead_.push_back(*at);
    at = retired_.erase(at);
  }
}

bool environment::state::has_reached(commit_sequence sequence, durability level) const noexcept {
  if (level == durability::synced) return sequence <= last_durable;
  if (level == durability::logged) return sequence <= last_logged;
  return sequence <= last_cut && !is_behind();
}

maybe_ready<void> environment::state::wait_durable(commit_sequence sequence, durability level,
                                                   coro::stop_token stop) {
  if (has_reached(sequence, level)) return {};
  return wait_slowly(sequence, level, stop);
}

task<void> environment::state::wait_slowly(commit_sequence sequence, durability level,
                                           coro::stop_token stop) {
  bool is_sync_tried = sequence > last_logged;
  while (!has_reached(sequence, level)) {
    if (failure_ && (poisoned_ || is_sync_tried)) std::rethrow_exception(failure_);
    if (failure_ && !writing_) is_sync_tried = true;  // of a frame behind this one: see below
    if (poisoned_) fail(errc::poisoned, options.directory);
    if (stopping_ && !writing_) fail(errc::closed, options.directory);
    if (!writing_ && sequence > last_cut) fail(errc::invalid_argument, "no such commit was cut");
    if (stop.stop_requested()) throw std::system_error(coro::aborted_code(), "commit");
    ask_for(std::min(sequence, last_cut), level);
    if (!writing_) {
      start_writing();
      if (!writing_) continue;  // it has ended in the call
    }
    co_await landed_.wait(stop);
  }
}

}  // namespace lentic
