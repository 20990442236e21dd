// SPDX-License-Identifier: Apache-2.0
#pragma once

// mmap_store: the segments of one store in an environment, and its part of commit and recovery.
// Threads: the environment's owner.

#include "mmap_segment.hpp"

#include <lentic/store/segmented_store.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lentic::detail {

// A segment whose rows were frozen by a cut and wait to be written as a run.
struct seal_job {
  std::shared_ptr<mmap_segment> segment;
  std::uint64_t store = 0;
  std::uint64_t epoch = 0;       // of the segment at the freeze
  std::uint64_t generation = 0;  // of the run
  std::uint64_t sequence = 0;    // the frame that must be durable first
};

// A segment that might be sealed for lack of memory.
class mmap_store;
struct seal_candidate {
  mmap_store* store = nullptr;
  std::shared_ptr<mmap_segment> segment;
  std::uint64_t bytes = 0;
  std::uint64_t last_change = 0;
  std::uint64_t dirty_share = 0;  // of 1024
  bool is_small = false;
};

class mmap_store final : public segmented_store {
 public:
  mmap_store(segment_host& host, std::uint64_t id, std::string name, young_layout layout) noexcept
      : host_(&host), id_(id), name_(std::move(name)), layout_(layout) {}

  byte_store& segment(segment_id id) override;
  byte_store* find_segment(segment_id id) override;
  std::vector<segment_id> segments(segment_id lo, segment_id hi) const override;
  void seal_hint(segment_id id) override;
  maybe_ready<void> drop_below(segment_id id) override;
  segment_id drop_floor() const override { return floor_; }
  bool segments_touch() const noexcept override { return true; }

  std::uint64_t id() const noexcept { return id_; }
  const std::string& name() const noexcept { return name_; }
  young_layout layout() const noexcept { return layout_; }

  // Logs what is new; freezes the segments that want a seal and adds their jobs.
  void cut(payload_writer& to, log_point point, std::vector<seal_job>& jobs);
  // Right after its cut, or when nothing in it is dirty: its rows become a job.
  void freeze(const std::shared_ptr<mmap_segment>& segment, payload_writer& to, log_point point,
              std::vector<seal_job>& jobs);
  bool has_directory() const noexcept { return has_directory_; }
  void set_directory() noexcept { has_directory_ = true; }

  // Recovery.
  void set_declared() noexcept { declared_ = true; }
  void replay_drop_below(segment_id id);
  std::shared_ptr<mmap_segment>& replay_segment(segment_id id);
  std::map<segment_id, std::shared_ptr<mmap_segment>>& all() noexcept { return segments_; }

 private:
  segment_host* host_;
  std::uint64_t id_;
  std::string name_;
  young_layout layout_;
  mmap_segment* find(segment_id id) noexcept;

  std::map<segment_id, std::shared_ptr<mmap_segment>> segments_;
  mmap_segment* last_ = nullptr;  // the one that was found last, as most records are of now
  segment_id floor_ = 0;
  bool declared_ = false;
  bool drop_pending_ = false;
  bool has_directory_ = false;
};

}  // namespace lentic::detail
