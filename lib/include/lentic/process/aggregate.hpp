// SPDX-License-Identifier: Apache-2.0
#pragma once

// Aggregates over all time: group_by_key() | count("name") and its like (updates.hpp) over a byte
// store of that name in the environment, after Kafka's KStreamAggregate. Answers the table of
// changes.
//
// Stored is key -> timestamp, aggregate (timestamped_value.hpp), each with the bytes of its serde.
// The timestamp is the greatest of the key's records. A record without key or value (an empty
// std::optional) is passed over and counted. Under its name the task offers byte_store and
// aggregate_counters.
//
// Threads: one. Lifetime: the topology's. Suspension: ready when the store's answer is; no
// allocation once buffers have grown. Errors: record_rejected from the update; errc::damaged for
// stored bytes that do not decode; what the store throws. Durability: the task's commits.

#include <lentic/cache/caching_store.hpp>
#include <lentic/coro/borrowed.hpp>
#include <lentic/errc.hpp>
#include <lentic/process/group.hpp>
#include <lentic/process/node.hpp>
#include <lentic/process/outlet.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/record_rejected.hpp>
#include <lentic/process/serde.hpp>
#include <lentic/process/task_context.hpp>
#include <lentic/process/updates.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/task.hpp>
#include <lentic/timestamped_value.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace lentic::process {

namespace detail {

// What does not depend on types: the store, its metadata, and what is stored.
class aggregate_base : public state_store,
                       public offers<byte_store>,
                       public offers<aggregate_counters>,
                       private change_listener {
 public:
  using state_store::state_store;

  task<void> open(task_context& context) override;
  maybe_ready<void> flush(coro::stop_token stop) override;
  task<void> save(task_metadata& to) override;
  byte_store& offered(byte_store*) override { return *store_; }
  aggregate_counters& offered(aggregate_counters*) override { return counters_; }

 protected:
  timestamped_value stored_of(bytes_view raw) const;
  // The cache tells the changes, later.
  bool is_cached() const noexcept { return cache_ != nullptr; }
  // Throws what a failed update means.
  [[noreturn]] void refuse(std::error_code why) const;
  void drop_null() noexcept { ++counters_.null_dropped; }

  task_context* context_ = nullptr;
  byte_store* store_ = nullptr;
  bytes key_;
  bytes value_;

 private:
  task<void> flush_cold(maybe_ready<std::uint64_t> pending);

  std::unique_ptr<caching_store> cache_;
  aggregate_counters counters_;
};

template <class K, class V, class Update>
class aggregate_node final : public aggregate_base {
 public:
  using record_type = record<K, V>;
  using stored_key = present_t<K>;
  using stored_value = typename Update::template type<record_type>;
  static_assert(!coro::is_borrowed<stored_value>,
                "an aggregate is stored and sent on: let it own its bytes, not view them");

  aggregate_node(std::string store, Update update)
      : aggregate_base(std::move(store)), update_(std::move(update)) {}

  outlet<stored_key, change_of<stored_value>>& out() noexcept { return out_; }

  maybe_ready<void> process(record_type& next) {
    if (is_null(next.key) || is_null(next.value)) {
      context_->will_change();
      drop_null();
      return {};
    }
    key_.clear();
    serde<stored_key>::encode(held(next.key), key_);
    maybe_ready<std::optional<value_view>> found = store_->get(key_);
    if (!found.ready()) return process_cold(next, std::move(found));
    return apply(next, found.take());
  }

 private:
  maybe_ready<void> apply(record_type& next, const std::optional<value_view>& raw) {
    change_.timestamp_ms = next.timestamp_ms;
    change_.value.old_value.reset();
    if (raw) {
      const timestamped_value stored = stored_of(*raw);
      change_.timestamp_ms = std::max(next.timestamp_ms, stored.timestamp_ms);
      change_.value.old_value = serde<stored_value>::decode(stored.value).value();
    }
    auto now = update_(std::as_const(next), std::optional<stored_value>(change_.value.old_value));
    if (!now) refuse(now.error());
    change_.value.new_value = std::move(*now);
    value_.clear();
    append(value_, timestamped_value{change_.timestamp_ms, {}});
    serde<stored_value>::encode(*change_.value.new_value, value_);
    if (value_.size() > value_bytes_max || key_.size() > key_bytes_max)
      refuse(make_error_code(errc::too_large));
    context_->will_change();
    maybe_ready<void> put = store_->put(key_, value_);
    if (!put.ready()) return send_cold(next, std::move(put));
    return send(next);
  }

  maybe_ready<void> send(record_type& next) {
    if (out_.empty() || is_cached()) return {};
    change_.origin = next.origin;
    change_.headers = std::move(next.headers);
    if constexpr (is_optional<K>)
      change_.key = std::move(*next.key);
    else
      change_.key = std::move(next.key);
    return out_.forward(change_);
  }

  maybe_ready<void> on_change(const change& told) override {
    if (out_.empty()) return {};
    change_.context() = *told.context;
    change_.key = serde<stored_key>::decode(told.key).value();
    take_value(told.old_value, change_.value.old_value);
    change_.timestamp_ms = told.context->timestamp_ms;
    take_value(told.new_value, change_.value.new_value);
    told_context as_told(*context_, *told.context);
    maybe_ready<void> sent = out_.forward(change_);
    if (!sent.ready()) return wait_told(*told.context, as_told.changed_before(), std::move(sent));
    as_told.arrived();
    return {};
  }
  task<void> wait_told(const record_context& cause, bool changed_before,
                       maybe_ready<void> pending) {
    told_context as_told(*context_, cause, changed_before);
    co_await std::move(pending);
    as_told.arrived();
  }
  // The timestamp of a change is that of its new value; of a deletion, that of its cause.
  void take_value(const std::optional<bytes_view>& raw, std::optional<stored_value>& to) {
    to.reset();
    if (!raw) return;
    const timestamped_value stored = stored_of(*raw);
    change_.timestamp_ms = stored.timestamp_ms;
    to = serde<stored_value>::decode(stored.value).value();
  }

  task<void> process_cold(record_type& next, maybe_ready<std::optional<value_view>> pending) {
    const std::optional<value_view> raw = co_await std::move(pending);
    co_await apply(next, raw);
  }
  task<void> send_cold(record_type& next, maybe_ready<void> put) {
    co_await std::move(put);
    co_await send(next);
  }

  Update update_;
  record<stored_key, change_of<stored_value>> change_;
  outlet<stored_key, change_of<stored_value>> out_;
};

}  // namespace detail

template <class K, class V, class Chain, class Update>
auto aggregated(stream<K, V, Chain> from, update_operator<Update> op) {
  using node_type = detail::aggregate_node<K, V, Update>;
  graph& owner = from.owner();
  std::string store = owner.store_name(Update::kind, op.store);
  const std::size_t self =
      owner.describe(Update::kind, {}, {from.last_operator()}, at_end::allowed);
  auto& made =
      owner.add_store_node(std::make_unique<node_type>(std::move(store), std::move(op.what)), self);
  std::move(from).end_with(detail::into_node(made));
  return table<typename node_type::stored_key, typename node_type::stored_value>(owner, self,
                                                                                 made.out());
}

template <class K, class V, class Chain, class Update>
auto operator|(grouped_stream<K, V, Chain>&& from, update_operator<Update> op) {
  return aggregated(std::move(from.records), std::move(op));
}
template <class K, class V, class Chain, class Update>
auto operator|(const grouped_stream<K, V, Chain>& from, update_operator<Update> op) {
  return aggregated(from.records.fan_out(), std::move(op));
}

}  // namespace lentic::process
