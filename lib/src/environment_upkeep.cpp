// SPDX-License-Identifier: Apache-2.0
#include "environment_state.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace lentic {

namespace {

constexpr std::size_t run_write_bytes = std::size_t{256} << 10;

// Less with a small budget, of which a seal holds two such parts.
std::size_t write_bytes_for(std::uint64_t budget) noexcept {
  constexpr std::uint64_t part = 64;
  if (budget == 0) return run_write_bytes;
  return std::clamp<std::size_t>(budget / part, 4096, run_write_bytes);
}

// The table that is gone lay in chunks, and what was allocated between them keeps the allocator
// from giving its pages back by itself. With glibc's, 32 MiB and rows of 124 bytes the process held
// 56 MB without this, 37 MB with it (2026-11, tests/crash/memory_soak.py).
void give_back_freed_memory([[maybe_unused]] std::uint64_t budget) noexcept {
#ifdef __GLIBC__
  if (budget != 0) static_cast<void>(::malloc_trim(0));
#endif
}

bool is_for_lack_of_room(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& failure) {
    return failure.code() == std::errc::no_space_on_device;
  } catch (...) {
    return false;
  }
}

}  // namespace

bool environment::state::has_upkeep() const {
  return !dead_.empty() || !seals_.empty() || wants_budget_step() || can_recycle();
}

// Runs beside the owner's work from open() to close(): one thing at a time, so that a seal and the
// recycling of a journal file never overlap.
task<void> environment::state::upkeep() {
  while (!stopping_) {
    if (!has_upkeep() || poisoned_) {
      work_.reset();
      co_await work_.wait();
      continue;
    }
    std::string failed;
    std::exception_ptr thrown;
    const bool seals = dead_.empty() && !seals_.empty();
    try {
      const coro::async_mutex::guard held = co_await upkeep_turn_.lock();
      co_await upkeep_step();
    } catch (const coro::sync_error& error) {
      poisoned_ = true;
      thrown = std::current_exception();
      failed = error.what();
      upkeep_error_ = std::current_exception();
    } catch (const std::exception& error) {  // a full disk, or no memory: nothing is lost
      thrown = std::current_exception();
      failed = error.what();
      upkeep_error_ = std::current_exception();
    }
    counts.upkeep_failures += failed.empty() ? 0U : 1U;
    landed_.wake_all();  // compact() may wait for this step
    sealing_ = false;
    if (thrown && seals) relief_failed(std::move(thrown));
    relief_.wake_all();
    if (failed.empty()) continue;
    work_.reset();  // not again before the next commit; what comes from here on is heard
    log("lentic: upkeep of " + options.directory + ": " + failed);
    if (is_for_lack_of_room(upkeep_error_)) {
      const result<void> freed = co_await as_result(journal->remove_spares());
      if (!freed) log("lentic: " + freed.error().message());
    }
    if (!dead_.empty()) continue;  // what a failed seal wrote goes at once
    if (!stopping_) co_await work_.wait();
  }
}

task<void> environment::state::upkeep_step() {
  if (!dead_.empty()) co_return co_await remove_dead_runs();
  if (!seals_.empty()) {
    task<void> sealing = seal(seals_.front());  // may fail: the job stays
    seals_.pop_front();
    sealing_ = true;
    co_return co_await std::move(sealing);
  }
  if (wants_budget_step()) {
    budget_step();
    co_return co_await coro::yield(runtime);
  }
  co_await recycle();
}

task<void> environment::state::remove_dead_runs() {
  const retired_run gone = dead_.back();
  dead_.pop_back();
  const auto store = stores_by_id.find(gone.store);
  if (store == stores_by_id.end() || !store->second->has_directory()) co_return;
  coro::directory home = co_await directory.store_directory(store->second->name(), false);
  co_await home.unlink(detail::run_file_name(gone.segment, gone.generation));
}

// The file of that generation is garbage: it goes in the next step.
void environment::state::bury(const detail::seal_job& job, std::uint64_t generation) {
  retired_run dead;
  dead.store = job.store;
  dead.segment = job.segment->id();
  dead.generation = generation;
  dead_.push_back(dead);
}

// Writes the frozen rows and the old run as one new run. The frame that froze them is durable. When
// the segment was dropped or cleared meanwhile, what was written is garbage.
task<void> environment::state::seal(detail::seal_job job) {
  std::shared_ptr<detail::run_reader> run;
  std::exception_ptr error;
  try {
    run = co_await write_run(job);
    entry_of(job.store).runs.try_emplace(job.segment->id(), 0);  // room for what follows
  } catch (...) {  // the rows stay in the journal; tried again with a later cut
    error = std::current_exception();
  }
  const bool gone = job.segment->epoch() != job.epoch;
  if (error) {
    try {
      if (!gone) job.segment->thaw(last_durable);
    } catch (...) {  // frozen for good, and nobody would log the rows again
      poisoned_ = true;
      throw;
    }
    bury(job, job.generation);
    std::rethrow_exception(error);
  }
  auto& runs = entry_of(job.store).runs;
  const std::uint64_t old_generation = runs.at(job.segment->id());
  if (gone) {
    if (old_generation == 0) runs.erase(job.segment->id());
    co_return bury(job, job.generation);
  }
  const bool has_rows = run != nullptr;
  job.segment->adopt(std::move(run));
  if (has_rows) {
    runs.at(job.segment->id()) = job.generation;
  } else {
    runs.erase(job.segment->id());
  }
  ++counts.runs_written;
  give_back_freed_memory(memory->budget());
  if (poisoned_) fail(errc::poisoned, options.directory);  // nothing is synced any more
  co_await directory.save_manifest(manifest_);
  if (old_generation != 0) bury(job, old_generation);
}

// Null when the segment holds no row.
task<std::shared_ptr<detail::run_reader>> environment::state::write_run(
    const detail::seal_job& job) {
  detail::mmap_store& store = *stores_by_id.at(job.store);
  coro::directory home = co_await directory.store_directory(store.name(), !store.has_directory());
  store.set_directory();
  detail::run_identity identity;
  identity.environment = manifest_.environment;
  identity.store = job.store;
  identity.segment = job.segment->id();
  identity.generation = job.generation;
  const std::string name = detail::run_file_name(identity.segment, identity.generation);
  const int flags = O_RDWR | O_CREAT | O_TRUNC;
  coro::file target = co_await home.open_file(name, flags);
  detail::run_writer writer(identity, job.segment->sealed_rows_max(), job.segment->sealed_sums());
  memory_share working(memory.get(), memory_holder::seals);
  while (!job.segment->prepare_sealed_rows()) co_await coro::yield(runtime);
  cursor rows = job.segment->sealed_rows();
  std::uint64_t written = 0;
  const std::size_t write_bytes = write_bytes_for(memory->budget());
  for (bool more = true; more;) {
    const std::span<const row> block = co_await rows.next();
    for (const row& each : block) writer.add(each.key, each.value);
    const bool at_end = block.empty();
    more = !at_end || !writer.finish();  // which is called again
    const bool is_due = !more || writer.ready_bytes() >= write_bytes;
    if (is_due) {
      const bytes chunk = writer.take();
      working.set(writer.held_bytes() + chunk.capacity());
      co_await target.write(chunk, written);
      written += chunk.size();
    }
    if (is_due || at_end) co_await coro::yield(runtime);
  }
  if (writer.rows() == 0) {
    co_await home.unlink(name);
    co_return nullptr;
  }
  co_await target.sync();
  co_await home.sync();
  const bytes_view map = target.map(written);
  auto opened = detail::run_reader::open(map, identity, target.name());
  if (!opened) {
    runtime.io().unmap(map);
    fail(errc::damaged, target.name() + " differs from what was written");
  }
  std::unique_ptr<detail::run_reader> reader = std::move(*opened);
  reader->serve(std::move(target), reads, detail::run_origin::written);
  co_return std::shared_ptr<detail::run_reader>(std::move(reader));
}

// The first call closes; who calls meanwhile waits for it, and throws what it throws. Any of them
// may destroy the environment when its own call returns: so the event is the last that is touched,
// and everybody holds it.
task<void> environment::state::close() {
  if (closed) co_return;
  const std::shared_ptr<closing> shut = closing_ ? closing_ : std::make_shared<closing>(runtime);
  if (closing_) {
    co_await shut->over.wait();
  } else {
    closing_ = shut;
    try {
      co_await gate->close();  // queries that run see an open environment
      co_await shut_down();
    } catch (...) {  // closed in any case; thrown below
      shut->error = std::current_exception();
    }
    closed = true;
    shut->over.set();
  }
  if (shut->error) std::rethrow_exception(shut->error);
}

// Not a commit: what was not cut is dropped. The manifest then holds the last durable sequence.
task<void> environment::state::shut_down() {
  stopping_ = true;
  work_.set();
  landed_.wake_all();
  co_await end_waiting_puts();
  {  // a compact() or a checkpoint that goes on sees that, and ends
    const coro::async_mutex::guard compacts = co_await compact_turn_.lock();
    const coro::async_mutex::guard held = co_await upkeep_turn_.lock();
  }
  std::exception_ptr error;
  try {
    if (is_durable() && !is_reader() && !poisoned_) {
      if (!writing_) failure_ = nullptr;  // once more
      ask_for(last_cut, durability::synced);
      if (!writing_ && (frame_is_due() || sync_is_due())) start_writing();
    }
    co_await background_.join();
    if (failure_) std::rethrow_exception(failure_);
    if (is_durable() && !is_reader() && !poisoned_) {
      co_await directory.save_manifest(manifest_);
    }
  } catch (...) {  // closed in any case; thrown below
    error = std::current_exception();
  }
  co_await reads->shut();
  stores_by_id.clear();
  stores.clear();
  const result<void> shut = co_await as_result(shut_files());
  if (error) std::rethrow_exception(error);
  shut.value();
}

// No commit, no manifest; what is durable the next open tells.
task<void> environment::state::abandon(std::unique_ptr<state> left) {
  const std::unique_ptr<state> mine = std::move(left);  // goes with this coroutine's end
  mine->closed = true;
  mine->stopping_ = true;
  mine->work_.set();
  mine->landed_.wake_all();
  co_await mine->end_waiting_puts();
  const result<void> joined = co_await as_result(mine->background_.join());
  // No compact() or checkpoint goes on.
  const coro::async_mutex::guard compacts = co_await mine->compact_turn_.lock();
  const coro::async_mutex::guard held = co_await mine->upkeep_turn_.lock();
  if (!joined)
    mine->log("dropped without close() after a failed write: " + joined.error().message());
  co_await mine->reads->shut();
}

task<void> environment::state::shut_files() {
  if (journal) co_await journal->close();
  if (is_durable()) co_await directory.close();
}

}  // namespace lentic
