// SPDX-License-Identifier: Apache-2.0
#pragma once

// processor: an operator of your own, with state, after Kafka's Processor API.
//
//   class deduplicate : public processor<std::string, order, std::string, order> {
//    public:
//     task<void> init(processor_context<std::string, order>& context) override {
//       context_ = &context;
//       seen_ = &context.store<byte_store>("seen");
//       co_return;
//     }
//     maybe_ready<void> process(record<std::string, order>& next) override;
//     ...
//   work.add_store(std::make_unique<stored_bytes>("seen"));
//   orders | process([] { return std::make_unique<deduplicate>(); }, "seen") | ...
//
// A processor may refuse a record with record_rejected before it has changed or forwarded anything.
// What it has changed before it forwards cannot be seen from here: a record that is refused behind
// it poisons the task.
//
// Threads: one, the task's. Lifetime: the topology owns the processor; the context is valid from
// init() to close(); records it is given or forwards live until the answer is ready. Suspension:
// process() answers a task when it must wait. Errors: what it throws poisons the task.

#include <lentic/process/node.hpp>
#include <lentic/process/outlet.hpp>
#include <lentic/process/record.hpp>
#include <lentic/process/stream.hpp>
#include <lentic/process/task_context.hpp>
#include <lentic/store/byte_store.hpp>
#include <lentic/store/segmented_store.hpp>
#include <lentic/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lentic::process {

template <class K, class V>
class processor_context {
 public:
  processor_context(task_context& owner, outlet<K, V>& out) noexcept : owner_(&owner), out_(&out) {}

  // Sends a record downstream, which may take it apart.
  maybe_ready<void> forward(record<K, V>& next) {
    owner_->will_change();
    return out_->forward(next);
  }
  template <class T>
  T& store(std::string_view name) {
    return owner_->store<T>(name);
  }
  std::int64_t stream_time_ms() const noexcept { return owner_->stream_time_ms(); }
  const record_context& current() const noexcept { return owner_->current(); }
  coro::stop_token stop() const noexcept { return owner_->stop(); }
  task_context& owner() noexcept { return *owner_; }

 private:
  task_context* owner_;
  outlet<K, V>* out_;
};

template <class KIn, class VIn, class KOut, class VOut>
class processor {
 public:
  using input = record<KIn, VIn>;
  using output_key = KOut;
  using output_value = VOut;
  using context_type = processor_context<KOut, VOut>;

  processor() = default;
  processor(const processor&) = delete;
  processor& operator=(const processor&) = delete;
  virtual ~processor() = default;

  // Once, after the stores are open.
  virtual task<void> init(context_type&) { co_return; }
  virtual maybe_ready<void> process(record<KIn, VIn>& next) = 0;
  // Before a commit: sends on what it holds back. See node::flush.
  virtual maybe_ready<void> flush(coro::stop_token) { return {}; }
  virtual task<void> close() { co_return; }
};

// Stores of the environment for processors to share, by name: offers<byte_store> and
// offers<segmented_store>.
class stored_bytes final : public state_store, public offers<byte_store> {
 public:
  using state_store::state_store;
  task<void> open(task_context& context) override;
  byte_store& offered(byte_store*) override { return *store_; }

 private:
  byte_store* store_ = nullptr;
};

class stored_segments final : public state_store, public offers<segmented_store> {
 public:
  using state_store::state_store;
  task<void> open(task_context& context) override;
  segmented_store& offered(segmented_store*) override { return *store_; }

 private:
  segmented_store* store_ = nullptr;
};

namespace detail {

template <class Processor>
class processor_node final : public node {
 public:
  using input = typename Processor::input;
  using output_key = typename Processor::output_key;
  using output_value = typename Processor::output_value;

  explicit processor_node(std::unique_ptr<Processor> made) : processor_(std::move(made)) {}

  outlet<output_key, output_value>& out() noexcept { return out_; }

  // What the processor changes cannot be seen from here: once it has answered, it counts as done.
  maybe_ready<void> process(input& next) {
    maybe_ready<void> done = processor_->process(next);
    if (!done.ready()) return process_cold(std::move(done));
    owner_->will_change();
    return {};
  }

  task<void> open(task_context& context) override {
    owner_ = &context;
    context_ = std::make_unique<typename Processor::context_type>(context, out_);
    co_await processor_->init(*context_);
  }
  maybe_ready<void> flush(coro::stop_token stop) override { return processor_->flush(stop); }
  task<void> close() override { co_await processor_->close(); }

 private:
  task<void> process_cold(maybe_ready<void> pending) {
    co_await std::move(pending);
    owner_->will_change();
  }

  std::unique_ptr<Processor> processor_;
  task_context* owner_ = nullptr;
  std::unique_ptr<typename Processor::context_type> context_;
  outlet<output_key, output_value> out_;
};

template <class Factory>
struct process_operator {
  using ending = void;
  static constexpr std::string_view kind = "KSTREAM-PROCESSOR-";

  Factory factory;
  std::vector<std::string> stores;

  template <class K, class V, class Chain>
  auto end(stream<K, V, Chain> from) && {
    using processor_type = typename decltype(factory())::element_type;
    using node_type = processor_node<processor_type>;
    static_assert(std::is_same_v<typename node_type::input, record<K, V>>,
                  "the processor takes records of another type");
    graph& owner = from.owner();
    const std::size_t self = owner.describe(kind, {}, {from.last_operator()}, at_end::allowed);
    auto& made = owner.add_node(std::make_unique<node_type>(factory()));
    for (const std::string& each : stores) owner.connect(self, each);
    std::move(from).end_with(into_node(made));
    return stream<typename node_type::output_key, typename node_type::output_value>(owner, self,
                                                                                    made.out());
  }
};

}  // namespace detail

// factory() answers a std::unique_ptr to a processor; the names are those of the stores it uses.
template <class Factory, class... Names>
auto process(Factory factory, Names... stores) {
  return detail::process_operator<Factory>{std::move(factory), {std::string(stores)...}};
}

}  // namespace lentic::process
