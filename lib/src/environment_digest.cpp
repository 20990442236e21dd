// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <limits>
#include <utility>

// digest(): what is in memory is summed up at once, for all segments, so that the sums are of one
// moment; what runs say of themselves is read then. Runs do not change, and whoever holds one may
// read it whatever becomes of its segment, or of the environment, up to its last file.

namespace lentic {

namespace {

// Blocks that are asked for before they are needed.
constexpr std::size_t blocks_ahead = 16;
// Of the memory budget: what a digest may hold.
constexpr std::uint64_t budget_part = 16;
// Keys that are looked up before others have their turn.
constexpr std::size_t keys_per_turn = 256;

std::uint64_t bytes_of(const std::vector<detail::digest_job>& jobs) noexcept {
  std::uint64_t sum = jobs.capacity() * sizeof(detail::digest_job);
  for (const detail::digest_job& job : jobs) {
    sum += job.hiding.capacity() * sizeof(detail::digest_job::hiding_key);
    for (const auto& each : job.hiding) sum += each.key.capacity();
  }
  return sum;
}

// The blocks of some next keys, each once; answers the first key that was not asked for.
std::size_t ask_ahead(const detail::digest_job& job, std::size_t from) {
  const std::size_t end = std::min(job.hiding.size(), from + blocks_ahead);
  for (; from < end; ++from) job.run->load_soon(detail::run_reader::only(job.hiding[from].block));
  return end;
}

// By block, so that each is read once.
task<void> subtract_hidden(coro::runtime& runtime, detail::digest_job& job) {
  std::size_t asked = 0;
  for (std::size_t i = 0; i < job.hiding.size(); ++i) {
    if (asked <= i) asked = ask_ahead(job, i);
    const bytes_view key = job.hiding[i].key;
    co_await detail::run_reader::load(job.run, detail::run_reader::only(job.hiding[i].block));
    const std::optional<bytes_view> found = job.run->find(key);
    if (found) job.found.subtract(key, *found);
    if (i % keys_per_turn == 0) co_await coro::yield(runtime);
  }
}

task<store_digest> finish(coro::runtime& runtime, std::vector<detail::digest_job> jobs) {
  store_digest sums;
  for (detail::digest_job& job : jobs) {
    if (job.run) co_await detail::run_reader::add_digest(runtime, job.run, job.found);
    co_await subtract_hidden(runtime, job);
    segment_digest empty;
    empty.segment = job.found.segment;
    if (job.found != empty) sums.segments.push_back(job.found);
  }
  co_return sums;
}

}  // namespace

// The largest id is no end: it belongs to the range.
std::vector<detail::digest_job> environment::state::begin_digests(const std::string& name,
                                                                  segment_id lo, segment_id hi) {
  if (stopping_) fail(errc::closed, options.directory);
  const auto store = stores.find(name);
  if (store == stores.end()) fail(errc::invalid_argument, "no store " + name);
  std::vector<detail::digest_job> jobs;
  const bool has_end = hi != std::numeric_limits<segment_id>::max();
  const auto& all = store->second->all();
  for (auto at = all.lower_bound(lo); at != all.end() && (!has_end || at->first < hi); ++at)
    jobs.push_back(at->second->begin_digest());
  return jobs;
}

// The environment may go while its runs are read.
task<store_digest> environment::state::digest(std::string name, segment_id lo, segment_id hi) {
  coro::runtime& here = runtime;
  const std::shared_ptr<memory_account> account = memory;
  std::vector<detail::digest_job> jobs = begin_digests(name, lo, hi);
  memory_share held(account.get(), memory_holder::blocks);
  const std::uint64_t needed = bytes_of(jobs);
  if (account->budget() != 0 && needed > account->budget() / budget_part)
    fail(errc::over_budget, "a digest of store " + name + " looks up rows in memory in runs that "
                                + "are not, for which it needs " + std::to_string(needed)
                                + " bytes; compact() first, or ask for fewer segments");
  held.set(needed);
  co_return co_await finish(here, std::move(jobs));
}

}  // namespace lentic
