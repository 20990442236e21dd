// SPDX-License-Identifier: Apache-2.0
#pragma once

// life: one process over the simulated disk: it opens the environment, compares all of it with the
// model, takes steps and ends: by a close, by the crash that the engine was told, or by one at the
// end of the steps. Errors: what breaks a promise is text in failure(); it does not throw.
// Threads: one. The model and the runtime outlive it.

#include "model.hpp"

#include <lentic/coro/sim_runtime.hpp>
#include <lentic/environment.hpp>
#include <lentic/testing/lives.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lentic::crash {

enum class act : std::uint8_t {
  put,
  erase,
  clear,
  seal,
  drop,
  position,
  output,
  acknowledge,
  cut,     // does not wait
  commit,  // waits until it is durable
  rest,    // a millisecond or more, for what goes on beside
  read,
  compact,  // of what was committed
};

// Segments count from the drop floor of the store.
struct step {
  act what = act::rest;
  unsigned store = 0;
  unsigned segment = 0;
  unsigned key = 0;
  unsigned bytes = 0;
  durability level = durability::synced;  // of a cut or a commit
};

using sim::ending;

class life {
 public:
  life(coro::sim_runtime& runtime, model& known, environment_options options)
      : runtime_(&runtime), model_(&known), options_(std::move(options)) {}

  void run(const std::vector<step>& steps, ending how);
  // Empty when all promises held.
  const std::string& failure() const noexcept { return failure_; }

 private:
  task<void> open();
  task<void> live(const std::vector<step>& steps);
  task<void> take(step next);
  task<void> wait_for(commit_sequence sequence, durability level);
  task<void> change(step next);
  task<void> read_one(step next);
  task<void> compare();
  task<void> compare_segment(std::size_t store, segment_id id, const segment_rows& expected);
  task<void> compare_digest(std::size_t store, segment_id id, const segment_rows& expected);
  void compare_positions();
  void compare_outbox();
  void end(ending how);
  void promise();
  segmented_store& store_at(std::size_t store);
  store_model& model_at(std::size_t store) { return model_->now.stores.at(store); }
  void broken(const std::string& what);

  coro::sim_runtime* runtime_;
  model* model_;
  environment_options options_;
  std::unique_ptr<environment> env_;
  std::string failure_;
};

}  // namespace lentic::crash
