// SPDX-License-Identifier: Apache-2.0
#include "mmap_store.hpp"

#include <lentic/errc.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace lentic::detail {

byte_store& mmap_store::segment(segment_id id) {
  if (id < floor_)
    fail(errc::invalid_argument, "segment " + std::to_string(id) + " of " + name_ + " was dropped");
  mmap_segment* const found = find(id);
  return found != nullptr ? *found : *replay_segment(id);
}

mmap_segment* mmap_store::find(segment_id id) noexcept {
  if (last_ != nullptr && last_->id() == id) return last_;
  const auto found = segments_.find(id);
  if (found == segments_.end()) return nullptr;
  last_ = found->second.get();
  return last_;
}

byte_store* mmap_store::find_segment(segment_id id) {
  return find(id);
}

std::vector<segment_id> mmap_store::segments(segment_id lo, segment_id hi) const {
  std::vector<segment_id> ids;
  for (auto at = segments_.lower_bound(lo); at != segments_.end() && at->first < hi; ++at)
    ids.push_back(at->first);
  return ids;
}

void mmap_store::seal_hint(segment_id id) {
  const auto found = segments_.find(id);
  if (found != segments_.end() && host_->is_durable()) found->second->want_seal();
}

maybe_ready<void> mmap_store::drop_below(segment_id id) {
  if (id <= floor_) return {};
  host_->check_writable();
  floor_ = id;
  drop_pending_ = host_->is_durable();
  last_ = nullptr;
  const auto end = segments_.lower_bound(id);
  for (auto at = segments_.begin(); at != end; ++at) at->second->drop();
  segments_.erase(segments_.begin(), end);
  return {};
}

void mmap_store::cut(payload_writer& to, log_point point, std::vector<seal_job>& jobs) {
  if (!declared_) to.store(id_, as_bytes(name_), layout_);
  declared_ = true;
  if (drop_pending_) to.drop_below(id_, floor_);
  drop_pending_ = false;
  for (auto& [id, segment] : segments_) {
    segment->cut(to, point);
    if (segment->wants_seal(point.sequence) && !segment->is_frozen())
      freeze(segment, to, point, jobs);
  }
}

void mmap_store::freeze(const std::shared_ptr<mmap_segment>& segment, payload_writer& to,
                        log_point point, std::vector<seal_job>& jobs) {
  const std::uint64_t generation = segment->generation() + 1;
  jobs.push_back({segment, id_, segment->epoch(), generation, point.sequence});
  try {
    segment->freeze(to, generation);
  } catch (...) {  // what is frozen has a job, and the other way round
    jobs.pop_back();
    throw;
  }
}

void mmap_store::replay_drop_below(segment_id id) {
  floor_ = std::max(floor_, id);
  last_ = nullptr;
  segments_.erase(segments_.begin(), segments_.lower_bound(floor_));
}

std::shared_ptr<mmap_segment>& mmap_store::replay_segment(segment_id id) {
  const auto found = segments_.find(id);
  if (found != segments_.end()) return found->second;
  auto made = std::make_shared<mmap_segment>(*host_, id_, id, layout_);
  return segments_.emplace(id, std::move(made)).first->second;
}

}  // namespace lentic::detail
