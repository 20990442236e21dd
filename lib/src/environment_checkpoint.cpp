// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_target.hpp"
#include "environment_state.hpp"

#include <lentic/errc.hpp>

#include <system_error>
#include <utility>

namespace lentic {

void environment::state::check_copyable() const {
  if (stopping_) fail(errc::closed, options.directory);
  if (poisoned_) fail(errc::poisoned, options.directory);
}

// The manifest is that of a commit at any moment, and so is the journal up to its last frame. What
// was written and has not landed is in the journal alone, as after a crash.
environment::state::copy_plan environment::state::plan_copy() const {
  copy_plan plan;
  plan.content = manifest_;
  plan.sequence = last_logged;
  plan.content.last_durable = plan.sequence;
  for (const detail::journal_file& each : journal->files()) {
    if (each.number >= plan.content.first_journal_file && each.bytes != 0)
      plan.journal.push_back(each);
  }
  for (const detail::journal_file& each : plan.journal) plan.progress.bytes_total += each.bytes;
  for (const detail::manifest_store& store : plan.content.stores) {
    for (const auto& [segment, generation] : store.runs)
      plan.progress.bytes_total += run_bytes(store.id, segment);
  }
  return plan;
}

// Of the run that is mapped, which is the one that the manifest names; 0 where it was dropped
// since.
std::uint64_t environment::state::run_bytes(std::uint64_t store, std::uint64_t segment) const {
  const auto known = stores_by_id.find(store);
  if (known == stores_by_id.end()) return 0;
  const auto& all = known->second->all();
  const auto found = all.find(segment);
  return found == all.end() ? 0 : found->second->run_bytes();
}

// Before a file of so many bytes is taken.
void environment::state::tell_next(copy_plan& plan, std::uint64_t file_bytes) const {
  if (plan.told) plan.told(plan.progress);
  plan.progress.bytes_done += file_bytes;
}

// Upkeep stands still meanwhile: nothing that the plan names is removed or recycled. Commits go on.
task<commit_sequence> environment::state::checkpoint(std::string path, upkeep_listener told) {
  check_copyable();
  if (!is_durable()) fail(errc::invalid_argument, "a checkpoint of a state in memory");
  if (path.starts_with(options.directory + "/"))
    fail(errc::invalid_argument, path + " is inside of the state");
  const coro::async_mutex::guard held = co_await upkeep_turn_.lock();
  check_copyable();
  detail::checkpoint_target target(runtime, std::move(path), [this] { check_copyable(); });
  co_await target.begin(options.lock_wait_ms);
  copy_plan plan = plan_copy();
  plan.told = std::move(told);
  for (const detail::manifest_store& store : plan.content.stores) {
    if (!store.runs.empty()) co_await copy_runs(store, target, plan);
  }
  for (const detail::journal_file& each : plan.journal) {
    tell_next(plan, each.bytes);
    co_await target.take_journal(directory.home(), each);
  }
  tell_next(plan, 0);
  co_await target.finish(plan.content);
  co_return plan.sequence;
}

// A run that could not be read at the open may be missing: it is missing in the copy as well.
task<void> environment::state::copy_runs(const detail::manifest_store& store,
                                         detail::checkpoint_target& target, copy_plan& plan) {
  co_await target.begin_store(store.name);
  result<coro::directory> home = co_await as_result(directory.store_directory(store.name, false));
  for (const auto& [segment, generation] : store.runs) {
    const bool readable = !unreadable_.contains({store.id, segment});
    if (!home && readable) throw std::system_error(home.error(), "open " + store.name);
    if (!home) continue;
    tell_next(plan, run_bytes(store.id, segment));
    const std::string name = detail::run_file_name(segment, generation);
    const result<void> taken = co_await as_result(target.take_run(*home, name));
    const bool missing = !taken && detail::is_no_regular_file(taken.error());
    if (!taken && (readable || !missing))
      throw std::system_error(taken.error(), "checkpoint of " + home->name() + "/" + name);
  }
  co_await target.end_store();
}

}  // namespace lentic
