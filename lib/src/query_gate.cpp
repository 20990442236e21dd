// SPDX-License-Identifier: Apache-2.0
#include <lentic/coro/runtime.hpp>
#include <lentic/errc.hpp>
#include <lentic/query_gate.hpp>

#include <cassert>
#include <utility>

namespace lentic {

namespace {

// Keeps the job alive while it runs.
task<void> run_job(std::shared_ptr<query_job> job, environment& env, coro::stop_token closing) {
  co_await job->run(env, closing);
}

}  // namespace

query_gate::query_gate(coro::runtime& owner) : owner_(&owner), running_(owner.queue()) {}

// While the gate is open its runtime lives: it is posted to under the lock, which shut() takes.
void query_gate::submit(std::shared_ptr<query_job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (owner_ != nullptr) {
      waiting_.push_back(std::move(job));
      if (waiting_.size() == 1) {
        owner_->post([gate = shared_from_this()] { gate->run_waiting(); });
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
  for (std::shared_ptr<query_job>& job : jobs) {
    running_.spawn(run_job(std::move(job), *env_, running_.token()));
  }
}

void query_gate::shut() {
  std::vector<std::shared_ptr<query_job>> jobs;
  {
    const std::lock_guard lock(mutex_);
    owner_ = nullptr;
    jobs.swap(waiting_);
  }
  for (const std::shared_ptr<query_job>& job : jobs) job->refuse(errc::closed);
}

task<void> query_gate::close() {
  shut();
  running_.request_stop();
  co_await running_.join();
}

}  // namespace lentic
