// SPDX-License-Identifier: Apache-2.0
#pragma once

// stream_task: runs one topology over one environment: one partition, in order, one record at a
// time.
//
//   stream_task job(*env, std::move(topology));
//   co_await job.open();                          // stores and metadata of the last commit
//   auto& lines = job.source_of<std::string, std::string>("lines");
//   co_await job.process(lines, record);          // ready, as a rule
//   job.set_position("lines", position);
//   co_await job.commit();                        // flush, save, one durable frame
//   co_await job.close();
//
// The commit barrier: stage() finishes what is held back: it flushes the nodes in topological order
// and saves their metadata, so that the frame which is cut next holds exactly the records whose
// process() has returned: state, positions, output. Whoever cuts the frame on his own calls stage()
// and then environment::cut(), with nothing in between.
//
// Threads: the environment's owner. Lifetime: the environment outlives the task. One operation at a
// time: process() and stage() throw errc::invalid_argument while another is under way (busy()), and
// an operation that was begun is awaited to its end.
// Errors: what an operator throws poisons the task: each later call throws errc::poisoned, and the
// way back is to drop task and environment and open both again, at the last commit. A
// record_rejected is the exception: nothing has changed, not even stream time, and the task goes
// on. Cancellation: a stop in stage() throws std::errc::operation_canceled between two entries; the
// rest stays held back, and stage() may be called again. That is the caches of aggregates: whatever
// a processor's flush() or a consumer throws poisons, a cancellation too.
// Not promised: waiting for an input that is empty: process_next() takes what is there.

#include <lentic/cache/caching_store.hpp>
#include <lentic/cache/thread_cache.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/environment.hpp>
#include <lentic/errc.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/source.hpp>
#include <lentic/process/task_context.hpp>
#include <lentic/process/topology.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lentic::process {

struct stream_task_options {
  std::string metadata_store = "task";  // the byte store for clocks and counters
  // None: an aggregate sends on each change at once. Else changes are collected, one a key, until
  // a commit or until the caches of the task hold more than their budget. An aggregate that emits
  // on close has no cache.
  std::optional<caching> cache;
  std::uint64_t cache_bytes_max = std::uint64_t{10} << 20;
  std::size_t waiting_records_max = 1000;  // of one source, for add_record()
  coro::stop_token stop;                   // handed to processors
};

class stream_task {
 public:
  // Throws errc::invalid_argument when the topology is not complete; the message names the node.
  stream_task(environment& env, topology what, stream_task_options options = {});
  stream_task(const stream_task&) = delete;
  stream_task& operator=(const stream_task&) = delete;

  // Opens the stores and takes over the metadata of the last commit. Before the first record. When
  // it throws it may be called again.
  task<void> open();

  // The source of that name. Throws errc::invalid_argument when there is none, or one of another
  // type.
  template <class K, class V>
  source<K, V>& source_of(std::string_view name);

  // One record through the topology, which may take it apart; it lives until the answer is ready.
  template <class K, class V>
  maybe_ready<void> process(source<K, V>& from, record<K, V>& next);

  // Lets a record wait for its turn; false when the source's queue is full. What waits is in no
  // commit: set_position() is for records that were processed.
  template <class K, class V>
  bool add_record(source<K, V>& from, record<K, V> next);
  // Processes the waiting record with the smallest timestamp; of equal ones, that of the source
  // which was made first. False when none waits. A record that is rejected is out of the queue.
  maybe_ready<bool> process_next();
  std::size_t waiting_records() const noexcept;

  // Where a source stands: part of the next commit.
  void set_position(std::string_view source, bytes_view position);

  // Flushes and saves into the frame that is being made.
  task<void> stage(coro::stop_token stop = {});
  // stage() and environment::commit().
  task<commit_sequence> commit(coro::stop_token stop = {});
  // Ends the life of the nodes; commits nothing.
  task<void> close();

  // environment::wants_commit(): commit before the next record.
  bool wants_commit() noexcept { return context_.env().wants_commit(); }
  bool busy() const noexcept { return busy_; }
  bool poisoned() const noexcept { return poisoned_; }
  std::int64_t stream_time_ms() const noexcept { return context_.stream_time_ms(); }
  // What the store of that name offers, as task_context::store().
  template <class T>
  T& store(std::string_view name) {
    return context_.store<T>(name);
  }

 private:
  // Marks an operation that is under way, for the span of a scope on the ready path.
  void begin();
  void take(const record_context& next);
  void done() noexcept { busy_ = false; }
  // What follows from the exception that is being handled.
  void failed() noexcept;
  task<void> process_cold(maybe_ready<void> pending);
  task<bool> process_next_cold(maybe_ready<void> pending);
  task<void> stage_nodes(coro::stop_token stop);
  source_base& find_source(std::string_view name) const;
  source_base* next_source() const noexcept;

  stream_task_options options_;
  thread_cache cache_;
  task_context context_;
  topology what_;  // its caches refer to what stands above
  std::vector<node*> flush_order_;
  std::int64_t stream_time_before_ms_ = -1;  // of the record under way
  bool open_ = false;
  bool busy_ = false;
  bool poisoned_ = false;
};

template <class K, class V>
source<K, V>& stream_task::source_of(std::string_view name) {
  auto* const found = dynamic_cast<source<K, V>*>(&find_source(name));
  if (found == nullptr)
    fail(errc::invalid_argument, "source " + std::string(name) + " has other types");
  return *found;
}

template <class K, class V>
maybe_ready<void> stream_task::process(source<K, V>& from, record<K, V>& next) {
  begin();
  try {
    take(next);
    maybe_ready<void> sent = from.out().forward(next);
    if (!sent.ready()) return process_cold(std::move(sent));
  } catch (...) {
    failed();
    throw;
  }
  done();
  return {};
}

template <class K, class V>
bool stream_task::add_record(source<K, V>& from, record<K, V> next) {
  if (from.waiting() >= options_.waiting_records_max) return false;
  from.push(std::move(next));
  return true;
}

}  // namespace lentic::process
