// SPDX-License-Identifier: Apache-2.0
#pragma once

// task_rig: a topology that runs in an environment on a simulated disk, or in memory, for tests
// that feed it records one at a time and look at what comes out. restart() ends the life as a crash
// does and opens the state again with the topology that `build` makes.
//
// Threads: the test's. Lifetime: what the topology's functions refer to outlives the rig. Errors:
// calls throw what the task throws.

#include <lentic/coro/sim_disk.hpp>
#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/process/stream_task.hpp>
#include <lentic/task.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lentic::test {

enum class keeps { memory, disk };

class task_rig {
 public:
  using builder = std::function<process::topology()>;

  explicit task_rig(builder build, keeps where = keeps::memory,
                    process::stream_task_options options = {})
      : build_(std::move(build)), where_(where), options_(std::move(options)) {
    open();
  }
  ~task_rig() { crash(); }
  task_rig(const task_rig&) = delete;
  task_rig& operator=(const task_rig&) = delete;

  process::stream_task& job() noexcept { return *job_; }
  environment& env() noexcept { return *env_; }
  coro::sim_runtime& runtime() noexcept { return *runtime_; }

  template <class K, class V>
  void feed(std::string_view source, K key, V value, std::int64_t timestamp_ms) {
    process::record<K, V> next(std::move(key), std::move(value), timestamp_ms);
    feed(source, std::move(next));
  }
  template <class K, class V>
  void feed(std::string_view source, process::record<K, V> next) {
    sync_wait(*runtime_, job_->process(job_->template source_of<K, V>(source), next));
  }
  void commit() { sync_wait(*runtime_, job_->commit()); }
  template <class T>
  T wait(task<T> work) {
    return sync_wait(*runtime_, std::move(work));
  }

  void restart() {
    crash();
    open();
  }
  // The output of all commits that were not acknowledged.
  std::string output() const {
    std::string text;
    for (auto batch = env_->next_output(0); batch; batch = env_->next_output(batch->sequence))
      text += as_text(batch->output);
    return text;
  }

 private:
  void open() {
    runtime_ = std::make_unique<coro::sim_runtime>(disk_, ++lives_);
    environment_options options;
    if (where_ == keeps::disk) options.directory = "state";
    env_ = sync_wait(*runtime_, environment::open(*runtime_, std::move(options)));
    try {
      job_ = std::make_unique<process::stream_task>(*env_, build_(), options_);
      sync_wait(*runtime_, job_->open());
    } catch (...) {
      crash();
      throw;
    }
  }
  // Nothing that is not committed reaches the disk.
  void crash() {
    if (!env_) return;
    sync_wait(*runtime_, env_->close());
    job_.reset();
    env_.reset();
    runtime_.reset();
  }

  builder build_;
  keeps where_;
  process::stream_task_options options_;
  coro::sim_disk disk_{1};
  std::uint64_t lives_ = 0;
  std::unique_ptr<coro::sim_runtime> runtime_;
  std::unique_ptr<environment> env_;
  std::unique_ptr<process::stream_task> job_;
};

}  // namespace lentic::test
