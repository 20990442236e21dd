// SPDX-License-Identifier: Apache-2.0
#include "store_worlds.hpp"

#include <limits>

namespace lentic::test {

void prefixed_world::settle() {
  segments_ = sync_wait(life_, prefixed_segments::open(rows_));
}

environment_world::environment_world(aging how) : how_(how) {
  open();
}

environment_world::~environment_world() {
  close();
}

void environment_world::open() {
  environment_options options;
  if (how_ != aging::in_memory) options.directory = "state";
  options.journal_file_bytes_max = 64 << 10;
  options.journal_growth_bytes = 16 << 10;
  options.journal_bytes_kept = 128 << 10;
  life_ = std::make_unique<coro::sim_runtime>(disk_, ++lives_);
  env_ = sync_wait(*life_, environment::open(*life_, std::move(options)));
}

void environment_world::close() {
  sync_wait(*life_, env_->close());
  env_.reset();
}

void environment_world::commit() {
  sync_wait(*life_, env_->commit());
}

void environment_world::let_work() {
  while (life_->turn()) {
  }
}

void environment_world::settle() {
  constexpr segment_id last = std::numeric_limits<segment_id>::max();
  if (how_ == aging::run || how_ == aging::reopened_run) {
    for (const segment_id id : segments().segments(0, last)) segments().seal_hint(id);
  }
  commit();
  let_work();
  if (how_ != aging::reopened_journal && how_ != aging::reopened_run) return;
  close();
  open();
}

}  // namespace lentic::test
