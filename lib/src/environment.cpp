// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <lentic/coro/sync_wait.hpp>
#include <lentic/errc.hpp>

#include <cassert>
#include <system_error>
#include <utility>

namespace lentic {

environment::environment(std::unique_ptr<state> opened) noexcept : state_(std::move(opened)) {}

environment::~environment() {
  if (!state_) return;
  state_->gate->shut();
  if (state_->has_ended()) return;
  coro::runtime& owner = state_->runtime;
  coro::end_later(owner, state::abandon(std::move(state_)));
}

task<std::unique_ptr<environment>> environment::open(coro::runtime& runtime,
                                                     environment_options options) {
  std::unique_ptr<environment> made(new environment(nullptr));  // the last thing that can fail
  auto opened = std::make_unique<state>(runtime, std::move(options));
  co_await opened->open();
  made->state_ = std::move(opened);
  made->state_->gate->admit(*made);
  co_return std::move(made);
}

coro::runtime& environment::runtime() const noexcept {
  return state_->runtime;
}

const recovery_report& environment::recovered() const noexcept {
  return state_->report;
}

environment_statistics environment::statistics() const noexcept {
  environment_statistics now = state_->counts;
  now.bytes_written = state_->directory.counters().bytes_written;
  now.bytes_read = state_->directory.counters().bytes_read;
  now.cold_reads = state_->reads->reads();
  now.stalls = state_->reads->stalls();
  now.block_buffer_bytes = state_->reads->bytes_in_use();
  now.memory_bytes = state_->memory->bytes();
  now.memory_bytes_max = state_->memory->bytes_max();
  for (std::size_t i = 0; i < memory_holder_count; ++i)
    now.memory_of[i] = state_->memory->bytes_of(static_cast<memory_holder>(i));
  if (!state_->journal) return now;
  now.journal_files = state_->journal->files().size();
  now.journal_bytes = state_->journal->file_bytes();
  now.journal_live_bytes = state_->journal_live_bytes();
  now.replay_estimate_us = state_->replay_estimate_us();
  state_->count_runs(now);
  return now;
}

void environment::forget_residency() noexcept {
  state_->reads->forget();
}

void environment::set_block_buffer_bytes_max(std::uint64_t limit) noexcept {
  state_->reads->set_bytes_max(limit);
}

segmented_store& environment::open_segmented_store(std::string_view name, young_layout layout) {
  return state_->open_store(name, layout);
}

byte_store& environment::open_byte_store(std::string_view name, young_layout layout) {
  return state_->open_store(name, layout).segment(0);
}

std::vector<std::string> environment::store_names() const {
  std::vector<std::string> names;
  for (const auto& [name, store] : state_->stores) names.push_back(name);
  return names;
}

void environment::set_position(std::string_view source, bytes_view position) {
  state_->check_writable();
  state_->changed = true;
  state_->positions.insert_or_assign(std::string(source), to_bytes(position));
  state_->positions_changed = true;
}

std::optional<bytes> environment::position(std::string_view source) const {
  const auto found = state_->positions.find(source);
  if (found == state_->positions.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> environment::position_names() const {
  std::vector<std::string> names;
  for (const auto& [source, position] : state_->positions) names.push_back(source);
  return names;
}

void environment::append_output(bytes_view output) {
  state_->append_output(output);
}

std::optional<outbox_batch> environment::next_output(commit_sequence after) const {
  const auto found = state_->outbox.upper_bound(after);
  if (found == state_->outbox.end() || found->first > state_->last_shown()) return std::nullopt;
  return outbox_batch{found->first, found->second};
}

void environment::acknowledge(commit_sequence sequence) {
  if (sequence <= state_->acknowledged) return;
  state_->check_writable();
  state_->changed = true;
  state_->acknowledged = sequence;
  state_->acknowledged_changed = true;
  const auto end = state_->outbox.upper_bound(sequence);
  for (auto at = state_->outbox.begin(); at != end; ++at) state_->credit_outbox(at->second.size());
  state_->outbox.erase(state_->outbox.begin(), end);
}

commit_sequence environment::cut() {
  return state_->cut(state_->options.commit_level);
}

commit_sequence environment::cut(durability level) {
  return state_->cut(level);
}

maybe_ready<void> environment::wait_durable(commit_sequence sequence, coro::stop_token stop) {
  return state_->wait_durable(sequence, state_->options.commit_level, stop);
}

maybe_ready<void> environment::wait_durable(commit_sequence sequence, durability level,
                                            coro::stop_token stop) {
  return state_->wait_durable(sequence, level, stop);
}

bool environment::wants_commit() const noexcept {
  return state_->wants_commit();
}

const std::shared_ptr<memory_account>& environment::memory() const noexcept {
  return state_->memory;
}

const std::shared_ptr<query_gate>& environment::gate() const noexcept {
  return state_->gate;
}

namespace {

task<commit_sequence> wait_for(environment& env, commit_sequence sequence, durability level,
                               coro::stop_token stop) {
  co_await env.wait_durable(sequence, level, stop);
  co_return sequence;
}

}  // namespace

maybe_ready<commit_sequence> environment::commit(coro::stop_token stop) {
  return commit(state_->options.commit_level, stop);
}

maybe_ready<commit_sequence> environment::commit(durability level, coro::stop_token stop) {
  if (stop.stop_requested()) throw std::system_error(coro::aborted_code(), "commit");
  const commit_sequence sequence = cut(level);
  if (state_->has_reached(sequence, level)) return sequence;
  return wait_for(*this, sequence, level, stop);
}

commit_sequence environment::last_durable() const noexcept {
  return state_->last_durable;
}

commit_sequence environment::last_logged() const noexcept {
  return state_->last_logged;
}

task<commit_sequence> environment::checkpoint(std::string directory, upkeep_listener told) {
  return state_->checkpoint(std::move(directory), std::move(told));
}

std::vector<segment_figures> environment::segments() const {
  return state_->segments();
}

task<store_digest> environment::digest(std::string store, segment_id lo, segment_id hi) {
  return state_->digest(std::move(store), lo, hi);
}

task<void> environment::compact(coro::stop_token stop, upkeep_listener told) {
  return state_->compact(stop, std::move(told));
}

task<void> environment::close() {
  return state_->close();
}

}  // namespace lentic
