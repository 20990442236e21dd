// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/runtime.hpp>
#include <lentic/errc.hpp>
#include <lentic/query_gate.hpp>

#include <cassert>
#include <new>
#include <utility>

namespace lentic {

namespace {

// Keeps the job alive while it runs. It throws only when there is no memory to post its answer:
// then its handler has been destroyed, which the other queries must not suffer for.
task<void> run_job(std::shared_ptr<query_job> job, environment& env, coro::stop_token closing) {
  try {
    co_await job->run(env, closing);
  } catch (const std::bad_alloc&) {  // the handler's destruction has told whom it could
  }
}

void refuse(query_job& job, std::error_code error) {
  try {
    job.refuse(error);
  } catch (const std::bad_alloc&) {  // as above
  }
}

}  // namespace

query_gate::query_gate(coro::runtime& owner) : owner_(&owner), running_(owner.queue()) {}

// While the gate is open its runtime lives: it is posted to under the lock, which shut() takes.
void query_gate::submit(std::shared_ptr<query_job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (owner_ != nullptr) {
      waiting_.push_back(job);
      if (waiting_.size() > 1) return;
      try {
        owner_->post([gate = shared_from_this()] { gate->run_waiting(); });
      } catch (...) {  // else later jobs would wait for a turn that nobody has asked for
        waiting_.pop_back();
        throw;
      }
      return;
    }
  }
  job->refuse(errc::closed);
}

void query_gate::ask_to_stop(std::weak_ptr<query_job> job) {
  const std::lock_guard lock(mutex_);
  if (owner_ == nullptr) return;  // refused, or asked by close()
  owner_->post([asked = std::move(job)] {
    if (const std::shared_ptr<query_job> alive = asked.lock()) alive->request_stop();
  });
}

void query_gate::run_waiting() {
  std::vector<std::shared_ptr<query_job>> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(waiting_);
  }
  for (const std::shared_ptr<query_job>& job : jobs) {
    try {
      running_.spawn(run_job(job, *env_, running_.token()));
    } catch (const std::bad_alloc&) {  // not started
      refuse(*job, std::make_error_code(std::errc::not_enough_memory));
    }
  }
}

void query_gate::shut() {
  std::vector<std::shared_ptr<query_job>> jobs;
  {
    const std::lock_guard lock(mutex_);
    owner_ = nullptr;
    jobs.swap(waiting_);
  }
  for (const std::shared_ptr<query_job>& job : jobs) refuse(*job, errc::closed);
}

task<void> query_gate::close() {
  shut();
  running_.request_stop();
  co_await running_.join();
}

}  // namespace lentic
