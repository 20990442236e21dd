// SPDX-License-Identifier: Apache-2.0
#pragma once

// node: a part of a topology that has a life: it opens its state, flushes what it holds back, and
// saves what must be found again after a restart. state_store: a node with a named store that
// others may ask for. Operators without state are no nodes: they are fused into their consumer.
//
//   open (in topological order) -> records -> flush (the same order) -> save -> commit -> close
//
// Threads: one, the task's. Lifetime: the topology owns its nodes; the task_context and what open()
// takes from it stay valid until close(). Errors: what they throw poisons the task, a
// cancellation too. Cancellation: the flush of a cache stops between entries when asked to; the
// task then throws std::errc::operation_canceled and goes on.
// Durability: the environment's commit that follows flush and save.

#include <lentic/coro/stop_token.hpp>
#include <lentic/task.hpp>

#include <string>
#include <utility>

namespace lentic::process {

class task_context;
class task_metadata;

// Whatever a topology owns.
class part {
 public:
  part() = default;
  part(const part&) = delete;
  part& operator=(const part&) = delete;
  virtual ~part() = default;
};

class node : public part {
 public:
  // Opens stores and takes over what save() has put. Before the first record.
  virtual task<void> open(task_context& context);
  // Sends on what is held back; records may go downstream.
  virtual maybe_ready<void> flush(coro::stop_token stop);
  // Puts what a restart needs into the commit that is being made.
  virtual task<void> save(task_metadata& to);
  // After the last record. The environment is still open; nothing is committed any more.
  virtual task<void> close();
};

class state_store : public node {
 public:
  explicit state_store(std::string name) : name_(std::move(name)) {}
  const std::string& store_name() const noexcept { return name_; }

 private:
  std::string name_;
};

// What a state_store offers under its name: byte_store, a window store, ... Available after open().
template <class T>
class offers {
 public:
  offers() = default;
  offers(const offers&) = delete;
  offers& operator=(const offers&) = delete;
  virtual T& offered(T* tag = nullptr) = 0;

 protected:
  ~offers() = default;
};

}  // namespace lentic::process
