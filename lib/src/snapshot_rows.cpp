// SPDX-License-Identifier: Apache-2.0
#include "snapshot_rows.hpp"

#include "row_layer.hpp"

#include <lentic/errc.hpp>

#include <utility>
#include <vector>

namespace lentic::detail {

namespace {

std::optional<value_view> answer(snapshot_layer& layer, const young_record& saved) {
  if (!saved.is_tombstone()) return layer.chain->views.hand_out(saved.value());
  layer.chain->views.expire();
  return std::nullopt;
}

[[noreturn]] void refuse() {
  fail(errc::read_only, "a snapshot");
}

// A cursor of the store as one layer among others.
class live_walk final : public layer_walk {
 public:
  explicit live_walk(cursor rows) : rows_(std::move(rows)) { fetch(); }

  const layer_row* current() const override { return at_ < block_.size() ? &row_ : nullptr; }

  void advance() override {
    if (++at_ < block_.size()) {
      stand();
    } else {
      fetch();
    }
  }

  // After a failure it asks again.
  task<void> load() override {
    maybe_ready<std::span<const row>> pending =
        pending_ ? std::move(*pending_) : maybe_ready<std::span<const row>>(rows_.next());
    pending_.reset();
    block_ = co_await std::move(pending);
  }

  void go_on() override {
    is_waiting_ = false;
    stand();
  }

 private:
  void fetch() {
    at_ = 0;
    block_ = {};
    maybe_ready<std::span<const row>> next = rows_.next();
    is_waiting_ = !next.ready();
    if (is_waiting_) {
      pending_.emplace(std::move(next));
    } else {
      block_ = next.take();
      stand();
    }
  }

  void stand() noexcept {
    if (at_ < block_.size()) row_ = {block_[at_].key, block_[at_].value, false};
  }

  cursor rows_;
  std::optional<maybe_ready<std::span<const row>>> pending_;
  std::span<const row> block_;
  std::size_t at_ = 0;
  layer_row row_;
};

// The store beyond a bound, up to the end that a cursor of the snapshot has.
class live_layer final : public row_layer {
 public:
  live_layer(const live_rows& live, const key_range& range) : live_(live) {
    if (range.lo) lo_ = to_bytes(*range.lo);
    if (range.hi) hi_ = to_bytes(*range.hi);
  }

  std::unique_ptr<layer_walk> walk(const walk_start& start) override {
    key_range rest;
    if (lo_) rest.lo = *lo_;
    if (hi_) rest.hi = *hi_;
    bytes behind;
    if (start.key && start.order == direction::backward) rest.hi = *start.key;
    if (start.key && start.order == direction::forward) {
      behind = to_bytes(*start.key);
      if (start.exclusive) behind.push_back(std::byte{0});
      rest.lo = behind;
    }
    return std::make_unique<live_walk>(live_.find()->range(rest, start.order));
  }

  bool is_there() const { return live_.find() != nullptr; }

 private:
  live_rows live_;
  std::optional<bytes> lo_;
  std::optional<bytes> hi_;
};

class snapshot_view final : public layered {
 public:
  snapshot_view(std::shared_ptr<snapshot_layer> layer, const live_rows& live,
                const key_range& range)
      : layer_(std::move(layer)), segment_(live.id), live_(live, range) {}

  std::vector<row_layer*> layers() override {
    layer_->chain->check(*layer_, segment_);
    std::vector<row_layer*> found;
    for (snapshot_layer* each = layer_.get(); each != nullptr; each = each->newer) {
      static_cast<void>(each->count());
      if (young_table* const rows = each->table(segment_)) found.push_back(rows);
    }
    if (live_.is_there()) found.push_back(&live_);
    return found;
  }
  std::optional<std::uint64_t> version() const override { return layer_->chain->version(); }

 private:
  std::shared_ptr<snapshot_layer> layer_;
  segment_id segment_;
  live_layer live_;
};

}  // namespace

snapshot_rows::~snapshot_rows() {
  if (role_ == role::handle) layer_->chain->end(*layer_, "it was closed");
}

maybe_ready<std::optional<value_view>> snapshot_rows::get(bytes_view key) {
  layer_->chain->check(*layer_, live_.id);
  const young_record* const saved = snapshot_chain::find(*layer_, live_.id, key);
  if (saved != nullptr) return answer(*layer_, *saved);
  byte_store* const live = live_.find();
  if (live == nullptr) return std::optional<value_view>();
  maybe_ready<std::optional<value_view>> pending = live->get(key);
  if (pending.ready()) return pending;
  return get_slowly(layer_, live_.id, to_bytes(key), std::move(pending));
}

task<std::optional<value_view>> snapshot_rows::get_slowly(
    std::shared_ptr<snapshot_layer> layer, segment_id segment, lentic::bytes key,
    maybe_ready<std::optional<value_view>> pending) {
  const std::optional<value_view> found = co_await std::move(pending);
  layer->chain->check(*layer, segment);
  const young_record* const saved = snapshot_chain::find(*layer, segment, key);
  if (saved != nullptr) co_return answer(*layer, *saved);
  co_return found;
}

maybe_ready<void> snapshot_rows::put(bytes_view, bytes_view) {
  refuse();
}
maybe_ready<bool> snapshot_rows::erase(bytes_view) {
  refuse();
}
maybe_ready<void> snapshot_rows::clear() {
  refuse();
}

cursor snapshot_rows::range(const key_range& range, direction order) {
  layer_->chain->check(*layer_, live_.id);
  auto view = std::make_shared<snapshot_view>(layer_, live_, range);
  snapshot_view& owner = *view;
  return make_merge_cursor(owner, range, order, std::move(view));
}

std::uint64_t snapshot_rows::approximate_count() const {
  layer_->chain->check(*layer_, live_.id);
  const byte_store* const live = live_.find();
  return live == nullptr ? 0 : live->approximate_count();
}

std::uint64_t snapshot_rows::size_bytes() const {
  layer_->chain->check(*layer_, live_.id);
  const byte_store* const live = live_.find();
  return live == nullptr ? 0 : live->size_bytes();
}

void snapshot_rows::prefetch(std::span<const bytes_view> keys) {
  layer_->chain->check(*layer_, live_.id);
  if (byte_store* const live = live_.find()) live->prefetch(keys);
}

bool snapshot_rows::expired() const noexcept {
  if (layer_->is_open()) layer_->chain->expire_aged();
  return !layer_->is_open();
}

}  // namespace lentic::detail
