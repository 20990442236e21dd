// SPDX-License-Identifier: Apache-2.0
#pragma once

// windowed_aggregate_node: a windowed_aggregation as a node of a topology, over a window store of
// its name in the environment. Built by windowed_by.hpp; in the task it offers, under that name,
// window_store, windowed_aggregation (clocks, counters, open windows) and aggregate_counters.
//
// A record without a key is passed over and counted; a record without a value is aggregated (as in
// Kafka), except by reduce, which needs one.
//
// Threads: one, the task's. Lifetime: the topology's; what it offers is there from open() on.
// Suspension: what is in memory is ready: no frame, and no allocation once buffers have grown.
// Errors: record_rejected for what windowed_aggregation::process() answers: an error of the update,
// a negative timestamp, a key or value that is too large; then nothing has changed.
// errc::store_mismatch when the state was written with other windows. What the store throws.
// Durability: the task's commits, clocks and counters included.

#include <lentic/coro/borrowed.hpp>
#include <lentic/process/node.hpp>
#include <lentic/process/outlet.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/serde.hpp>
#include <lentic/process/task_context.hpp>
#include <lentic/process/updates.hpp>
#include <lentic/task.hpp>
#include <lentic/timestamped_value.hpp>
#include <lentic/windows/caching_window_store.hpp>
#include <lentic/windows/key_schema.hpp>
#include <lentic/windows/segmented_window_store.hpp>
#include <lentic/windows/windowed.hpp>
#include <lentic/windows/windowed_aggregation.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lentic::windows {

namespace detail {

// What does not depend on types: stores, metadata, expiry.
class windowed_aggregate_base : public process::state_store,
                                public process::offers<window_store>,
                                public process::offers<windowed_aggregation>,
                                public process::offers<process::aggregate_counters>,
                                private change_listener {
 public:
  windowed_aggregate_base(std::string store, const window_definition& windows, emit_strategy emit);

  task<void> open(process::task_context& context) override;
  maybe_ready<void> flush(coro::stop_token stop) override;
  task<void> save(process::task_metadata& to) override;
  window_store& offered(window_store*) override { return *store_; }
  windowed_aggregation& offered(windowed_aggregation*) override { return *aggregation_; }
  process::aggregate_counters& offered(process::aggregate_counters*) override { return counters_; }

 protected:
  // The cache tells the changes, later.
  bool is_cached() const noexcept { return cache_ != nullptr; }
  bool emits_on_close() const noexcept { return emit_ == emit_strategy::on_close; }
  [[noreturn]] void refuse(std::error_code why) const;
  // What a cache tells. Throw errc::damaged.
  window_key key_of(bytes_view raw) const;
  timestamped_value stored_of(bytes_view raw) const;
  void drop_null() noexcept;
  // Lets the store drop what is past its retention, once a segment.
  maybe_ready<void> expire_now_and_then();

  process::task_context* context_ = nullptr;
  window_store* store_ = nullptr;
  std::unique_ptr<windowed_aggregation> aggregation_;
  bytes key_;

 private:
  bytes encode_state() const;
  task<void> restore(bytes_view raw);
  task<void> flush_cold(maybe_ready<std::uint64_t> pending);

  std::unique_ptr<segmented_window_store> stored_;
  std::unique_ptr<caching_window_store> cache_;
  window_definition definition_;
  emit_strategy emit_;
  process::aggregate_counters counters_;
  std::int64_t next_expiry_ms_ = 0;  // stream time
};

// One window's new accumulator; `told` takes old and new when the change is to be sent on.
template <class Record, class Update>
class typed_accumulate {
 public:
  using value_type = typename Update::template type<Record>;
  static_assert(!coro::is_borrowed<value_type>,
                "an aggregate is stored and sent on: let it own its bytes, not view them");
  static constexpr bool needs_value = requires { Update::needs_value; };

  explicit typed_accumulate(Update update) : update_(std::move(update)) {}

  result<void> operator()(const Record& next, std::optional<bytes_view> old, bytes& out,
                          process::change_of<value_type>& told) {
    told.old_value.reset();
    if (old) told.old_value = process::serde<value_type>::decode(*old).value();
    auto now = update_(next, std::optional<value_type>(told.old_value));
    if (!now) return now.error();
    process::serde<value_type>::encode(*now, out);
    told.new_value = std::move(*now);
    return {};
  }

 private:
  Update update_;
};

template <class Record, class F>
class bytes_accumulate {
 public:
  using value_type = bytes;
  static constexpr bool needs_value = false;

  explicit bytes_accumulate(F f) : f_(std::move(f)) {}

  result<void> operator()(const Record& next, std::optional<bytes_view> old, bytes& out,
                          process::change_of<bytes>& told) {
    const result<void> done = f_(old, next, out);
    if (!done) return done;
    hold(told.old_value, old);
    hold(told.new_value, bytes_view(out));
    return {};
  }

 private:
  static void hold(std::optional<bytes>& to, std::optional<bytes_view> from) {
    if (!from) {
      to.reset();
    } else if (to) {
      to->assign(from->begin(), from->end());
    } else {
      to.emplace(from->begin(), from->end());
    }
  }

  F f_;
};

template <class K, class V, class Accumulate>
class windowed_aggregate_node final : public windowed_aggregate_base {
 public:
  using record_type = process::record<K, V>;
  using inner_key = process::detail::present_t<K>;
  using output_key = windowed<inner_key>;
  using output_value = typename Accumulate::value_type;

  windowed_aggregate_node(std::string store, const window_definition& windows, emit_strategy emit,
                          Accumulate accumulate)
      : windowed_aggregate_base(std::move(store), windows, emit),
        update_(std::move(accumulate)),
        emit_closed_(*this) {}

  process::outlet<output_key, process::change_of<output_value>>& out() noexcept { return out_; }

  maybe_ready<void> process(record_type& next) {
    if (is_incomplete(next)) {
      drop_null();
      return {};
    }
    key_.clear();
    process::serde<inner_key>::encode(process::detail::held(next.key), key_);
    update_.start(next);
    maybe_ready<result<aggregation_outcome>> done =
        aggregation_->process(key_, next.timestamp_ms, update_);
    if (!done.ready()) return process_cold(next, std::move(done));
    return applied(next, done.take());
  }

 private:
  using change_record = process::record<output_key, process::change_of<output_value>>;

  // Called by the aggregation for each window of the record; keeps what has changed.
  class update_one {
   public:
    explicit update_one(Accumulate accumulate) : accumulate_(std::move(accumulate)) {}
    void start(const record_type& next) noexcept {
      next_ = &next;
      count_ = 0;
    }
    result<void> operator()(std::optional<bytes_view> old, bytes& out) {
      if (count_ == changes_.size()) changes_.emplace_back();
      return accumulate_(*next_, old, out, changes_[count_++]);
    }
    process::change_of<output_value>& change(std::size_t index) noexcept { return changes_[index]; }

   private:
    Accumulate accumulate_;
    const record_type* next_ = nullptr;
    std::size_t count_ = 0;
    std::vector<process::change_of<output_value>> changes_;
  };

  class emit_closed {
   public:
    explicit emit_closed(windowed_aggregate_node& owner) noexcept : owner_(&owner) {}
    maybe_ready<void> operator()(const window_result& window) const {
      return owner_->send_closed(window);
    }

   private:
    windowed_aggregate_node* owner_;
  };

  static bool is_incomplete(const record_type& next) noexcept {
    if (process::detail::is_null(next.key)) return true;
    return Accumulate::needs_value && process::detail::is_null(next.value);
  }

  maybe_ready<void> applied(record_type& next, const result<aggregation_outcome>& done) {
    if (!done) refuse(done.error());
    context_->will_change();
    if (is_cached()) return expire_now_and_then();
    if (!emits_on_close()) return send_from(0, next);
    if (done->closed_now == 0) return {};
    maybe_ready<void> sent = aggregation_->for_each_closed(emit_closed_);
    if (!sent.ready()) return expire_after(std::move(sent));
    return aggregation_->expire();
  }

  // Sends what has changed, window by window.
  maybe_ready<void> send_from(std::size_t index, record_type& next) {
    for (; index < aggregation_->updated().size() && !out_.empty(); ++index) {
      maybe_ready<void> sent = send_change(index, next);
      if (!sent.ready()) return send_cold(index, next, std::move(sent));
    }
    return expire_now_and_then();
  }

  maybe_ready<void> send_change(std::size_t index, record_type& next) {
    const std::int64_t start_ms = aggregation_->updated()[index];
    change_.context() = next.context();
    change_.timestamp_ms = aggregation_->updated_value(index).timestamp_ms;
    change_.key.key = process::detail::held(next.key);
    set_window(start_ms);
    change_.value = update_.change(index);
    return out_.forward(change_);
  }

  maybe_ready<void> send_closed(const window_result& window) {
    if (out_.empty()) return {};
    change_.context() = context_->current();
    change_.timestamp_ms = window.timestamp_ms;
    change_.key.key = process::serde<inner_key>::decode(window.key).value();
    set_window(window.start_ms);
    change_.value.old_value.reset();
    change_.value.new_value = process::serde<output_value>::decode(window.value).value();
    return out_.forward(change_);
  }

  maybe_ready<void> on_change(const change& told) override {
    if (out_.empty()) return {};
    change_.context() = *told.context;
    const window_key place = key_of(told.key);
    change_.key.key = process::serde<inner_key>::decode(place.key).value();
    set_window(place.start_ms);
    take_value(told.old_value, change_.value.old_value);
    change_.timestamp_ms = told.context->timestamp_ms;
    take_value(told.new_value, change_.value.new_value);
    process::detail::told_context as_told(*context_, *told.context);
    maybe_ready<void> sent = out_.forward(change_);
    if (!sent.ready()) return wait_told(*told.context, as_told.changed_before(), std::move(sent));
    as_told.arrived();
    return {};
  }
  task<void> wait_told(const record_context& cause, bool changed_before,
                       maybe_ready<void> pending) {
    process::detail::told_context as_told(*context_, cause, changed_before);
    co_await std::move(pending);
    as_told.arrived();
  }
  // The timestamp of a change is that of its new value; of a deletion, that of its cause.
  void take_value(const std::optional<bytes_view>& raw, std::optional<output_value>& to) {
    to.reset();
    if (!raw) return;
    const timestamped_value stored = stored_of(*raw);
    change_.timestamp_ms = stored.timestamp_ms;
    to = process::serde<output_value>::decode(stored.value).value();
  }

  void set_window(std::int64_t start_ms) noexcept {
    change_.key.start_ms = start_ms;
    change_.key.end_ms = aggregation_->windows().end_ms(start_ms);
  }

  task<void> process_cold(record_type& next, maybe_ready<result<aggregation_outcome>> pending) {
    const result<aggregation_outcome> done = co_await std::move(pending);
    co_await applied(next, done);
  }
  task<void> send_cold(std::size_t index, record_type& next, maybe_ready<void> pending) {
    for (;;) {
      co_await std::move(pending);
      if (++index == aggregation_->updated().size()) break;
      pending = send_change(index, next);
    }
    co_await expire_now_and_then();
  }
  task<void> expire_after(maybe_ready<void> sent) {
    co_await std::move(sent);
    co_await aggregation_->expire();
  }

  update_one update_;
  emit_closed emit_closed_;
  change_record change_;
  process::outlet<output_key, process::change_of<output_value>> out_;
};

}  // namespace detail

}  // namespace lentic::windows
