// SPDX-License-Identifier: Apache-2.0
#include "handed_views.hpp"
#include "limits.hpp"
#include "row_layer.hpp"
#include "touch_log.hpp"
#include "young_table.hpp"

#include <lentic/errc.hpp>
#include <lentic/store/memory_store.hpp>

#include <utility>

namespace lentic {

// The table, which clear() replaces under a cursor. A row that is touched leaves a tombstone until
// it is told.
class memory_store::layer final : public detail::layered, public touching_store {
 public:
  explicit layer(young_layout layout) : table(std::make_unique<detail::young_table>(layout)) {}
  ~layer() { replace(nullptr); }

  std::vector<detail::row_layer*> layers() override { return {table.get()}; }
  touch_answer put_touching(bytes_view key, bytes_view value, const touch_call& call) override;
  touch_answer erase_touching(bytes_view key, const touch_call& call) override;
  task<void> make_room(bytes_view, std::uint64_t) override { co_return; }  // is never full
  bool erase(bytes_view key);
  void replace(std::unique_ptr<detail::young_table> fresh) noexcept {
    touched.drop_rows();
    touched.keep(std::exchange(table, std::move(fresh)));
  }

  std::unique_ptr<detail::young_table> table;
  detail::touch_source touched{table, detail::tombstones::removed};
  detail::handed_views views;
};

touch_answer memory_store::layer::put_touching(bytes_view key, bytes_view value,
                                               const touch_call& call) {
  const detail::expiring_views ends(views);
  detail::check_limits(key, value);
  const detail::young_table::look seen = table->look_for(key);
  detail::touch_source::change change(touched, call);
  change.prepare(seen.record);
  change.land(table->put(seen, key, value));
  return {.was_touched = change.was_touched()};
}

touch_answer memory_store::layer::erase_touching(bytes_view key, const touch_call& call) {
  const detail::expiring_views ends(views);
  const detail::young_table::look seen = table->look_for(key);
  if (seen.record == nullptr) return {};
  const bool existed = !seen.record->is_tombstone();
  detail::touch_source::change change(touched, call);
  change.prepare(seen.record);
  if (existed) {
    change.land(table->entomb(seen, key));
  } else {
    change.land_nothing();
  }
  return {.was_touched = change.was_touched(), .existed = existed};
}

bool memory_store::layer::erase(bytes_view key) {
  const detail::expiring_views ends(views);
  const detail::young_table::look seen = table->look_for(key);
  if (seen.record == nullptr || seen.record->is_tombstone()) return false;
  if (seen.record->is_touched()) {
    table->entomb(seen, key);
  } else {
    table->remove(*seen.record);
  }
  return true;
}

memory_store::memory_store(young_layout layout) : layer_(std::make_unique<layer>(layout)) {}
memory_store::~memory_store() = default;

maybe_ready<std::optional<value_view>> memory_store::get(bytes_view key) {
  const detail::young_record* const found = layer_->table->find(key);
  if (found != nullptr && !found->is_tombstone())
    return std::optional<value_view>(layer_->views.hand_out(found->value()));
  layer_->views.expire();
  return std::optional<value_view>();
}

maybe_ready<void> memory_store::put(bytes_view key, bytes_view value) {
  const detail::expiring_views ends(layer_->views);
  detail::check_limits(key, value);
  layer_->table->put(key, value);
  return {};
}

maybe_ready<bool> memory_store::erase(bytes_view key) {
  return layer_->erase(key);
}

cursor memory_store::range(const key_range& range, direction order) {
  const detail::expiring_views ends(layer_->views);
  return detail::make_merge_cursor(*layer_, range, order);
}

maybe_ready<void> memory_store::clear() {
  layer_->views.expire();
  layer_->replace(std::make_unique<detail::young_table>(layer_->table->layout()));
  return {};
}

touching_store* memory_store::touching() noexcept {
  return layer_.get();
}

std::uint64_t memory_store::approximate_count() const {
  return layer_->table->live_count();
}
std::uint64_t memory_store::size_bytes() const {
  return layer_->table->live_bytes();
}

byte_store& memory_segments::segment(segment_id id) {
  if (id < floor_) fail(errc::invalid_argument, "segment " + std::to_string(id) + " was dropped");
  return segments_.try_emplace(id, layout_).first->second;
}

byte_store* memory_segments::find_segment(segment_id id) {
  const auto found = segments_.find(id);
  return found == segments_.end() ? nullptr : &found->second;
}

std::vector<segment_id> memory_segments::segments(segment_id lo, segment_id hi) const {
  std::vector<segment_id> ids;
  for (auto at = segments_.lower_bound(lo); at != segments_.end() && at->first < hi; ++at)
    ids.push_back(at->first);
  return ids;
}

void memory_segments::seal_hint(segment_id) {}  // nothing is written out

maybe_ready<void> memory_segments::drop_below(segment_id id) {
  if (id <= floor_) return {};
  floor_ = id;
  segments_.erase(segments_.begin(), segments_.lower_bound(id));
  return {};
}

}  // namespace lentic
