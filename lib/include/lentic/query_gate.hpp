// SPDX-License-Identifier: Apache-2.0
#pragma once

// query_gate: the door through which other threads reach an environment; see query.hpp for how to
// use it. It outlives the environment for whoever holds it: then it refuses.
//
// Threads: submit() and ask_to_stop() may be called on any; the rest is for the owner's.
// Every job that is submitted is either run, on the owner's thread, or refused, once.

#include <lentic/coro/scope.hpp>
#include <lentic/coro/stop_token.hpp>
#include <lentic/task.hpp>

#include <memory>
#include <mutex>
#include <system_error>
#include <vector>

namespace lentic::coro {
class runtime;
}

namespace lentic {

class environment;

class query_job {
 public:
  query_job() = default;
  query_job(const query_job&) = delete;
  query_job& operator=(const query_job&) = delete;
  virtual ~query_job() = default;

  // On the owner's thread. Completes the query; throws only std::bad_alloc, when it could not post
  // the completion. `closing` asks it to end early.
  virtual task<void> run(environment& env, coro::stop_token closing) = 0;
  // On the owner's thread, before, during or after run().
  virtual void request_stop() = 0;
  // On any thread: completes the query with the error.
  virtual void refuse(std::error_code error) = 0;
};

class query_gate : public std::enable_shared_from_this<query_gate> {
 public:
  explicit query_gate(coro::runtime& owner);

  // Runs the job in one of the runtime's next turns, in the order of calls; refuses it with
  // errc::closed once the gate is shut. When it throws the job was not taken.
  void submit(std::shared_ptr<query_job> job);
  // Has request_stop() called on the owner's thread, after what was submitted before has started,
  // if the job still lives then.
  void ask_to_stop(std::weak_ptr<query_job> job);

  void admit(environment& env) noexcept { env_ = &env; }
  // Refuses what waits and what comes.
  void shut();
  // The same; asks what runs to stop, and returns when it has ended. Not cancellable.
  task<void> close();

 private:
  void run_waiting();

  std::mutex mutex_;  // guards owner_ and waiting_
  coro::runtime* owner_;
  std::vector<std::shared_ptr<query_job>> waiting_;
  environment* env_ = nullptr;
  coro::scope running_;
};

}  // namespace lentic
